"""Real scans: what fits is not refused, and an enhanced heart is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from bioloc.anatomy import arch_slice, heart_region
from bioloc.ct.image import CT
from bioloc.ct.read import read_ct
from bioloc.fitness import check_fitness
from bioloc.fitness.blood import MUCH_ML, SOME_ML, _middle, largest_pool
from bioloc.fitness.sample import Sample
from bioloc.tasks import get_task

CHESTS = {
    "lung2": "pyradiomics/lung2_image.nrrd",
    "A0001": "lung_pet_ct_dx/Lung_Dx-A0001_5mm_B.nii.gz",
    "CIP": "chest_imaging_platform/ct-64.nrrd",
}
each_chest = pytest.mark.parametrize("name", CHESTS)


@cache
def opened(path: Path) -> CT:
    return read_ct(path)


@cache
def heart_of(path: Path) -> np.ndarray:
    return heart_region(opened(path).hu, opened(path).spacing_mm).mask


def found(task: str, scan: CT, region: np.ndarray | None, number: int | None, named: bool = False) -> dict[str, str]:
    return {f.code: f.severity for f in check_fitness(get_task(task), scan, region, number, named)}


def pool_ml(scan: CT, region: np.ndarray) -> float:
    sample = Sample.of(get_task("cac"), scan, region, None)
    return largest_pool(scan.hu[_middle(sample)], scan.spacing_mm, region[_middle(sample)]).volume_ml


def with_contrast(scan: CT, region: np.ndarray, by_hu: int) -> CT:
    """The scan with its chambers raised: smooth soft tissue 6 mm inside what lies within the heart's region."""
    part = Sample.of(get_task("cac"), scan, region, None).box
    smooth = ndimage.gaussian_filter(scan.hu[part].astype(np.float32), [2 / size for size in scan.spacing_mm])
    soft = region[part] & (smooth >= 20) & (smooth <= 70)
    hu = scan.hu.copy()
    hu[part][ndimage.distance_transform_edt(ndimage.binary_closing(soft), scan.spacing_mm) > 6] += by_hu
    return CT(hu, scan.spacing_mm, scan.affine, scan.orientation, scan.source, scan.acquisition)


@each_chest
def test_unenhanced_chests_are_not_refused_for_calcium(real_ct: Path, name: str) -> None:
    path = real_ct / CHESTS[name]
    codes = found("cac", opened(path), heart_of(path), None, True)
    assert set(codes.values()) <= {"warn"}, codes
    assert codes.get("slices") == "warn"  # 4 or 5 mm


@each_chest
@pytest.mark.parametrize("by_hu", [150, 300])
def test_contrast_in_the_chambers_refuses(real_ct: Path, name: str, by_hu: int) -> None:
    path = real_ct / CHESTS[name]
    scan, region = opened(path), heart_of(path)
    enhanced = with_contrast(scan, region, by_hu)
    assert pool_ml(scan, region) < SOME_ML / 2
    assert pool_ml(enhanced, region) > 2 * MUCH_ML
    assert found("cac", enhanced, region, None, True)["contrast"] == "refuse"


@each_chest
def test_a_heart_cut_out_of_a_chest_shows_the_same(real_ct: Path, name: str) -> None:
    path = real_ct / CHESTS[name]
    scan, region = opened(path), heart_of(path)
    slices, *spans = Sample.of(get_task("cac"), scan, region, None).box
    middles, halves = [(span.start + span.stop) // 2 for span in spans], [round(100 / size) for size in scan.spacing_mm[1:]]
    rows, columns = (slice(max(middle - half, 0), middle + half) for middle, half in zip(middles, halves, strict=True))
    for by_hu, severity in ((0, None), (150, "refuse")):
        hu = with_contrast(scan, region, by_hu).hu[slices, rows, columns]
        heart = CT(hu, scan.spacing_mm, scan.affine, scan.orientation, "heart", scan.acquisition)
        codes = found("cac", heart, None, None, True)
        assert codes.pop("contrast", None) == severity
        assert set(codes.values()) == {"warn"}


@each_chest
@pytest.mark.parametrize("task", ["pma", "sfa"])
def test_the_slice_above_the_arch_is_not_refused(real_ct: Path, name: str, task: str) -> None:
    scan = opened(real_ct / CHESTS[name])
    codes = found(task, scan, None, arch_slice(scan.hu, scan.spacing_mm).slice_number)
    assert set(codes.values()) <= {"warn"}, codes


@pytest.mark.parametrize(("task", "severity"), [("pma", "refuse"), ("sfa", "warn")])
def test_an_abdomen_is_no_chest_and_refused_for_muscle_unless_a_person_named_the_slice(
    real_ct: Path, task: str, severity: str
) -> None:
    scan = opened(real_ct / "totalsegmentator/example_ct_sm.nii.gz")
    assert found(task, scan, None, 15)["body-part"] == severity
    codes = found(task, scan, None, 15, named=True)
    assert codes["body-part"] == "warn"
    assert set(codes.values()) == {"warn"}


def test_a_chest_cut_to_its_middle_is_refused_for_areas(real_ct: Path) -> None:
    scan = opened(real_ct / CHESTS["lung2"])
    number = arch_slice(scan.hu, scan.spacing_mm).slice_number
    quarter = scan.hu.shape[2] // 4
    narrow = CT(scan.hu[:, :, quarter:-quarter], scan.spacing_mm, scan.affine, scan.orientation, "narrow", scan.acquisition)
    assert found("sfa", narrow, None, number)["field-of-view"] == "refuse"


def test_the_calcium_phantom_is_only_warned_of(real_ct: Path) -> None:
    codes = found("cac", opened(real_ct / "qrm_cac_phantom/canon_aquilion_Large_rep1.nii.gz"), None, None, True)
    assert set(codes.values()) <= {"warn"}, codes
