"""orCaScore: scans and references are paired by name, in several ways of naming."""

from __future__ import annotations

from pathlib import Path

import pytest
from source_trees import orcascore, touch

from bioloc.cohorts.sources.orcascore import find
from bioloc.tasks import get_task

CAC = get_task("cac")


def test_non_contrast_scans_with_references_are_cases(tmp_path: Path) -> None:
    found = find(orcascore(tmp_path), CAC)
    assert [case.case_id for case in found.cases] == ["orcascore-TRV1P1", "orcascore-TRV1P2"]
    case = found.cases[1]
    assert (case.image, case.mask) == (tmp_path / "TRV1P2CTI.mhd", tmp_path / "TRV1P2R.mhd")
    assert (case.mask_labels, case.value, case.region) == ((1, 2, 3), None, None)
    skipped = {one.what: one.reason for one in found.skipped}
    assert set(skipped) == {"TRV1P1CTAI.mhd", "TRV1P3CTI.mhd"}
    assert "contrast" in skipped["TRV1P1CTAI.mhd"]


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ("images/p1.mhd", "Reference standard/p1.mhd"),
        ("ct/p1.nii.gz", "labels/p1.nii.gz"),
        ("p1.mha", "p1_label.mha"),
        ("p1_image.mhd", "p1_mask.mhd"),
        ("CTI/p1CTI.mhd", "R/p1R.mhd"),
    ],
)
def test_other_ways_of_naming(tmp_path: Path, image: str, reference: str) -> None:
    touch(tmp_path / image)
    touch(tmp_path / reference)
    touch(tmp_path / "lonely_reference.mhd")
    found = find(tmp_path, CAC)
    assert [(case.case_id, case.image, case.mask) for case in found.cases] == [
        ("orcascore-p1", tmp_path / image, tmp_path / reference)
    ]
    assert [(one.what, one.reason) for one in found.skipped] == [("lonely_reference.mhd", "no scan of its name")]
