"""Scans for the command line's tests: made in (slice, row, column) axes, written in any orientation and format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from dicom_files import write_series

SPACING = (5.0, 6.0, 5.5)
PIXEL_CM2 = 6.0 * 5.5 / 100
MUSCLE_PIXELS = (30, 72, 54, 96, 12)  # of each slice, from the feet: tells which one was measured
CAC_SPACING = (3.0, 2.0, 1.5)


def chest(pixels: tuple[int, ...] = MUSCLE_PIXELS) -> np.ndarray:
    """A body of fat in air, in each slice with so many pixels of muscle."""
    hu = np.full((len(pixels), 48, 56), -1000, np.int16)
    hu[:, 8:40, 10:46] = -120
    for number, count in enumerate(pixels):
        block = hu[number, 12:36, 16:22]
        block[np.unravel_index(np.arange(count), block.shape)] = 40
    return hu


def liver() -> tuple[np.ndarray, np.ndarray]:
    """A volume with its liver's mask, which is largest in slice 3."""
    hu = np.full((5, 48, 56), -1000, np.int16)
    hu[:, 8:40, 10:46] = 20
    region = np.zeros(hu.shape, np.uint8)
    for number, rows in enumerate((4, 9, 13, 16, 6)):
        region[number, 12 : 12 + rows, 14:34] = 1
    hu[region > 0] = 100
    hu[:, 14:16, 20:24] = 60
    return hu, region


def heart() -> np.ndarray:
    """A heart volume with three lesions of known score."""
    hu = np.full((6, 60, 64), 40, np.int16)
    hu[:, :6], hu[:, -6:] = -900, -900
    hu[1, 20:22, 20:23] = 150  # 6 pixels of 3 mm2, factor 1
    hu[4, 40:42, 30:32] = 450  # 4 pixels, factor 4
    hu[4, 10, 50:52] = 250  # 2 pixels, factor 2
    return hu


def affine_of(spacing: tuple[float, float, float]) -> np.ndarray:
    affine = np.diag([-spacing[2], -spacing[1], spacing[0], 1.0])
    affine[:3, 3] = 120, 95, -40
    return affine


def nifti(
    path: Path, array: np.ndarray, codes: str = "LPS", spacing: tuple[float, float, float] = SPACING, dtype: Any = None
) -> Path:
    """Write an (S, R, C) array as NIfTI whose axes go as `codes` say."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(array.transpose(2, 1, 0).astype(dtype or array.dtype), affine_of(spacing))
    turn = nib.orientations.ornt_transform(nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(codes))
    nib.save(image.as_reoriented(turn), path)
    return path


def nrrd(path: Path, array: np.ndarray, spacing: tuple[float, float, float] = SPACING) -> Path:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing[::-1])
    image.SetOrigin((-120, -95, -40))
    sitk.WriteImage(image, str(path))
    return path


def dicom(folder: Path, array: np.ndarray, spacing: tuple[float, float, float] = SPACING) -> Path:
    """A series with a rescale, its files named from the head."""
    return write_series(folder, array, spacing, (-120, -95, -40), name="im{down:03d}.dcm", SliceThickness=9)


def upright(path: Path) -> np.ndarray:
    """A NIfTI's voxels as (slice, row, column), from the feet, to the back, to the left."""
    image = nib.load(path)
    turn = nib.orientations.ornt_transform(nib.io_orientation(image.affine), nib.orientations.axcodes2ornt("LPS"))
    return np.asanyarray(image.as_reoriented(turn).dataobj).transpose(2, 1, 0)


def leftovers(folder: Path) -> list[Path]:
    """Files that were being written."""
    return [path for path in folder.rglob("*") if path.name.startswith(".")]
