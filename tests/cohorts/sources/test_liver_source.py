"""Task03_Liver and LiTS: scans and labels are paired by number, and slices go through the liver."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from source_trees import lits, msd

from bioloc.cohorts.manifest import Case, split_of
from bioloc.cohorts.sources.found import Opened
from bioloc.cohorts.sources.liver import find_lits, find_msd, through_the_liver
from bioloc.ct.image import CT
from bioloc.errors import DataError
from bioloc.tasks import get_task

LIVER = get_task("liver")


def test_scans_and_labels_are_paired(tmp_path: Path) -> None:
    root = msd(tmp_path)
    found = find_msd(root, LIVER)
    assert [case.case_id for case in found.cases] == ["liver_0", "liver_1", "liver_10"]
    case = found.cases[2]
    assert (case.image, case.mask) == (root / "imagesTr/liver_10.nii.gz", root / "labelsTr/liver_10.nii.gz")
    assert (case.region, case.region_labels, case.mask_labels) == (case.mask, (1, 2), (2,))
    assert (case.patient_id, case.value, case.unit, case.split) == ("liver_10", None, "cm2", split_of("liver_10"))


def test_what_has_no_partner_is_told_and_macos_files_are_nothing(tmp_path: Path) -> None:
    skipped = {one.what: one.reason for one in find_msd(msd(tmp_path), LIVER).skipped}
    assert set(skipped) == {"liver_77.nii.gz", "liver_78.nii.gz", "imagesTs"}
    assert "no label file" in skipped["liver_77.nii.gz"]
    assert "no scan" in skipped["liver_78.nii.gz"]
    assert "1 scans of the challenge's test set" in skipped["imagesTs"]


def test_the_folder_around_it_does_as_well(tmp_path: Path) -> None:
    msd(tmp_path)
    assert len(find_msd(tmp_path, LIVER).cases) == 3


def test_another_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder imagesTr in it"):
        find_msd(tmp_path, LIVER)


def test_lits_is_found_in_its_batches(tmp_path: Path) -> None:
    found = find_lits(lits(tmp_path), LIVER)
    assert [case.case_id for case in found.cases] == ["lits_0", "lits_27", "lits_100"]
    assert [case.mask.name for case in found.cases if case.mask] == [f"segmentation-{n}.nii" for n in (0, 27, 100)]
    assert found.skipped == []


def test_a_number_that_stands_twice_is_taken_once(tmp_path: Path) -> None:
    lits(tmp_path)
    copy = tmp_path / "Training Batch 2"
    for name in ("volume-0.nii", "segmentation-0.nii"):
        (copy / name).write_bytes((tmp_path / "Training Batch 1" / name).read_bytes())
    found = find_lits(tmp_path, LIVER)
    assert [case.case_id for case in found.cases] == ["lits_0", "lits_27", "lits_100"]
    assert found.cases[0].image == tmp_path / "Training Batch 1" / "volume-0.nii"
    assert found.cases[0].mask == tmp_path / "Training Batch 1" / "segmentation-0.nii"
    assert [one.what for one in found.skipped] == ["volume-0.nii"]


@pytest.mark.parametrize(
    ("increment_mm", "first", "last", "wanted"),
    [
        (5.0, 3, 15, [3, 7, 11, 15]),
        (5.0, 3, 14, [4, 8, 12]),
        (5.0, 6, 6, [6]),
        (1.0, 0, 29, [4, 24]),
        (30.0, 2, 4, [2, 3, 4]),
    ],
)
def test_samples_are_20_mm_apart_and_in_the_middle(increment_mm: float, first: int, last: int, wanted: list[int]) -> None:
    region = np.zeros((30, 4, 4), bool)
    region[first : last + 1, 1, 2] = True
    ct = CT(region.astype(np.int16), (increment_mm, 1.0, 1.0), np.eye(4), np.eye(3, 2), "scan")
    case = Case("liver_1", "liver_1", Path("i"), None, "cm2", "train")
    samples = through_the_liver(case, Opened(ct, None, region))
    assert [sample.slice_number for sample in samples] == wanted
    assert samples[0] == replace(case, case_id=f"liver_1-z{wanted[0]:03d}", slice_number=wanted[0])
