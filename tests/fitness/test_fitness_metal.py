"""Metal on the slice, or in and near the region."""

from __future__ import annotations

import numpy as np
import pytest
from fitness_scans import HEART_MM, PIXEL_MM, chest, ct, heart, heart_box

from bioloc.fitness.metal import METAL_HU, check_metal
from bioloc.fitness.sample import Sample
from bioloc.tasks import get_task


def on_slice(pixels: int, hu: int = 3000, at: tuple[int, int] = (75, 100), task: str = "pma") -> list[str]:
    scan = chest()
    image = scan.hu.copy()
    image[0, at[0], at[1] : at[1] + pixels] = hu
    return [f.severity for f in check_metal(Sample.of(get_task(task), ct(image, scan.spacing_mm), None, 0))]


def in_heart(voxels: int, at: tuple[int, int, int] = (22, 70, 80)) -> list[str]:
    image = heart()
    block = image[at[0] - 3 : at[0] + 3, at[1] - 8 : at[1] + 8, at[2] - 8 : at[2] + 8]
    block[np.unravel_index(np.arange(voxels), block.shape)] = 3071
    region = heart_box(image)
    return [f.severity for f in check_metal(Sample.of(get_task("cac"), ct(image, HEART_MM), region, None))]


@pytest.mark.parametrize(("pixels", "severities"), [(0, []), (1, []), (2, ["warn"]), (49, ["warn"]), (50, ["refuse"])])
def test_on_a_slice_metal_is_measured_in_cm2(pixels: int, severities: list[str]) -> None:
    assert PIXEL_MM**2 / 100 == 0.04
    assert on_slice(pixels) == severities


def test_dense_bone_is_no_metal() -> None:
    assert on_slice(60, METAL_HU - 1) == []


def test_metal_beside_the_body_does_not_matter() -> None:
    assert on_slice(60, at=(2, 100)) == []


@pytest.mark.parametrize(("voxels", "severities"), [(0, []), (7, []), (8, ["warn"]), (592, ["warn"]), (593, ["refuse"])])
def test_in_a_volume_metal_is_measured_in_ml(voxels: int, severities: list[str]) -> None:
    """A voxel has 6.75 mm3."""
    assert in_heart(voxels) == severities


def test_metal_far_from_the_region_does_not_matter() -> None:
    assert in_heart(600, at=(22, 12, 80)) == []
    assert in_heart(600, at=(22, 34, 80)) == ["refuse"]  # 5 mm and more in front of the box


def test_near_the_liver_counts_and_far_from_it_does_not() -> None:
    scan = chest(lung_half_mm=0)
    region = np.zeros(scan.hu.shape, bool)
    region[0, 60:90, 50:80] = True
    for column, severities in ((85, ["refuse"]), (110, [])):
        image = scan.hu.copy()
        image[0, 60:90, column : column + 3] = 3071
        assert [
            f.severity for f in check_metal(Sample.of(get_task("liver"), ct(image, scan.spacing_mm), region, 0))
        ] == severities
