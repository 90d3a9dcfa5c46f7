"""What a header says of how a scan was made is kept, and nothing of the patient."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from dicom_files import PATIENT, small_hu, write_series

from bioloc.ct import read_ct
from bioloc.ct.acquisition import Acquisition


def test_a_header_tells_how_the_scan_was_made(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "scan", small_hu(2), SeriesInstanceUID="1.2.3", ContrastBolusAgent="Iodine")
    made = read_ct(folder).acquisition
    assert made == Acquisition(
        modality="CT",
        kvp=120,
        kernel="B30f",
        contrast_agent="Iodine",
        slice_thickness_mm=5,
        body_part="CHEST",
        manufacturer="Maker",
        diameter_mm=350,
        series_uid="1.2.3",
        files=(folder / "002.dcm", folder / "001.dcm"),
    )
    assert not any(value in str(asdict(made)) for value in PATIENT.values())


def test_what_a_header_leaves_out_or_empty_is_none(tmp_path: Path) -> None:
    made = read_ct(write_series(tmp_path, small_hu(2), KVP=None, ConvolutionKernel=None, ContrastBolusAgent="")).acquisition
    assert (made.kvp, made.kernel, made.contrast_agent) == (None, None, None)
