"""From the source's headers comes what the standard requires of the patient, as it is there, and nothing more."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import pydicom
import pytest
from export_series import PATIENT, UNASKED, blob, scan, write_all, write_series

from bioloc.ct import read_ct
from bioloc.errors import ImageError
from bioloc.export.headers import IDENTITY

OBJECTS = ("seg", "map", "report")
REQUIRED = {tag: PATIENT[tag] for tag in IDENTITY}


def test_patient_and_study_are_those_of_the_source(tmp_path: Path) -> None:
    ct = scan(tmp_path / "ct", **UNASKED)
    written = write_all(ct, tmp_path, blob())
    source = pydicom.dcmread(ct.acquisition.files[0])
    for name in OBJECTS:
        data = written.dataset(name)
        assert {tag: str(data[tag].value) for tag in REQUIRED} == REQUIRED
        assert data.StudyInstanceUID == source.StudyInstanceUID
        assert data.SeriesInstanceUID != source.SeriesInstanceUID
    assert written.dataset("seg").FrameOfReferenceUID == source.FrameOfReferenceUID


def test_nothing_else_of_the_patient_is_copied(tmp_path: Path) -> None:
    written = write_all(scan(tmp_path / "ct", **UNASKED), tmp_path, blob())
    for name in OBJECTS:
        content = written.paths[f"dicom_{name}"].read_bytes()
        for text in UNASKED.values():
            assert text.encode() not in content
        for tag, text in REQUIRED.items():
            assert content.count(text.encode()) == 1 or len(text) < 3, (name, tag)
        described = {tag: str(written.dataset(name).get(tag, "")) for tag in ("SeriesDescription", "ContentDescription")}
        assert not any(text in words for words in described.values() for text in ("Roe", "MRN", "0815"))


@pytest.mark.parametrize("without", [("PatientName", "PatientID", "PatientBirthDate", "PatientSex"), tuple(PATIENT)])
def test_a_header_without_patient_or_study_gives_empty_elements(tmp_path: Path, without: tuple[str, ...]) -> None:
    written = write_all(scan(tmp_path / "ct", **dict.fromkeys((*without, "SliceThickness"))), tmp_path, blob())
    for name in OBJECTS:
        data = written.dataset(name)
        assert all(tag in data and not data[tag].value for tag in without)


def test_names_in_any_script_come_through(tmp_path: Path) -> None:
    tags = {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "山田^太郎", "ReferringPhysicianName": "Müller^Jörg"}
    written = write_all(scan(tmp_path / "ct", **tags), tmp_path, blob())
    for name in OBJECTS:
        assert written.dataset(name).PatientName == "山田^太郎"
        assert written.dataset(name).ReferringPhysicianName == "Müller^Jörg"


def test_names_in_an_old_character_set_come_through(tmp_path: Path) -> None:
    tags = {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Jörg"}
    written = write_all(scan(tmp_path / "ct", **tags), tmp_path, blob())
    assert all(written.dataset(name).PatientName == "Müller^Jörg" for name in OBJECTS)


ODD = {
    "PatientName": "no caret",
    "PatientBirthDate": "1961",
    "PatientSex": "UNKNOWN",
    "StudyTime": "noon",
    "AccessionNumber": "A" * 20,
}


def test_odd_values_neither_fail_nor_show_in_messages(tmp_path: Path, caplog) -> None:
    with warnings.catch_warnings(), pydicom.config.disable_value_validation():
        folder = write_series(tmp_path / "ct", **ODD)
    ct = read_ct(folder)
    with warnings.catch_warnings(record=True) as told, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        written = write_all(ct, tmp_path, blob())
    said = [str(warning.message) for warning in told] + [record.getMessage() for record in caplog.records]
    assert not any(text in words for words in said for text in ODD.values())
    with pydicom.config.disable_value_validation():
        for name in OBJECTS:
            data = written.dataset(name)
            assert {tag: str(data[tag].value) for tag in ODD} == ODD


def test_a_header_without_frame_of_reference_is_told_in_a_sentence(tmp_path: Path) -> None:
    ct = scan(tmp_path / "ct", FrameOfReferenceUID=None)
    with pytest.raises(ImageError, match=r"no DICOM objects can be made for this series: the header has no FrameOfReferenceUID$"):
        write_all(ct, tmp_path / "out", blob())
    assert not (tmp_path / "out").exists()


def test_identifiers_that_were_taken_out_are_those_of_the_file_or_made_up_alike(tmp_path: Path) -> None:
    taken = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    ct = scan(tmp_path / "ct", **dict.fromkeys(taken, ""))
    written = write_all(ct, tmp_path, blob())
    named = {str(image.ReferencedSOPInstanceUID) for image in written.dataset("seg").SourceImageSequence}
    in_files = {str(pydicom.dcmread(file).file_meta.MediaStorageSOPInstanceUID) for file in ct.acquisition.files}
    assert named < in_files
    assert len({written.dataset(name).StudyInstanceUID for name in OBJECTS}) == 1
