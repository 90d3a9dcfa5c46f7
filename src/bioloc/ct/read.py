"""Read a CT or a mask from NIfTI (nibabel), NRRD or MetaImage (SimpleITK), or DICOM (pydicom, highdicom)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from isal import igzip, isal_zlib
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from bioloc.ct.dicom import is_dicom, read_dicom
from bioloc.ct.hounsfield import check_hounsfield, to_hu
from bioloc.ct.image import CT, Stored, corners, upright
from bioloc.ct.rois import read_rois
from bioloc.ct.segmentation import read_segmentation
from bioloc.errors import ImageError

_NIFTI = (".nii", ".nii.gz")
_ITK = (".nrrd", ".nhdr", ".mha", ".mhd")
_SIZES = (b"spacings:", b"space directions:", b"elementspacing", b"elementsize")
"""Keys of NRRD and MetaImage that tell a voxel's size; without them SimpleITK says 1 mm."""
_HEAD = 65_536
_UNREADABLE: Any = (  # isal's stubs take its error for an instance
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    zlib.error,
    isal_zlib.error,
    ImageFileError,
    HeaderDataError,
)


def read_ct(path: Path, series: str | None = None, without_air: bool = False) -> CT:
    """The scan at `path`: a NIfTI, NRRD or MetaImage file, a DICOM file, or a folder with a DICOM series.

    Args:
        path: The file or folder.
        series: Number or UID of the DICOM series, where the folder has several of CT.
        without_air: Take an image without a voxel below 0 for one in Hounsfield units.

    Raises:
        ImageError: It is missing, corrupt, not 2-D or 3-D, without geometry, or not in Hounsfield units.
    """
    stored = _read(path, series)
    if stored.voxels.ndim != 3:
        raise ImageError(f"{path}: an image of {stored.voxels.ndim} dimensions: give one CT volume or slice")
    check_hounsfield(stored, str(path), without_air)
    seen = upright(stored.voxels, stored.affine, str(path))
    hu = to_hu(seen.voxels, stored.slope, stored.intercept)
    return CT(hu, seen.spacing_mm, stored.affine, seen.orientation, str(path), stored.acquisition)


def read_mask(path: Path, ct: CT) -> NDArray[np.uint16]:
    """The labels at `path` on the grid of `ct`: (S, R, C), 0 is background; of a DICOM SEG its segment numbers.

    Raises:
        ImageError: It cannot be read, or its voxels are not where those of the scan are.
    """
    if path.suffix.lower() == ".xml":  # outlines of the coronary arteries
        return read_rois(path, ct)
    stored = _read(path, mask_of=ct)
    if stored.voxels.ndim != 3:
        raise ImageError(f"{path}: a mask of {stored.voxels.ndim} dimensions for a scan of 3")
    seen = upright(stored.voxels, stored.affine, str(path))
    if seen.voxels.shape != ct.hu.shape:
        raise ImageError(
            f"{path}: the mask has {seen.voxels.shape} voxels and the scan {ct.source} has {ct.hu.shape} (slices, rows, columns)"
        )
    if not np.allclose(seen.spacing_mm, ct.spacing_mm, rtol=0.01, atol=0.01):
        raise ImageError(f"{path}: the mask's spacing {_mm(seen.spacing_mm)} is not the scan's {_mm(ct.spacing_mm)}")
    _check_place(stored, ct, path)
    labels = seen.voxels if (stored.slope, stored.intercept) == (1, 0) else seen.voxels * stored.slope + stored.intercept
    whole = labels.dtype.kind in "iu"
    if labels.size and (labels.min() < 0 or not (whole or np.isfinite(labels).all())):
        raise ImageError(f"{path}: a mask holds labels 0, 1, 2, ...; this one has negative or undefined voxels")
    return np.ascontiguousarray(labels if whole else np.rint(labels), np.uint16)


def labels_in(labels: NDArray[np.uint16], wanted: Sequence[int]) -> NDArray[np.bool_]:
    """The voxels of the wanted labels; where none are named, of every label but 0."""
    return np.isin(labels, np.array(wanted)) if wanted else labels > 0


def _check_place(mask: Stored, ct: CT, path: Path) -> None:
    """Refuse a mask any corner of which lies more than a voxel off that of the scan, for instance one of another series."""
    off_mm = corners(mask.affine, mask.voxels.shape) - corners(ct.affine, ct.to_file_axes(ct.hu).shape)
    if np.abs(off_mm @ np.linalg.inv(ct.affine[:3, :3]).T).max() > 1:
        raise ImageError(
            f"{path}: the mask lies up to {np.linalg.norm(off_mm, axis=1).max():.1f} mm off the scan {ct.source}: "
            "give the mask of this scan"
        )


def _read(path: Path, series: str | None = None, mask_of: CT | None = None) -> Stored:
    if not path.exists():
        raise ImageError(f"{path}: no such file or folder")
    name = path.name.lower()
    volume = path.is_file() and name.endswith((*_NIFTI, *_ITK))
    if volume and series is not None:
        raise ImageError(f"{path}: a file of one image, so there is no series {series} to choose: leave --series out")
    try:
        if volume:
            return _read_nifti(path) if name.endswith(_NIFTI) else _read_itk(path)
        if is_dicom(path):
            return read_dicom(path, series) if mask_of is None else read_segmentation(path, mask_of)
    except ImageError:
        raise
    except _UNREADABLE as error:
        raise ImageError(f"{path}: cannot be read, it may be corrupt or cut short ({_last_line(error)})") from error
    raise ImageError(f"{path}: not a format that is read here: give NIfTI (.nii, .nii.gz), NRRD, MetaImage or DICOM")


def _read_nifti(path: Path) -> Stored:
    image: Any = nib.load(path)
    header = image.header
    if header["qform_code"] == 0 and header["sform_code"] == 0:
        raise ImageError(
            f"{path}: the header has no affine (qform and sform codes are 0), so left and right are unknown: write one"
        )
    voxels = _unscaled(image, path)
    if voxels.dtype.kind not in "iuf":
        raise ImageError(f"{path}: voxels of type {header.get_data_dtype()}, colour or complex: give one number per voxel, in HU")
    while voxels.ndim > 3 and voxels.shape[-1] == 1:
        voxels = voxels[..., 0]
    if voxels.ndim == 2:
        voxels = voxels[..., None]
    return Stored(voxels, np.asarray(image.affine, np.float64), float(image.dataobj.slope), float(image.dataobj.inter))


def _unscaled(image: Any, path: Path) -> NDArray[Any]:
    """The voxels without slope and intercept: with them they would be float64, four times the memory."""
    if path.suffix.lower() != ".gz":
        return np.asanyarray(image.dataobj.get_unscaled())
    with igzip.open(path) as stream:  # half of the time that the standard library's gzip takes
        voxels: NDArray[Any] = np.asanyarray(type(image).from_stream(stream).dataobj.get_unscaled())
        stream.read(1)  # past the end, where the checksum is compared
    return voxels


def _read_itk(path: Path) -> Stored:
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # what matters of it is raised
    image = sitk.ReadImage(str(path))
    with path.open("rb") as file:
        head = file.read(_HEAD).lower()
    if not any(key in head for key in _SIZES):
        raise ImageError(f"{path}: its header gives no size of a voxel, so no area can be measured: write the spacing into it")
    if image.GetNumberOfComponentsPerPixel() != 1 or image.GetDimension() not in (2, 3):
        raise ImageError(f"{path}: a colour, vector or {image.GetDimension()}-D image: give one CT volume or slice")
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.asarray(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    voxels = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    return Stored(voxels, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)  # ITK's LPS to RAS


def _mm(spacing: tuple[float, float, float]) -> str:
    return " x ".join(f"{value:.3g}" for value in spacing) + " mm"


def _last_line(error: BaseException) -> str:
    """What SimpleITK says stands last; nibabel adds a remark, after a dash."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in reversed(lines) if line and not line.startswith("-")), type(error).__name__)[:160]
