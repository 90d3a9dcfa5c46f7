"""NLST: patients of a table, each with the series that the rule prefers."""

from __future__ import annotations

from pathlib import Path

import pytest
from source_trees import heart, heart_series, nlst, touch

from bioloc.cohorts.sources.nlst import find
from bioloc.errors import DataError
from bioloc.tasks import get_task

CAC = get_task("cac")


def test_the_soft_kernel_of_the_first_year_nearest_2_5_mm_is_taken(tmp_path: Path) -> None:
    found = find(nlst(tmp_path), CAC)
    assert [(case.case_id, case.value, case.image) for case in found.cases] == [
        ("nlst-100", 178.772, tmp_path / "100/study/01-02-1999/soft")
    ]


def test_without_a_soft_kernel_another_does(tmp_path: Path) -> None:
    nlst(tmp_path)
    for name in ("soft", "thick"):
        for file in (tmp_path / "100/study/01-02-1999" / name).iterdir():
            file.unlink()
    assert find(tmp_path, CAC).cases[0].image.name == "sharp"


def test_a_kernel_earlier_in_the_list_goes_first(tmp_path: Path) -> None:
    nlst(tmp_path)
    hu = heart(1, slices=20)
    for name, kernel in (("standard", "STANDARD"), ("b31f", "B31f"), ("b20f", "B20f")):
        heart_series(
            tmp_path / "100/study/01-02-1999" / name, hu, StudyDate="19990102", ConvolutionKernel=kernel, SliceThickness=2.5
        )
    assert find(tmp_path, CAC).cases[0].image.name == "b31f"


def test_patients_without_a_usable_series_or_score_are_told(tmp_path: Path) -> None:
    nlst(tmp_path)
    touch(tmp_path / "stats/Results_NLST.csv", "PID,CAC_AI,CAC_manual\n100,1,\n200,0,1\n300,0,0\n")
    for number in range(20):
        touch(tmp_path / f"200/study/no-dicom/{number:02d}.dcm", "no DICOM")
    found = find(tmp_path, CAC)
    assert found.cases == []
    assert {one.what: one.reason for one in found.skipped} == {
        "nlst-100": "its CAC_manual is '', which is no score",
        "nlst-200": "no CT series of 20 slices or more",
        "nlst-300": "a score, but no folder with its scans",
    }


def test_a_table_is_needed(tmp_path: Path) -> None:
    nlst(tmp_path)
    touch(tmp_path / "stats/Results_NLST.csv", "PID,CAC_AI\n100,1\n")
    with pytest.raises(DataError, match="no CSV with the columns PID and CAC_manual"):
        find(tmp_path, CAC)
