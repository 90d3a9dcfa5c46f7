"""A manifest is checked line by line, and each mistake is told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.cohorts.manifest import SPLITS, by_scan, is_manifest, read_manifest, split_of, write_manifest
from bioloc.errors import ManifestError
from bioloc.tasks import get_task

PMA = get_task("pma")


def row(number: int, **changes: Any) -> dict[str, Any]:
    plain = {
        "case_id": f"c{number}",
        "patient_id": f"p{number}",
        "image": f"images/c{number}.nii.gz",
        "value": 10.5,
        "unit": "cm2",
        "split": "train",
    }
    return plain | changes


def written(folder: Path, *rows: dict[str, Any]) -> Path:
    write_manifest(folder / "manifest.csv", list(rows))
    return folder / "manifest.csv"


def test_a_manifest_reads(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        row(1, region="regions/c1.nii.gz", mask="masks/c1.nii.gz", slice=4),
        row(2, region="", mask="", slice="", split="test", value=0),
    )
    one, two = read_manifest(path, PMA)
    assert one.image == tmp_path / "images" / "c1.nii.gz"
    assert (one.region, one.mask) == (tmp_path / "regions" / "c1.nii.gz", tmp_path / "masks" / "c1.nii.gz")
    assert (one.slice_number, one.value, one.split) == (4, 10.5, "train")
    assert (two.region, two.mask, two.slice_number, two.value, two.split) == (None, None, None, 0.0, "test")


def test_roi_is_another_name_of_region(tmp_path: Path) -> None:
    assert read_manifest(written(tmp_path, row(1, roi="r.nii.gz")), PMA)[0].region == tmp_path / "r.nii.gz"


def test_ids_stay_text(tmp_path: Path) -> None:
    cases = read_manifest(written(tmp_path, row(1, case_id="007", patient_id="NA"), row(2, case_id="nan")), PMA)
    assert [(case.case_id, case.patient_id) for case in cases] == [("007", "NA"), ("nan", "p2")]


@pytest.mark.parametrize("column", ["case_id", "patient_id", "image", "value", "unit"])
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    content = row(1)
    del content[column]
    with pytest.raises(ManifestError, match=f"no column {column}"):
        read_manifest(written(tmp_path, content), PMA)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"split": "validation"}, "line 3.*'validation'.*train, val, gate, test"),
        ({"split": ""}, "line 3.*split ''"),
        ({"case_id": "c1"}, "case_id c1 stands 2 times"),
        ({"patient_id": "p1", "split": "test"}, r"p1 is in more than one split \(test, train\)"),
        ({"value": "ten"}, "line 3.*value 'ten' is not a number"),
        ({"value": ""}, "line 3.*no value, and no mask to measure it from"),
        ({"value": "nan"}, "line 3.*finite"),
        ({"value": "inf"}, "line 3.*finite"),
        ({"value": -1}, "line 3.*at least 0"),
        ({"unit": "mm2"}, "line 3.*'mm2'.*cm2"),
        ({"unit": ""}, "line 3.*unit ''"),
        ({"image": "../x.nii.gz"}, "line 3.*leaves the manifest's folder"),
        ({"image": "images/../../x.nii.gz"}, "line 3.*leaves the manifest's folder"),
        ({"image": "/etc/passwd"}, "line 3.*leaves the manifest's folder"),
        ({"mask": "../x"}, "line 3.*leaves the manifest's folder"),
        ({"region": "/x"}, "line 3.*leaves the manifest's folder"),
        ({"image": " "}, "line 3 has no image"),
        ({"patient_id": ""}, "line 3 has no patient_id"),
        ({"case_id": ""}, "line 3 has no case_id"),
        ({"case_id": "../c2"}, "line 3.*no file name"),
        ({"case_id": ".."}, "line 3.*no file name"),
        ({"slice": "top"}, "line 3.*slice 'top' is not a number"),
        ({"slice": -1}, "line 3.*slice -1"),
        ({"slice": "1.5"}, "line 3.*slice 1.5.*whole number"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = written(tmp_path, row(1), row(2, **changes))
    with pytest.raises(ManifestError, match=words) as caught:
        read_manifest(path, PMA)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_absolute_path_may_lie_in_the_folder(tmp_path: Path) -> None:
    (case,) = read_manifest(written(tmp_path, row(0, image=str(tmp_path / "images" / "a.nii.gz"))), PMA)
    assert case.image == tmp_path / "images" / "a.nii.gz"


def test_a_symbolic_link_does_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "cohort").mkdir()
    (tmp_path / "cohort" / "images").symlink_to(tmp_path)
    with pytest.raises(ManifestError, match="leaves"):
        read_manifest(written(tmp_path / "cohort", row(1)), PMA)


def test_no_file_no_content_and_no_rows_are_told(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    with pytest.raises(ManifestError, match="no such manifest"):
        read_manifest(path, PMA)
    path.write_text("")
    with pytest.raises(ManifestError, match="cannot be read as CSV"):
        read_manifest(path, PMA)
    path.write_text("case_id,patient_id,image,value,unit\n")
    with pytest.raises(ManifestError, match="no rows"):
        read_manifest(path, PMA)
    path.write_bytes(b"\xff\xfe\x00\x81,\n" * 3)
    with pytest.raises(ManifestError):
        read_manifest(path, PMA)


def test_semicolons_are_told(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text("case_id;patient_id;image;value;unit\na;p;a.nii.gz;1;cm2\n")
    with pytest.raises(ManifestError, match="its cells are separated by semicolons: save it with commas"):
        read_manifest(path, PMA)


def test_a_missing_split_is_the_patients_own(tmp_path: Path) -> None:
    rows = [row(number, patient_id=f"p{number // 2}") for number in range(40)]
    for content in rows:
        del content["split"]
    cases = read_manifest(written(tmp_path, *rows), PMA)
    assert [case.split for case in cases] == [split_of(case.patient_id) for case in cases]
    alone = read_manifest(written(tmp_path, *rows[10:12]), PMA)
    assert [case.split for case in alone] == [case.split for case in cases[10:12]]


@pytest.mark.parametrize("patients", [4, 7, 12, 24, 30])
def test_a_small_cohort_has_a_patient_in_every_split(tmp_path: Path, patients: int) -> None:
    rows = [row(number, patient_id=f"p{number % patients}") for number in range(2 * patients)]
    for content in rows:
        del content["split"]
    split = {case.patient_id: case.split for case in read_manifest(written(tmp_path, *rows), PMA)}
    found = Counter(split.values())
    assert set(found) == {"train", "val", "gate", "test"}
    assert found["train"] == max(found.values())


def test_default_splits_are_70_10_10_10() -> None:
    found = Counter(split_of(f"patient {number}") for number in range(4000))
    assert set(found) == {"train", "val", "gate", "test"}
    assert found["train"] / 4000 == pytest.approx(0.7, abs=0.03)
    assert all(found[split] / 4000 == pytest.approx(0.1, abs=0.02) for split in ("val", "gate", "test"))


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.text(max_size=20))
def test_a_patients_split_is_one_of_the_splits(patient: str) -> None:
    assert split_of(patient) in SPLITS
    assert split_of(patient) == split_of(patient)


def test_labels_a_slice_to_find_and_a_value_to_measure(tmp_path: Path) -> None:
    one, two = read_manifest(
        written(
            tmp_path,
            row(1, value="", mask="m.nii.gz", mask_label="2", region="m.nii.gz", region_label="1 2", slice="auto"),
            row(2, mask_label="", region_label="", slice="3"),
        ),
        PMA,
    )
    assert (one.value, one.mask_labels, one.region_labels, one.slice_number, one.slice_auto) == (None, (2,), (1, 2), None, True)
    assert (two.value, two.mask_labels, two.region_labels, two.slice_number, two.slice_auto) == (10.5, (), (), 3, False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mask_label": "one"}, "line 2: mask_label 'one' is not a number"),
        ({"mask_label": "1,2"}, "line 2: mask_label '1,2' is not a number"),
        ({"region_label": "1.5"}, "line 2: region_label 1.5: it must be a whole number$"),
        ({"region_label": "0 1"}, "line 2: region_label 0 1: 0 is the background"),
    ],
)
def test_a_label_is_a_whole_number_above_0(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        read_manifest(written(tmp_path, row(1, **changes)), PMA)


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    rows = [row(1, slice=4, mask_label=2), row(2, slice=None, mask_label=None)]
    pd.DataFrame(rows).to_parquet(tmp_path / "manifest.parquet")
    assert read_manifest(tmp_path / "manifest.parquet", PMA) == read_manifest(written(tmp_path, *rows), PMA)
    assert is_manifest(tmp_path / "manifest.parquet")
    assert not is_manifest(tmp_path / "scan.nii.gz")


def test_for_prediction_an_image_is_enough(tmp_path: Path) -> None:
    content = {"case_id": "c1", "image": "a.nii.gz", "slice": "auto"}
    (case,) = read_manifest(written(tmp_path, content), PMA, values_needed=False)
    assert (case.image, case.slice_auto, case.mask) == (tmp_path / "a.nii.gz", True, None)


def test_neighbours_of_one_scan_are_together(tmp_path: Path) -> None:
    names = [("a", ""), ("a", ""), ("a", "m"), ("b", ""), ("a", "")]
    cases = read_manifest(written(tmp_path, *[row(n, image=image, mask=mask) for n, (image, mask) in enumerate(names)]), PMA)
    assert [[case.case_id for case in group] for group in by_scan(cases)] == [["c0", "c1"], ["c2"], ["c3"], ["c4"]]
