"""The journal of a batch: what a killed run has done is taken up, and only that."""

from __future__ import annotations

from pathlib import Path

import pytest

from bioloc.errors import UsageError
from bioloc.prediction.journal import NAME, Journal
from bioloc.prediction.requests import Request

MADE_WITH = {"task": "pma", "model": "m", "model_md5": "1", "force": False}


def request(folder: Path, name: str, **options) -> Request:
    scan = folder / f"{name}.nii.gz"
    if not scan.exists():
        scan.write_bytes(b"scan")
    return Request(name, scan, **options)


def row(name: str, folder: Path, status: str = "ok") -> dict:
    (folder / f"{name}_map.nii.gz").write_bytes(b"map")
    files = dict.fromkeys(("mask", "overlay", "dicom_seg", "dicom_map", "dicom_report"))
    return {"case_id": name, "status": status, "value": 1.5, "map": str(folder / f"{name}_map.nii.gz"), **files}


def test_a_resumed_journal_has_the_good_rows(tmp_path):
    first = Journal(tmp_path, MADE_WITH, resume=False)
    one, two, three = (request(tmp_path, name) for name in "abc")
    first.add(one, row("a", tmp_path))
    first.add(two, row("b", tmp_path, "failed"))
    again = Journal(tmp_path, MADE_WITH, resume=True)
    assert again.row(one) == row("a", tmp_path)
    assert again.row(two) is None  # what failed is tried again
    assert again.row(three) is None
    again.add(two, row("b", tmp_path))
    assert [found["status"] for found in again.rows(["a", "b"])] == ["ok", "ok"]


def test_a_line_cut_short_by_a_kill_is_dropped(tmp_path):
    journal = Journal(tmp_path, MADE_WITH, resume=False)
    one, two = request(tmp_path, "a"), request(tmp_path, "b")
    journal.add(one, row("a", tmp_path))
    with (tmp_path / NAME).open("a") as stream:
        stream.write('{"key": "x", "row": {"case_')
    again = Journal(tmp_path, MADE_WITH, resume=True)
    assert again.row(one) is not None
    again.add(two, row("b", tmp_path))
    assert [found["case_id"] for found in Journal(tmp_path, MADE_WITH, resume=True).rows(["b", "a"])] == ["b", "a"]


def test_a_changed_scan_other_options_and_lost_files_are_done_again(tmp_path):
    journal = Journal(tmp_path, MADE_WITH, resume=False)
    one = request(tmp_path, "a", slice_number=3)
    journal.add(one, row("a", tmp_path))
    assert journal.row(one) is not None
    assert journal.row(request(tmp_path, "a", slice_number=4)) is None
    (tmp_path / "a_map.nii.gz").unlink()
    assert journal.row(one) is None
    row("a", tmp_path)
    one.image.write_bytes(b"another scan")
    assert journal.row(one) is None


def test_another_model_is_refused_and_a_new_run_begins_anew(tmp_path):
    Journal(tmp_path, MADE_WITH, resume=False).add(request(tmp_path, "a"), row("a", tmp_path))
    with pytest.raises(UsageError, match=r"--resume: .* another model"):
        Journal(tmp_path, {**MADE_WITH, "model_md5": "2"}, resume=True)
    assert Journal(tmp_path, MADE_WITH, resume=False).row(request(tmp_path, "a")) is None
