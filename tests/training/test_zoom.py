"""A zoomed image has the areas that it is said to have, all on it moves alike, and nothing that may count is cut off."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.ct.image import AIR
from bioloc.networks.views import Views
from bioloc.training.zoom import zoomed

SIDE = 64


def disc(radius: float, row: float = 31.5, column: float = 31.5) -> Views:
    """A disc that may count, the left half of it the target; each pixel's HU are its own, and tell where it was."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    inside = ((rows - row) ** 2 + (columns - column) ** 2 <= radius**2)[None]
    return Views(
        planes=torch.arange(SIDE**2, dtype=torch.int16).view(1, 1, SIDE, SIDE),
        worth=0.25 * inside,
        depth=torch.stack([rows, columns]).to(torch.uint8)[None],
        place=torch.zeros(1, 3),
        reference_hu=torch.zeros(1),
        sample=torch.tensor([0]),
        samples=1,
        lesions=torch.zeros(1, 0, 0, dtype=torch.int16),
        target=(inside & (columns < column)).float(),
    )


def area(views: Views) -> float:
    return float(views.worth.sum())


@settings(derandomize=True, deadline=None, max_examples=30)
@given(seed=st.integers(0, 9999), radius=st.floats(8, 20), share=st.floats(0.02, 0.3))
def test_the_area_grows_by_what_is_said(seed: int, radius: float, share: float) -> None:
    views = disc(radius)
    changed, growth = zoomed(views, share, np.random.default_rng(seed))
    assert (1 - share) ** 2 <= growth <= (1 + share) ** 2
    assert area(changed) / area(views) == pytest.approx(growth, rel=2 / radius)  # a row more or less along each axis


def test_areas_are_right_in_the_mean() -> None:
    views, rng = disc(15), np.random.default_rng(1)
    drawn = [zoomed(views, 0.2, rng) for _ in range(200)]
    assert np.mean([area(changed) / area(views) / growth for changed, growth in drawn]) == pytest.approx(1, abs=0.005)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(seed=st.integers(0, 9999), row=st.floats(12, 51), column=st.floats(12, 51))
def test_all_grids_move_alike_and_beyond_the_image_is_air(seed: int, row: float, column: float) -> None:
    views = disc(10, row, column)
    changed, growth = zoomed(views, 0.5, np.random.default_rng(seed))
    from_where = changed.planes[0, 0].long()
    there = from_where != AIR
    assert from_where[there].min() >= 0
    assert views.target is not None
    assert changed.target is not None
    for before, after in ((views.worth, changed.worth), (views.target, changed.target)):
        assert torch.equal(after[0][there], before.flatten()[from_where[there]])
        assert not after[0][~there].any()
    for before, after in zip(views.depth[0], changed.depth[0], strict=True):
        deeper = (before.flatten()[from_where[there]] * growth**0.5).round().clamp(0, 255)
        assert torch.equal(after[there], deeper.to(torch.uint8))
    assert [one.dtype for one in (changed.planes, changed.depth)] == [torch.int16, torch.uint8]


def test_nothing_that_may_count_is_cut_off() -> None:
    rng, grown = np.random.default_rng(2), 0
    for row, column in [(31.5, 31.5), (20, 40), (45, 14), (10, 50)] * 20:
        views = disc(9, row, column)
        changed, _ = zoomed(views, 0.5, rng)
        if (changed.planes != AIR).all():  # drawn larger: no row was left out
            grown += 1
            kept = set(changed.planes[:, 0][changed.worth > 0].tolist())
            assert kept == set(views.planes[:, 0][views.worth > 0].tolist())
    assert grown > 5


def test_what_is_at_the_edge_grows_no_more() -> None:
    rng = np.random.default_rng(3)
    assert all(zoomed(disc(10, row=9, column=54), 0.3, rng)[1] <= 1 for _ in range(40))
    assert any(zoomed(disc(10), 0.3, rng)[1] > 1.1 for _ in range(40))


def test_images_without_candidates_are_zoomed_too() -> None:
    views = disc(0.1, row=0.5)
    assert not views.worth.any()
    assert zoomed(views, 0.2, np.random.default_rng(5))[1] != 1
