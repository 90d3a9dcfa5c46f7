"""The body in a slice, and what of it is not skin."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.ct.body import body_mask, middle, under_skin

SIDE = 96


def disc(radius_mm: float, spacing_mm: tuple[float, float, float], center: tuple[float, float] = (0, 0)) -> np.ndarray:
    """(1, 96, 96) HU of a disc of water in air."""
    y, x = (np.arange(SIDE) - (SIDE - 1) / 2)[:, None], (np.arange(SIDE) - (SIDE - 1) / 2)[None]
    away = np.hypot(y * spacing_mm[1] - center[0], x * spacing_mm[2] - center[1])
    return np.where(away < radius_mm, 0, -1000).astype(np.int16)[None]


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.floats(0.6, 2.5), st.floats(0.6, 2.5), st.floats(0.5, 6))
def test_what_is_under_the_skin_begins_as_deep_as_asked(row_mm: float, column_mm: float, skin_mm: float) -> None:
    spacing = (3.0, row_mm, column_mm)
    radius = 0.4 * SIDE * min(row_mm, column_mm)
    hu = disc(radius, spacing)
    deep = under_skin(hu, spacing, skin_mm)
    pixel, skin = max(row_mm, column_mm), max(skin_mm, row_mm, column_mm)
    assert not deep[disc(radius - skin + pixel, spacing) == -1000].any()
    assert deep[disc(radius - skin - pixel, spacing) == 0].all()


def test_the_outermost_pixel_is_skin_however_coarse_the_image() -> None:
    spacing = (5.0, 4.0, 4.0)
    hu = disc(150, spacing)
    deep = under_skin(hu, spacing, 2.0)[0]
    body = body_mask(hu[0])
    touches_air = body & (~np.roll(body, 1, 0) | ~np.roll(body, -1, 0) | ~np.roll(body, 1, 1) | ~np.roll(body, -1, 1))
    assert not deep[touches_air].any()
    assert deep.sum() > 0.8 * body.sum()


def test_where_the_image_cuts_the_body_off_there_is_no_skin() -> None:
    spacing = (5.0, 1.0, 1.0)
    deep = under_skin(disc(60, spacing, center=(0, 40)), spacing, 2.0)[0]
    assert deep[SIDE // 2, -1]
    assert not deep[SIDE // 2, 0]


def test_without_a_body_all_is_left() -> None:
    assert under_skin(np.full((2, 8, 8), -1000, np.int16), (1.0, 1.0, 1.0), 2.0).all()


def test_every_slice_has_its_own_outline() -> None:
    spacing = (5.0, 1.0, 1.0)
    both = np.concatenate([disc(40, spacing), disc(20, spacing)])
    deep = under_skin(both, spacing, 2.0)
    assert np.array_equal(deep[1], under_skin(both[1:], spacing, 2.0)[0])
    assert deep[0].sum() > 3 * deep[1].sum()


def test_the_middle_of_a_mask_is_that_of_its_bounding_box() -> None:
    mask = np.zeros((10, 12), bool)
    mask[2:5, 3:9] = True
    assert middle(mask) == (3.0, 5.5)
    assert middle(np.zeros((4, 4), bool)) is None
