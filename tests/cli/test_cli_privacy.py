"""Nothing of a patient's header leaves the scan, except what the DICOM standard wants in DICOM objects."""

from __future__ import annotations

import gzip
from pathlib import Path

import pydicom
import pytest
from cli_scans import chest, dicom, heart

SECRETS = {
    "PatientName": "Zzyzx^Quuxton",
    "PatientID": "ID-7391846",
    "PatientBirthDate": "19470319",
    "StudyDate": "20190823",
    "InstitutionName": "Saint Elsewhere",
    "ReferringPhysicianName": "Strangelove^Doctor",
    "AccessionNumber": "ACC5550123",
    "StudyDescription": "Thorax of Zzyzx",
    "SeriesDescription": "native Zzyzx",
}


def _with_secrets(folder: Path) -> Path:
    for path in folder.iterdir():
        header = pydicom.dcmread(path)
        for name, value in SECRETS.items():
            setattr(header, name, value)
        header.save_as(path)
    return folder


def _words() -> list[bytes]:
    return [part.encode() for value in SECRETS.values() for part in value.split("^") if part != "Doctor"]


def _content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.mark.parametrize(("task", "scan"), [("pma", chest()), ("cac", heart())])
def test_predictions_say_nothing_of_the_patient(call, models, tmp_path, task, scan):
    folder = _with_secrets(dicom(tmp_path / "case", scan))
    arguments = ["--slice", "2"] if task == "pma" else []
    done = call(
        "predict", "--task", task, "--model", models[task], "--output", tmp_path / "out", "--json", "--force", *arguments, folder
    )
    assert done.status == 0, done
    files = [path for path in (tmp_path / "out").iterdir() if path.suffix != ".dcm"]
    assert len(files) >= 8
    for word in _words():
        assert word not in (done.out + done.err).encode()
        assert [path.name for path in files if word in _content(path)] == []


def test_dicom_objects_repeat_only_who_it_is(call, models, tmp_path):
    folder = _with_secrets(dicom(tmp_path / "case", chest()))
    done = call(
        "predict", "--task", "pma", "--model", models["pma"], "--output", tmp_path / "out", "--slice", "2", "--json", folder
    )
    assert done.status == 0, done
    for name in ("dicom_seg", "dicom_map", "dicom_report"):
        header = pydicom.dcmread(done.json["results"][0][name])
        assert header.PatientName == SECRETS["PatientName"]
        assert header.PatientID == SECRETS["PatientID"]
        del header.PatientName
        assert b"Zzyzx" not in str(header.get("SeriesDescription", "")).encode()
        assert "InstitutionName" not in header


def test_refusals_say_nothing_of_the_patient(call, models, tmp_path):
    folder = _with_secrets(dicom(tmp_path / "case", chest()))
    sorted(folder.iterdir())[2].unlink()
    done = call("predict", "--task", "pma", "--model", models["pma"], "--output", tmp_path / "out", "--slice", "1", folder)
    assert done.status == 1
    for word in _words():
        assert word not in (done.out + done.err).encode()
        assert [path.name for path in (tmp_path / "out").iterdir() if word in _content(path)] == []
