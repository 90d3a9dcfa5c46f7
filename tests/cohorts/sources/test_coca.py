"""COCA: gated scans need their outlines, and non-gated ones their row in the table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from source_trees import coca, coca_nongated, heart, heart_series, touch

from bioloc.cohorts.sources.coca import find_gated, find_nongated
from bioloc.errors import DataError, ManifestError
from bioloc.tasks import get_task

CAC = get_task("cac")


def test_gated_scans_with_outlines_are_cases(tmp_path: Path) -> None:
    root = coca(tmp_path)
    found = find_gated(tmp_path, CAC)
    assert [case.case_id for case in found.cases] == ["coca-1", "coca-3", "coca-4", "coca-5"]
    case = found.cases[0]
    assert (case.image, case.mask) == (root / "patient/1/Pro_Gated_CS_3.0", root / "calcium_xml/1.xml")
    assert (case.value, case.unit, case.mask_labels) == (None, "points", ())


def test_a_scan_without_outlines_has_no_score_of_0(tmp_path: Path) -> None:
    coca(tmp_path)
    skipped = {one.what: one.reason for one in find_gated(tmp_path, CAC).skipped}
    assert set(skipped) == {"coca-2", "coca-6"}
    assert "no calcium_xml/2.xml: not annotated, which is not a score of 0" in skipped["coca-2"]
    assert skipped["coca-6"].startswith("2 folders with DICOM files")


def test_dicom_files_right_in_a_patients_folder_do_as_well(tmp_path: Path) -> None:
    root = tmp_path / "Gated_release_final"
    heart_series(root / "patient/7", heart())
    touch(root / "calcium_xml/7.xml")
    assert [case.image.name for case in find_gated(root, CAC).cases] == ["7"]


def test_nongated_scans_take_the_total(tmp_path: Path) -> None:
    root = coca_nongated(tmp_path)
    found = find_nongated(tmp_path, CAC)
    assert [(case.case_id, case.value) for case in found.cases] == [("coca-nongated-1", 12.5), ("coca-nongated-2", 0.0)]
    assert [case.image for case in found.cases] == [root / "1/1", root / "2"]
    assert all(case.mask is None for case in found.cases)


def test_scores_and_scans_without_each_other_are_told(tmp_path: Path) -> None:
    coca_nongated(tmp_path)
    skipped = {one.what: one.reason for one in find_nongated(tmp_path, CAC).skipped}
    assert set(skipped) == {"coca-nongated-3", "coca-nongated-4", "coca-nongated-9", "scores.csv: 'average'"}
    assert "'missing', which is no score" in skipped["coca-nongated-3"]
    assert "no row" in skipped["coca-nongated-4"]
    assert "no folder" in skipped["coca-nongated-9"]


def test_the_table_may_be_a_sheet_with_numbers_for_names(tmp_path: Path) -> None:
    root = coca_nongated(tmp_path)
    (root / "scores.csv").unlink()
    pd.DataFrame({"filename": ["1A", 2], "total": [12.5, 0]}).to_excel(root / "scores.xlsx", index=False)
    assert [case.value for case in find_nongated(tmp_path, CAC).cases] == [12.5, 0.0]


def test_a_table_that_is_missing_broken_or_without_totals_is_told(tmp_path: Path) -> None:
    root = coca_nongated(tmp_path)
    touch(root / "scores.csv", "filename,LCA\n1A,1\n")
    with pytest.raises(DataError, match="columns filename and total are needed"):
        find_nongated(tmp_path, CAC)
    (root / "scores.csv").unlink()
    with pytest.raises(DataError, match=r"no scores\.xlsx"):
        find_nongated(tmp_path, CAC)
    touch(root / "scores.xlsx", "no sheet")
    with pytest.raises(ManifestError, match="cannot be read as an Excel sheet"):
        find_nongated(tmp_path, CAC)
