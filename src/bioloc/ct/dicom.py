"""One DICOM series, its rescale applied, as an array with an affine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioloc.errors import ImageError


def read_dicom(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The one CT series in a folder, or a single file: (I, J, K) HU and a RAS+ affine.

    Raises:
        ImageError: There is no series or more than one, it is no CT, the gantry was tilted, or slices are missing.
    """
    import SimpleITK as sitk

    from bioloc.ct.read import from_itk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # what matters of it is raised
    files = _series(path) if path.is_dir() else [str(path)]
    _check_headers(files, path)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(files)
    return from_itk(reader.Execute(), path)


def _series(folder: Path) -> list[str]:
    import SimpleITK as sitk

    found = {
        uid: sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)
        for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    }
    if not found:
        raise ImageError(f"{folder}: no DICOM series in this folder; scans in other formats are named one by one")
    if len(found) > 1:
        raise ImageError(f"{folder}: {len(found)} DICOM series in one folder: give a folder with one of them")
    return list(next(iter(found.values())))


def _check_headers(files: list[str], path: Path) -> None:
    import pydicom

    headers = [pydicom.dcmread(file, stop_before_pixels=True, force=True) for file in files]
    modality = str(headers[0].get("Modality", ""))
    if modality != "CT":
        raise ImageError(f"{path}: DICOM modality '{modality or 'unknown'}': give a CT series")
    positions = np.array([[float(v) for v in header.get("ImagePositionPatient", (np.nan,) * 3)] for header in headers])
    if not np.isfinite(positions).all():
        raise ImageError(f"{path}: a slice without ImagePositionPatient: its place is unknown")
    axes = np.array([float(v) for v in headers[0].get("ImageOrientationPatient", (1, 0, 0, 0, 1, 0))]).reshape(2, 3)
    moves = np.diff(positions, axis=0)
    steps = moves @ np.cross(*axes)  # signed: a doubled slice makes GDCM give up sorting by position
    if len(steps) and np.ptp(steps) > 0.02 * abs(np.median(steps)) + 0.01:
        raise ImageError(f"{path}: slices are {steps.min():.2f} to {steps.max():.2f} mm apart: some are missing or doubled")
    if len(steps) and np.abs(moves @ axes.T).max() > 0.02 * np.abs(steps).max() + 0.01:
        raise ImageError(f"{path}: the slices are shifted against each other (gantry tilt): resample the scan first")
