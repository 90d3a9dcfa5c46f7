"""The report's section on real scans, with what the benchmark left and without."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from bioloc.files import write_json
from bioloc.project import Project
from bioloc.reporting.page import write_html
from bioloc.reporting.real_ct import read_real_ct

FACTS = {"origin": "a museum", "to_see": "whether it is there", "run_key": "abc", "error": None, "unlike_training": None}
VOLUME = FACTS | {
    "task": "cac",
    "name": "lung2",
    "unit": "points",
    "value": 1234.5,
    "category": ">400",
    "slice": None,
    "interval_low": 900.0,
    "interval_high": 1700.0,
    "unlike_training": True,
    "as_wanted": True,
    "figure": "cac-lung2.png",
    "caption": "Scan: a museum.",
}
SLICES = FACTS | {
    "task": "sfa",
    "name": "abdomen",
    "unit": "cm2",
    "n_slices": 30,
    "dice": {"mean": 0.8125, "median": 0.8239, "low": 0.7011, "high": 0.9022},
    "dice_of_candidates_in_reference": 0.9871,
    "mae": 7.891,
    "bias": -3.456,
    "pearson_r": 0.9753,
    "unlike_training": 12,
    "as_wanted": False,
    "figure": "sfa-abdomen.png",
    "caption": "30 slices.",
}
FAILED = {**FACTS, "task": "pma", "name": "A0001", "unit": "cm2", "error": "gone: no such file or folder"}


def left(folder: Path, *looks: Any) -> Path:
    write_json(folder / "real_ct.json", {"looks": list(looks)})
    (folder / "cac-lung2.png").write_bytes(b"a heart")
    return folder


def test_without_numbers_it_says_how_to_make_them(tmp_path: Path) -> None:
    found = read_real_ct(tmp_path, {})
    assert (found.table, found.looks) == (None, [])
    page = write_html(Project(tmp_path), {"pma": "phantom"}).read_text()
    section = page.split('id="real"')[1].split("</section>")[0]
    assert "python benchmarks/real_ct.py" in section
    assert "<table" not in section


def test_numbers_and_pictures_are_on_the_page(tmp_path: Path) -> None:
    left(tmp_path / "reports/real_ct", VOLUME, SLICES, FAILED)
    page = write_html(Project(tmp_path), {"pma": "phantom"}).read_text()
    section = page.split('id="real"')[1].split("</section>")[0]
    for there in (
        *("cac: lung2", "1230 points", "900 to 1700", "&gt;400", "Scan: a museum.", "30 slices", "12 of 30"),
        *("0.812 (0.824; 0.701 to 0.902)", "0.987", "7.89 cm2", "-3.46 cm2", "0.975", "failed"),
        *("Failed: gone: no such file or folder", base64.b64encode(b"a heart").decode()),
    ):
        assert there in section, there
    assert section.count("<img") == 1  # the other picture is not there
    assert "python benchmarks/real_ct.py" not in section


def test_each_number_stands_under_its_heading(tmp_path: Path) -> None:
    table = read_real_ct(left(tmp_path, VOLUME, SLICES), {}).table
    assert table is not None
    volume, slices = (dict(zip(table.headings, row, strict=True)) for row in table.rows)
    assert (volume["unlike training"], volume["as wanted"], volume["slice"], volume["MAE"]) == ("yes", "yes", "–", "–")
    assert (slices["value"], slices["bias"], slices["as wanted"], slices["run"]) == ("–", "-3.46 cm2", "no", "abc")


def test_numbers_of_another_model_are_told_to_be_old(tmp_path: Path) -> None:
    folder = left(tmp_path, VOLUME, SLICES)
    assert read_real_ct(folder, {"cac": "abc", "sfa": "abc", "liver": "other"}).remarks == []
    (remark,) = read_real_ct(folder, {"cac": "abc", "sfa": "new"}).remarks
    assert remark.startswith("sfa: made with another model than the present one")


def test_broken_files_are_a_line(tmp_path: Path) -> None:
    (tmp_path / "real_ct.json").write_text("{")
    found = read_real_ct(tmp_path, {})
    assert found.table is None
    assert "cannot be read" in found.remarks[0]
    write_json(tmp_path / "real_ct.json", {"looks": 3})
    assert read_real_ct(tmp_path, {}).table is None
