"""Slice and region: what a person names comes first, then what is found, then a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from bioloc.anatomy import Level, Region
from bioloc.cohorts import locate as module
from bioloc.cohorts.locate import locate
from bioloc.ct.image import CT
from bioloc.errors import ImageError
from bioloc.tasks import TASKS

SHAPE = (6, 8, 9)


def scan(slices: int = 6) -> CT:
    return CT(np.zeros((slices, *SHAPE[1:]), np.int16), (5.0, 1.0, 1.0), np.eye(4), np.zeros((3, 2)), "scan")


def box(*slices: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    for number in slices:
        mask[number, 2 : 3 + number, 2:5] = True
    return mask


@pytest.fixture(autouse=True)
def _anatomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anatomy that finds the same in every scan."""
    monkeypatch.setattr(module, "arch_slice", lambda hu, mm: Level(4, "above the arch", {}))
    monkeypatch.setattr(module, "heart_region", lambda hu, mm: Region(box(1, 2), "between the lungs"))
    monkeypatch.setattr(module, "find_liver", lambda hu, mm: Region(box(1, 3), "on the right"))
    monkeypatch.setattr(module, "covers_chest_width", lambda hu, mm: True)


def test_a_chest_slice_is_found_only_when_asked() -> None:
    found = locate(TASKS["pma"], scan(), None, None, auto=True)
    assert (found.slice_number, found.found_slice, found.region) == (4, "above the arch", None)
    with pytest.raises(ImageError, match=r"scan: .* one slice of this scan's 6: name it with --slice"):
        locate(TASKS["pma"], scan(), None, None, auto=False)


def test_a_named_slice_and_a_single_slice_are_not_looked_for() -> None:
    named = locate(TASKS["pma"], scan(), None, 2, auto=True)
    assert (named.slice_number, named.found_slice) == (2, None)
    assert locate(TASKS["pma"], scan(1), None, None, auto=False).slice_number == 0
    with pytest.raises(ImageError, match="no slice 6"):
        locate(TASKS["pma"], scan(), None, 6, auto=True)


def test_the_liver_is_found_and_measured_where_it_is_largest() -> None:
    found = locate(TASKS["liver"], scan(), None, None, auto=True)
    assert (found.slice_number, found.found_region) == (3, "on the right")
    assert np.array_equal(found.region, box(1, 3))
    given = locate(TASKS["liver"], scan(), box(2, 5), None, auto=True)
    assert (given.slice_number, given.found_region) == (5, None)


def test_a_chest_is_cut_to_the_heart_and_a_heart_is_left_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    found = locate(TASKS["cac"], scan(), None, None, auto=False)
    assert (found.slice_number, found.found_region) == (None, "between the lungs")
    assert np.array_equal(found.region, box(1, 2))
    given = locate(TASKS["cac"], scan(), box(3), None, auto=False)
    assert given.found_region is None
    assert np.array_equal(given.region, box(3))
    monkeypatch.setattr(module, "covers_chest_width", lambda hu, mm: False)
    assert locate(TASKS["cac"], scan(), None, None, auto=False).region is None


def test_an_empty_region_is_told_and_a_needless_one_is_left() -> None:
    with pytest.raises(ImageError, match="region of interest is empty"):
        locate(TASKS["liver"], scan(), np.zeros(SHAPE, bool), 2, auto=False)
    assert locate(TASKS["sfa"], scan(), box(1), 1, auto=False).region is None
