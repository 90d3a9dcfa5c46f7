"""The trunk's outline and the end of the image."""

from __future__ import annotations

import numpy as np
import pytest
from fitness_scans import PIXEL_MM, chest_slice, ct, in_circle, plane

from bioloc.fitness.field_of_view import MUCH_CUT, SOME_CUT, check_field_of_view, cut_share, reconstructed
from bioloc.fitness.sample import Sample
from bioloc.tasks import get_task

PIXEL = (PIXEL_MM, PIXEL_MM)


def found(task: str, hu: np.ndarray) -> dict[str, str]:
    sample = Sample.of(get_task(task), ct(hu[None], (5.0, *PIXEL)), None, 0)
    return {finding.code: finding.severity for finding in check_field_of_view(sample)}


@pytest.mark.parametrize("task", ["pma", "sfa"])
def test_a_whole_body_is_not_cut(task: str) -> None:
    assert found(task, chest_slice()) == {}
    assert found(task, in_circle(chest_slice(columns=230, rows=230), 200)) == {}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [(172, {}), (166, {"field-of-view": "warn"}), (150, {"field-of-view": "warn"}), (80, {"field-of-view": "refuse"})],
)
def test_the_image_cuts_off_the_sides(columns: int, expected: dict[str, str]) -> None:
    """The body is 170 pixels wide."""
    assert found("sfa", chest_slice(columns=columns)) == expected


@pytest.mark.parametrize(
    ("radius", "expected"), [(180, {}), (160, {"field-of-view": "warn"}), (130, {"field-of-view": "refuse"})]
)
def test_the_reconstruction_circle_cuts_off_the_sides(radius: float, expected: dict[str, str]) -> None:
    assert found("sfa", in_circle(chest_slice(columns=200, rows=200), radius)) == expected


@pytest.mark.parametrize("task", ["cac", "liver"])
def test_tasks_that_need_no_outline_do_not_ask(task: str) -> None:
    assert found(task, chest_slice(columns=110)) == {}


def test_the_cut_share_is_what_the_geometry_says() -> None:
    """An ellipse of half axes 170 and 110 mm, cut 120 mm left and right of its middle."""
    angles = np.linspace(0, 2 * np.pi, 20001)
    x, y = 170 * np.cos(angles), 110 * np.sin(angles)
    lengths = np.hypot(np.diff(x), np.diff(y))
    skin = lengths[np.abs(x[1:]) < 120].sum()
    cut = 4 * 110 * np.sqrt(1 - (120 / 170) ** 2)
    assert cut_share(chest_slice(columns=120).astype(np.int16), PIXEL) == pytest.approx(cut / (cut + skin), rel=0.2)


def test_arms_may_be_cut() -> None:
    wide, narrow = chest_slice(columns=300, arms=True), chest_slice(columns=220, arms=True)
    assert narrow[75, 0] > -300  # through the arms
    assert found("sfa", wide) == {}
    assert found("sfa", narrow) == {}


def test_a_lung_cut_open_counts_as_cut() -> None:
    hu = chest_slice(columns=150)[:, :70]  # the right side is cut through the left lung
    assert hu[75, -1] > -300 or hu[60:90, -1].min() < -700
    assert found("sfa", hu) == {"field-of-view": "refuse"}


def test_clipped_air_is_no_circle() -> None:
    hu = chest_slice(columns=230, rows=230, noise=0.0)
    hu[hu < -990] = -1024
    assert reconstructed(hu.astype(np.int16)).all()
    assert found("sfa", hu) == {}


def test_a_circle_is_recognised_in_noisy_air() -> None:
    hu = np.clip(np.random.default_rng(0).normal(-1005, 12, (160, 160)), -1024, None)
    inside = np.hypot(*plane(160, 160, 1.0)) <= 78
    seen = reconstructed(np.where(inside, hu, -1024).astype(np.int16))
    assert np.mean(seen == inside) > 0.99
    assert reconstructed(hu.astype(np.int16)).all()


def test_the_limits_are_in_order() -> None:
    assert 0 < SOME_CUT < MUCH_CUT < 1
