"""TotalSegmentator's data set: organ regions, and values that a person brings."""

from __future__ import annotations

from pathlib import Path

import pytest
from source_trees import totalsegmentator, touch

from bioloc.cohorts.manifest import split_of
from bioloc.cohorts.sources.totalsegmentator import find
from bioloc.errors import DataError
from bioloc.tasks import get_task

LIVER, SFA, CAC = get_task("liver"), get_task("sfa"), get_task("cac")


def test_cases_have_region_value_slice_and_split(tmp_path: Path) -> None:
    one, two = find(totalsegmentator(tmp_path), LIVER).cases
    assert (one.case_id, one.value, one.slice_number, one.slice_auto) == ("s0000", 4.2, 8, False)
    assert (one.region, one.mask) == (tmp_path / "s0000/segmentations/liver.nii.gz", None)
    assert (two.case_id, two.value, two.slice_number, two.slice_auto, two.split) == ("s0001", 0.0, None, True, "val")
    assert one.split == ("gate" if split_of("s0000") == "gate" else "train")


def test_cases_without_region_or_value_are_told(tmp_path: Path) -> None:
    skipped = {one.what: one.reason for one in find(totalsegmentator(tmp_path), LIVER).skipped}
    assert skipped == {
        "s0002": "no segmentations/liver.nii.gz",
        "s0003": "no value in values.csv",
        "s9999": "a value, but no ct.nii.gz",
    }


def test_a_volumes_value_needs_no_slice_and_no_region(tmp_path: Path) -> None:
    totalsegmentator(tmp_path)
    touch(tmp_path / "values.csv", "image_id,value\ns0002,7\n")
    (case,) = find(tmp_path, CAC).cases
    assert (case.value, case.unit, case.region, case.slice_number, case.slice_auto) == (7.0, "points", None, None, False)


def test_a_target_mask_stands_in_for_a_table(tmp_path: Path) -> None:
    totalsegmentator(tmp_path)
    (tmp_path / "values.csv").unlink()
    with pytest.raises(DataError, match=r"values\.csv: no such table"):
        find(tmp_path, SFA)
    touch(tmp_path / "s0002/segmentations/subcutaneous_fat.nii.gz")
    (case,) = find(tmp_path, SFA).cases
    assert (case.case_id, case.value, case.slice_auto, case.region) == ("s0002", None, True, None)
    assert case.mask == tmp_path / "s0002/segmentations/subcutaneous_fat.nii.gz"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("id,value\ns0000,1\n", "columns image_id and value"),
        ("image_id,value\ns0000,much\n", "line 2: value 'much'"),
        ("image_id,value,slice\ns0000,1,top\n", "line 2: value '1', slice 'top'"),
        ("image_id,value,unit\ns0000,1,mm2\n", "line 2: unit 'mm2': liver is measured in cm2"),
    ],
)
def test_a_mistake_in_the_table_is_told(tmp_path: Path, table: str, words: str) -> None:
    totalsegmentator(tmp_path)
    touch(tmp_path / "values.csv", table)
    with pytest.raises(DataError, match=words):
        find(tmp_path, LIVER)
