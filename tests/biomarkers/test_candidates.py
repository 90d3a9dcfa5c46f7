"""Candidates: the pixels that may count, and what they add up to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.biomarkers.candidates import find_candidates, pixel_worth
from bioloc.errors import ImageError
from bioloc.tasks import TASKS, get_task

SPACING = (5.0, 0.7, 0.8)


@pytest.mark.parametrize("name", ["pma", "sfa", "liver"])
def test_the_window_includes_both_ends(name: str) -> None:
    task = get_task(name)
    low, high = map(int, task.hu_range)
    hu = np.array([[[low - 1, low, high, high + 1]]], np.int16)
    found = find_candidates(task, hu, SPACING, np.ones(hu.shape, bool))
    assert found.mask.tolist() == [[[False, True, True, False]]]
    assert found.lesions is None
    assert found.total() == pytest.approx(2 * 0.7 * 0.8 / 100)


def test_worth_of_a_pixel() -> None:
    assert pixel_worth(get_task("pma"), SPACING) == pytest.approx(0.0056)  # cm2, whatever the slice increment
    assert pixel_worth(get_task("cac"), SPACING) == pytest.approx(0.56 * 5 / 3)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from(list(TASKS)))
def test_values_of_disjoint_masks_add_up_to_the_total(seed: int, name: str) -> None:
    rng = np.random.default_rng(seed)
    hu = rng.integers(-300, 500, (2, 9, 7)).astype(np.int16)
    found = find_candidates(get_task(name), hu, SPACING, np.ones(hu.shape, bool))
    mask = rng.random(hu.shape) < 0.5
    assert found.value(mask) + found.value(~mask) == pytest.approx(found.total())
    assert found.value(np.zeros_like(mask)) == 0
    assert found.value(mask & ~found.mask) == 0


def test_a_task_without_a_region_ignores_one() -> None:
    hu = np.zeros((1, 4, 4), np.int16)
    assert find_candidates(get_task("pma"), hu, SPACING, np.zeros(hu.shape, bool)).mask.all()


def test_an_optional_region_may_be_absent_or_empty() -> None:
    hu = np.full((1, 4, 4), 200, np.int16)
    assert find_candidates(get_task("cac"), hu, SPACING).mask.all()
    assert find_candidates(get_task("cac"), hu, SPACING, np.zeros(hu.shape, bool)).total() == 0


@pytest.mark.parametrize("region", [None, np.zeros((1, 4, 4), bool)], ids=["none", "empty"])
def test_a_required_region_must_hold_something(region: np.ndarray | None) -> None:
    with pytest.raises(ImageError, match="region of interest"):
        find_candidates(get_task("liver"), np.zeros((1, 4, 4), np.int16), SPACING, region)


def test_the_scan_and_the_region_are_left_as_they_were() -> None:
    hu, region = np.full((1, 4, 4), 200, np.int16), np.eye(4, dtype=bool)[None]
    before = hu.copy(), region.copy()
    for task in TASKS.values():
        find_candidates(task, hu, SPACING, region)
    assert np.array_equal(hu, before[0])
    assert np.array_equal(region, before[1])


def test_what_lies_in_the_skin_may_count_but_is_no_candidate() -> None:
    rng = np.random.default_rng(5)
    hu = rng.integers(-300, 100, (2, 9, 7)).astype(np.int16)
    whole, deep = find_candidates(get_task("sfa"), hu, SPACING), rng.random(hu.shape) < 0.5
    found = whole.without_skin(deep)
    assert np.array_equal(found.mask, whole.mask & deep)
    assert np.array_equal(found.countable, whole.mask)
    assert found.total() == pytest.approx(whole.value(deep))
    assert found.most() == pytest.approx(whole.total()) == pytest.approx(whole.most())
    assert whole.skin is None
