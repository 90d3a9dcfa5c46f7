"""SAROS: sparse labels, the level above the heart, and its own splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from source_trees import saros, saros_labels

from bioloc.cohorts.manifest import Case
from bioloc.cohorts.sources.found import Opened
from bioloc.cohorts.sources.saros import above_the_heart, find
from bioloc.ct.image import CT
from bioloc.errors import DataError, ImageError
from bioloc.tasks import get_task

SFA = get_task("sfa")


def opened(labels: np.ndarray, increment_mm: float = 5.0) -> Opened:
    ct = CT(np.zeros(labels.shape, np.int16), (increment_mm, 1.0, 1.0), np.eye(4), np.eye(3, 2), "scan")
    return Opened(ct, labels.astype(np.uint16), None)


def chosen(labels: np.ndarray) -> int | None:
    case = Case("case_000", "A", Path("image.nii.gz"), None, "cm2", "train", mask=Path("body-regions.nii.gz"))
    return above_the_heart(case, opened(labels))[0].slice_number


def test_cases_have_the_data_sets_own_splits_one_for_a_patient(tmp_path: Path) -> None:
    found = find(saros(tmp_path), SFA)
    assert [(case.case_id, case.patient_id, case.split) for case in found.cases] == [
        ("case_000", "A", "train"),
        ("case_001", "A", "train"),
        ("case_002", "B", "test"),
    ]
    assert all((case.mask_labels, case.value) == ((1,), None) for case in found.cases)


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    skipped = {one.what: one.reason for one in find(saros(tmp_path), SFA).skipped}
    assert set(skipped) == {"case_003", "case_004", "case_609"}
    assert "no image.nii.gz" in skipped["case_003"]
    assert "no row" in skipped["case_004"]
    assert "abnormal HU" in skipped["case_609"]


def test_the_table_is_needed(tmp_path: Path) -> None:
    saros(tmp_path)
    next(tmp_path.glob("*.csv")).unlink()
    with pytest.raises(DataError, match="no Segmentation-Info"):
        find(tmp_path, SFA)


def test_the_slice_is_annotated_and_45_mm_above_the_heart(tmp_path: Path) -> None:
    labels = saros_labels()
    assert chosen(labels) == 30  # the pericardium's topmost annotated slice is 20, 45 mm above is 29
    labels[30] = 255
    with pytest.raises(ImageError, match="no annotated slice through the chest"):
        chosen(labels)  # 25 is 20 mm off, and so is 35, at 30 mm


def test_a_slice_with_one_ignored_pixel_is_no_sample() -> None:
    labels = saros_labels()
    labels[30, 0, 0] = 255
    with pytest.raises(ImageError, match="no annotated slice through the chest"):
        chosen(labels)


def test_a_scan_of_another_part_is_refused() -> None:
    labels = saros_labels()
    with pytest.raises(ImageError, match="pericardium"):
        chosen(np.where(labels == 7, 9, labels))
    with pytest.raises(ImageError, match="no annotated slice through the chest"):
        chosen(labels[:25])
