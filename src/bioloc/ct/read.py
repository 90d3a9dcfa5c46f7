"""Read a CT or a mask from NIfTI (nibabel), or from NRRD, MetaImage or DICOM (SimpleITK)."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from bioloc.ct.dicom import read_dicom
from bioloc.ct.image import AIR, CT, oriented
from bioloc.errors import ImageError

_NIFTI = (".nii", ".nii.gz")
_ITK = (".nrrd", ".nhdr", ".mha", ".mhd")
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    zlib.error,
    ImageFileError,
    HeaderDataError,
)


def read_ct(path: Path) -> CT:
    """The scan at `path`: a NIfTI, NRRD or MetaImage file, a DICOM file, or a folder with one DICOM series.

    Raises:
        ImageError: It is missing, corrupt, not 2-D or 3-D, without geometry, or not in Hounsfield units.
    """
    array, affine = _read(path)
    if array.ndim != 3:
        raise ImageError(f"{path}: an image of {array.ndim} dimensions: give one CT volume or slice")
    _check_hounsfield(array, path)
    hu = np.clip(np.rint(array) if array.dtype.kind == "f" else array, AIR, 32767).astype(np.int16)
    turned, spacing, orientation = oriented(hu, affine, str(path))
    return CT(np.ascontiguousarray(turned), spacing, affine, orientation, str(path))


def read_mask(path: Path, ct: CT) -> NDArray[np.uint16]:
    """The labels at `path` on the grid of `ct`: (S, R, C), 0 is background.

    Raises:
        ImageError: It cannot be read, or its geometry is not that of the scan.
    """
    array, affine = _read(path)
    if array.ndim != 3:
        raise ImageError(f"{path}: a mask of {array.ndim} dimensions for a scan of 3")
    turned, spacing, _ = oriented(array, affine, str(path))
    if turned.shape != ct.hu.shape:
        raise ImageError(
            f"{path}: the mask has {turned.shape} voxels and the scan {ct.source} has {ct.hu.shape} (slices, rows, columns)"
        )
    if not np.allclose(spacing, ct.spacing_mm, rtol=0.01, atol=0.01):
        raise ImageError(f"{path}: the mask's spacing {_mm(spacing)} is not the scan's {_mm(ct.spacing_mm)}")
    if turned.size and (turned.min() < 0 or not np.isfinite(turned).all()):
        raise ImageError(f"{path}: a mask holds labels 0, 1, 2, ...; this one has negative or undefined voxels")
    return np.ascontiguousarray(np.rint(turned).astype(np.uint16))


def _read(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    if not path.exists():
        raise ImageError(f"{path}: no such file or folder")
    try:
        if path.is_dir() or path.suffix.lower() in (".dcm", ".ima"):
            return read_dicom(path)
        if path.name.lower().endswith(_NIFTI):
            return _read_nifti(path)
        if path.name.lower().endswith(_ITK):
            return _read_itk(path)
    except ImageError:
        raise
    except _UNREADABLE as error:
        raise ImageError(f"{path}: cannot be read, it may be corrupt or cut short ({_last_line(error)})") from error
    raise ImageError(f"{path}: not a format that is read here: give NIfTI (.nii, .nii.gz), NRRD, MetaImage or DICOM")


def _read_nifti(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    image: Any = nib.load(path)
    header = image.header
    if header["qform_code"] == 0 and header["sform_code"] == 0:
        raise ImageError(
            f"{path}: the header has no affine (qform and sform codes are 0), so left and right are unknown: write one"
        )
    array = np.asanyarray(image.dataobj)
    if array.dtype.kind not in "iuf":
        raise ImageError(f"{path}: voxels of type {header.get_data_dtype()}, colour or complex: give one number per voxel, in HU")
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    return array[..., None] if array.ndim == 2 else array, np.asarray(image.affine, np.float64)


def _read_itk(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # what matters of it is raised
    return from_itk(sitk.ReadImage(str(path)), path)


def from_itk(image: Any, path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """A SimpleITK image as an (I, J, K) array with a RAS+ affine."""
    import SimpleITK as sitk

    if image.GetNumberOfComponentsPerPixel() != 1 or image.GetDimension() not in (2, 3):
        raise ImageError(f"{path}: a colour, vector or {image.GetDimension()}-D image: give one CT volume or slice")
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.asarray(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).transpose(2, 1, 0), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine  # ITK's LPS to RAS


def _check_hounsfield(array: NDArray[Any], path: Path) -> None:
    if array.size == 0:
        raise ImageError(f"{path}: an image without voxels")
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():
        raise ImageError(f"{path}: some voxels are not numbers: HU must be finite")
    if low == high:
        raise ImageError(f"{path}: every voxel is {low:g}: an empty image")
    if low >= 0:
        raise ImageError(
            f"{path}: values go from {low:g} to {high:g}, with none below 0: not CT in Hounsfield units (is the rescale missing?)"
        )
    if high <= -200 or high > 100_000:
        raise ImageError(f"{path}: values go from {low:g} to {high:g}: not CT in Hounsfield units")
    if high <= 2 and low >= -2:
        raise ImageError(f"{path}: values go from {low:g} to {high:g}: a normalised image, not CT in Hounsfield units")


def _mm(spacing: tuple[float, float, float]) -> str:
    return " x ".join(f"{value:.3g}" for value in spacing) + " mm"


def _last_line(error: BaseException) -> str:
    """What SimpleITK says stands last; nibabel adds a remark, after a dash."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in reversed(lines) if line and not line.startswith("-")), type(error).__name__)[:160]
