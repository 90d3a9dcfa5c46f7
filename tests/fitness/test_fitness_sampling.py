"""Slice increment, gaps, pixels, and how much of the heart was scanned."""

from __future__ import annotations

import numpy as np
import pytest
from fitness_scans import ct

from bioloc.fitness.sample import Sample
from bioloc.fitness.sampling import check_sampling
from bioloc.tasks import get_task


def found(
    task: str = "cac",
    spacing_mm: tuple[float, float, float] = (3.0, 0.7, 0.7),
    slices: int = 60,
    region: slice | None = None,
    **header: float,
) -> dict[str, str]:
    scan = ct(np.zeros((slices, 8, 9)), spacing_mm, **header)
    box = None
    if region is not None:
        box = np.zeros(scan.hu.shape, bool)
        box[region, 2:5, 2:5] = True
    return {finding.code: finding.severity for finding in check_sampling(Sample.of(get_task(task), scan, box, 0))}


@pytest.mark.parametrize(
    ("increment", "expected"),
    [
        (1.9, {"slices": "warn"}),
        (2.0, {}),
        (3.0, {}),
        (3.5, {}),
        (3.6, {"slices": "warn"}),
        (6.0, {"slices": "warn"}),
        (6.1, {"slices": "refuse"}),
    ],
)
def test_slice_increments(increment: float, expected: dict[str, str]) -> None:
    assert found(spacing_mm=(increment, 0.7, 0.7)) == expected


def test_overlapping_slices_of_3_mm_are_not_thin() -> None:
    assert found(spacing_mm=(1.5, 0.7, 0.7), slice_thickness_mm=3.0) == {}
    assert found(spacing_mm=(1.5, 0.7, 0.7), slice_thickness_mm=1.5) == {"slices": "warn"}


def test_gaps_between_slices() -> None:
    assert found(slice_thickness_mm=2.5) == {}
    assert found(slice_thickness_mm=2.3) == {"gaps": "warn"}


@pytest.mark.parametrize("task", ["pma", "sfa", "liver"])
def test_areas_take_any_slice_thickness_and_height(task: str) -> None:
    assert found(task, (10.0, 0.7, 0.7), slices=1, slice_thickness_mm=1.0) == {}


@pytest.mark.parametrize(("task", "largest"), [("cac", 1.0), ("pma", 2.0), ("sfa", 2.0), ("liver", 2.0)])
def test_large_pixels(task: str, largest: float) -> None:
    assert found(task, (3.0, largest, largest)) == {}
    assert found(task, (3.0, 0.7, largest + 0.1)) == {"pixels": "warn"}


@pytest.mark.parametrize(
    ("slices", "region", "expected"),
    [
        (27, None, {}),
        (26, None, {"coverage": "warn"}),  # 78 mm
        (60, slice(0, 26), {"coverage": "warn"}),
        (60, slice(34, 60), {"coverage": "warn"}),
        (60, slice(0, 30), {}),
        (60, slice(10, 36), {}),  # low, but not cut off by the scan's end
    ],
)
def test_a_heart_that_the_scan_cuts_off(slices: int, region: slice | None, expected: dict[str, str]) -> None:
    assert found(slices=slices, region=region) == expected
