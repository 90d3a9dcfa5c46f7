"""Other people's tools open what is written: dcmqi reads the voxels and the number, dciodvfy finds no error."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from export_series import SHAPE, Written, blob, of_volume, scan, write_all

from bioloc.ct import read_ct, read_mask
from bioloc.ct.image import CT
from bioloc.tasks import TASKS

DCIODVFY = shutil.which("dciodvfy")


def dcmqi(tool: str, *arguments: str | Path) -> None:
    program = Path(sys.executable).with_name(tool)
    if not program.exists():
        pytest.skip(f"no {tool}: install dcmqi")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def mask_by_dcmqi(written: Written, folder: Path) -> np.ndarray:
    folder.mkdir()
    dcmqi("segimage2itkimage", "--inputDICOM", written.paths["dicom_seg"], "--outputDirectory", folder, "-t", "nii")
    (found,) = folder.glob("*.nii.gz")
    return points(found)


def points(nifti: Path) -> np.ndarray:
    """(N, 4) place and value of each voxel that is not zero."""
    import nibabel as nib

    image = nib.load(nifti)
    voxels = np.argwhere(np.asanyarray(image.dataobj))
    values = np.asanyarray(image.dataobj)[tuple(voxels.T)]
    table = np.column_stack([voxels @ image.affine[:3, :3].T + image.affine[:3, 3], values.astype(float)])
    return table[np.lexsort(np.round(table[:, :3], 2).T)]


def errors_of(path: Path) -> list[str]:
    if DCIODVFY is None:
        pytest.skip("no dciodvfy: install Debian's dicom3tools")
    done = subprocess.run([DCIODVFY, path], capture_output=True, text=True, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]


@pytest.mark.parametrize("slices", [slice(1, 4), slice(2, 3)])
@pytest.mark.parametrize("codes", ["LPS", "RPI", "LAS", "ALS"])
def test_dcmqi_reads_the_mask_where_it_is(tmp_path: Path, codes: str, slices: slice) -> None:
    ct = scan(tmp_path / "ct", codes=codes, turn_deg=5)
    number = slices.start if slices.stop - slices.start == 1 else None
    written = write_all(ct, tmp_path, blob(slices), slice_number=number)
    assert mask_by_dcmqi(written, tmp_path / "itk") == pytest.approx(of_volume(ct, blob(slices)), abs=0.01)


@pytest.mark.parametrize("codes", ["LPS", "RPS", "LAI"])
def test_dcmqi_reads_the_map_and_its_values(tmp_path: Path, codes: str) -> None:
    ct = scan(tmp_path / "ct", codes=codes)
    map_ = np.random.default_rng(3).random(SHAPE, np.float32)
    written = write_all(ct, tmp_path, blob(), map_)
    (tmp_path / "itk").mkdir()
    dcmqi("paramap2itkimage", "--inputDICOM", written.paths["dicom_map"], "--outputDirectory", tmp_path / "itk", "-t", "nii")
    (found,) = (tmp_path / "itk").glob("*.nii.gz")
    assert points(found) == pytest.approx(of_volume(ct, map_), abs=0.01)


def test_dcmqi_reads_the_number(tmp_path: Path) -> None:
    written = write_all(scan(tmp_path / "ct"), tmp_path, blob(), task="cac", value=417.25)
    dcmqi("tid1500reader", "--inputDICOM", written.paths["dicom_report"], "--outputMetadata", tmp_path / "report.json")
    (group,) = json.loads((tmp_path / "report.json").read_text())["Measurements"]
    (item,) = group["measurementItems"]
    assert float(item["value"]) == 417.25
    assert item["units"]["CodeValue"] == "1"
    assert item["quantity"]["CodeValue"] == "450360000"


@pytest.mark.parametrize("task", list(TASKS))
@pytest.mark.parametrize("kind", ["mask", "one slice", "empty"])
def test_dciodvfy_finds_no_error(tmp_path: Path, task: str, kind: str) -> None:
    mask = {"mask": blob(), "one slice": blob(slice(2, 3)), "empty": np.zeros(SHAPE, bool)}[kind]
    written = write_all(scan(tmp_path / "ct"), tmp_path, mask, task=task, slice_number=2 if kind == "one slice" else None)
    assert {name: errors_of(path) for name, path in written.paths.items()} == {name: [] for name in written.paths}


@pytest.mark.parametrize("series", ["dcmqi_liver3/dicom", "totalsegmentator/example_ct_dicom"])
def test_objects_of_a_real_series(tmp_path: Path, real_ct: Path, series: str) -> None:
    ct = read_ct(real_ct / series)
    mask = np.zeros(ct.hu.shape, bool)
    mask[1:-1, 180:260, 200:290] = ct.hu[1:-1, 180:260, 200:290] > 20
    written = write_all(ct, tmp_path, mask, task="liver")
    assert np.array_equal(read_mask(written.paths["dicom_seg"], ct) == 1, mask)
    assert mask_by_dcmqi(written, tmp_path / "itk")[:, :3] == pytest.approx(of_volume(ct, mask)[:, :3], abs=0.05)
    _refers_to(written, ct)
    assert {name: errors_of(path) for name, path in written.paths.items()} == {name: [] for name in written.paths}


def _refers_to(written: Written, ct: CT) -> None:
    used = {str(pydicom.filereader.read_file_meta_info(file).MediaStorageSOPInstanceUID) for file in ct.acquisition.files}
    named = {str(reference.ReferencedSOPInstanceUID) for reference in written.dataset("seg").SourceImageSequence}
    assert named <= used
