"""DICOM slices as one volume: put in order by their positions, and refused unless they make an even, straight stack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioloc.ct.acquisition import acquisition_of
from bioloc.ct.hounsfield import to_hu
from bioloc.ct.image import Stored
from bioloc.ct.series import Instance
from bioloc.errors import ImageError

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM counts to the patient's left and back, NIfTI to the right and front."""

_SAME = 1e-3
"""Direction cosines and mm that differ by no more are one: headers are rounded."""
_SAME_PLACE_MM = 0.01
_UNEVEN = 0.1
"""Share of the slice distance that a slice may lie off its place in an even stack: headers round to 0.1 mm. Our choice."""
_TILT = 0.02
"""Sideways shift per distance, 1.1 degrees: as much as `upright` allows an affine to be sheared."""
_HU_TYPES = ("HU", "HU_MOD", "US", "", None)
"""US: unspecified."""


def read_slices(instances: Sequence[Instance], path: Path) -> Stored:
    """The volume that single-frame CT files make: (I, J, K) HU, the rescale of each file applied to it.

    Raises:
        ImageError: The files differ in size, orientation, spacing or kind of values, lie unevenly or shifted against
            each other, show two images at one place, or one of them cannot be decoded.
    """
    _check_alike(instances, path)
    axes = np.reshape(_numbers(instances[0], "ImageOrientationPatient", 6), (2, 3))
    places = np.array([_numbers(instance, "ImagePositionPatient", 3) for instance in instances])
    order = np.argsort(places @ np.cross(*axes), kind="stable")
    stack, places = [instances[k] for k in order], places[order]
    once = _without_doubles(stack, places, path)
    stack, places = [stack[k] for k in once], places[once]
    affine = _affine(stack[0], places, axes, path)
    shape = int(stack[0].header.Rows), int(stack[0].header.Columns)
    volume = np.empty((len(stack), *shape), np.int16)
    for plane, instance in zip(volume, stack, strict=True):
        plane[...] = _plane(instance, shape)
    made = acquisition_of(stack[0].header, _from_the_feet([one.file for one in stack], affine))
    return Stored(volume.transpose(2, 1, 0), affine, acquisition=made)


def _check_alike(instances: Sequence[Instance], path: Path) -> None:
    for keyword, count, what in (("ImageOrientationPatient", 6, "orientation"), ("PixelSpacing", 2, "pixel size")):
        numbers = np.array([_numbers(instance, keyword, count) for instance in instances])
        _refuse_odd(instances, np.abs(numbers - np.median(numbers, axis=0)).max(axis=1) > _SAME, what, path)
    for keyword, what in (("Rows", "size"), ("Columns", "size"), ("SamplesPerPixel", "kind of pixel")):
        _refuse_odd(instances, _unusual([instance.header.get(keyword) for instance in instances]), what, path)
    for keyword in ("RescaleSlope", "RescaleIntercept"):
        given = [instance.header.get(keyword) is not None for instance in instances]
        _refuse_odd(instances, _unusual(given), "rescale to HU, or with none,", path)
    header = instances[0].header
    if header.get("SamplesPerPixel", 1) != 1:
        raise ImageError(f"{path}: a colour image: give one number per voxel, in HU")
    if header.get("RescaleType", "HU") not in _HU_TYPES:
        raise ImageError(f"{path}: its values are {header.RescaleType} (RescaleType), not HU: give the series in HU")


def _unusual(values: list[Any]) -> list[bool]:
    usual = Counter(values).most_common(1)[0][0]
    return [value != usual for value in values]


def _refuse_odd(instances: Sequence[Instance], odd: Iterable[bool], what: str, path: Path) -> None:
    files = [instance.file.name for instance, is_odd in zip(instances, odd, strict=True) if is_odd]
    if files:
        raise ImageError(
            f"{path}: {len(files)} of {len(instances)} slices in one series of another {what} than the rest, such as {files[0]}: "
            "take them away"
        )


def _numbers(instance: Instance, keyword: str, count: int) -> list[float]:
    try:
        values = [float(value) for value in instance.header.get(keyword) or ()]
    except (TypeError, ValueError):
        values = []
    if len(values) != count or not np.isfinite(values).all():
        raise ImageError(f"{instance.file}: no usable {keyword} in its header, so where it lies is unknown: replace the file")
    return values


def _without_doubles(stack: list[Instance], places: NDArray[np.float64], path: Path) -> list[int]:
    """Numbers of the slices to keep: of copies of a slice, the first."""
    kept = [0]
    for k in range(1, len(stack)):
        if np.linalg.norm(places[k] - places[kept[-1]]) > _SAME_PLACE_MM:
            kept.append(k)
            continue
        one, other = stack[kept[-1]], stack[k]
        shape = int(one.header.Rows), int(one.header.Columns)
        if not np.array_equal(_plane(one, shape), _plane(other, shape)):
            raise ImageError(
                f"{path}: two different images at one place, {one.file.name} and {other.file.name}: "
                "a series of several acquisitions or phases; take all but one away"
            )
    return kept


def _affine(first: Instance, places: NDArray[np.float64], axes: NDArray[np.float64], path: Path) -> NDArray[np.float64]:
    rows_mm, columns_mm = _numbers(first, "PixelSpacing", 2)  # from row to row, from column to column
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = axes[0] * columns_mm, axes[1] * rows_mm
    affine[:3, 2] = _step(first, places, axes, path)
    affine[:3, 3] = places[0]
    return LPS_TO_RAS @ affine


def _step(first: Instance, places: NDArray[np.float64], axes: NDArray[np.float64], path: Path) -> NDArray[np.float64]:
    """The way from one slice to the next, (3,) mm."""
    normal = np.cross(*axes)
    if len(places) == 1:
        thickness = first.header.get("SpacingBetweenSlices") or first.header.get("SliceThickness")
        if not thickness:
            raise ImageError(f"{path}: a single slice without SliceThickness: its size in mm is unknown")
        return np.asarray(normal * abs(float(thickness)))
    step = (places[-1] - places[0]) / (len(places) - 1)
    distance = float(np.linalg.norm(step))
    even = places[0] + np.arange(len(places))[:, None] * step
    if np.linalg.norm(places - even, axis=1).max() > _UNEVEN * distance:
        _refuse_gaps(np.diff(places @ normal), path)
    if np.abs(axes @ step).max() > _TILT * distance:
        raise ImageError(f"{path}: the slices are shifted against each other (gantry tilt): resample the scan first")
    return np.asarray(step)


def _refuse_gaps(gaps: NDArray[np.float64], path: Path) -> None:
    usual = float(np.median(gaps))
    missing = np.rint(gaps / usual) if usual > 0 else gaps
    if usual > 0 and np.abs(gaps / usual - missing).max() < _UNEVEN and missing.max() > 1:
        lacking = int(missing.sum()) - len(gaps)
        raise ImageError(f"{path}: slices are missing, {lacking} of {lacking + len(gaps) + 1}: get the whole series")
    raise ImageError(
        f"{path}: the slices lie unevenly, {gaps.min():.2f} to {gaps.max():.2f} mm apart: "
        "give an evenly reconstructed series, or resample it first"
    )


def _plane(instance: Instance, shape: tuple[int, int]) -> NDArray[np.int16]:
    """One file's HU."""
    from pydicom.uid import ImplicitVRLittleEndian

    syntax = instance.header.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian)  # where none is named, DICOM's default
    try:
        hu = _decompressed(instance) if syntax.is_compressed else _uncompressed(instance, syntax)
    except Exception as error:  # each decoder has its own
        raise ImageError(
            f"{instance.file}: its pixels cannot be decoded ({syntax.name}): the file may be cut short, "
            "or compressed in a way that is not read here"
        ) from error
    if hu.shape != shape:
        raise ImageError(f"{instance.file}: its pixels are {hu.shape}, its header says {shape}: replace the file")
    return hu


def _uncompressed(instance: Instance, syntax: Any) -> NDArray[np.int16]:
    from pydicom import dcmread

    dataset = dcmread(instance.file, force=True)
    dataset.file_meta.TransferSyntaxUID = syntax
    slope, intercept = instance.header.get("RescaleSlope"), instance.header.get("RescaleIntercept")
    return to_hu(dataset.pixel_array, 1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept))


def _decompressed(instance: Instance) -> NDArray[np.int16]:
    """By GDCM, which knows JPEG 2000, JPEG-LS, lossless JPEG and RLE, and applies the rescale itself."""
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # what matters of it is raised
    return to_hu(sitk.GetArrayFromImage(sitk.ReadImage(str(instance.file), imageIO="GDCMImageIO"))[0])


def _from_the_feet(files: list[Path], affine: NDArray[np.float64]) -> tuple[Path, ...]:
    """Files in the order of the slices in memory; none where the planes are not axial."""
    upwards = affine[2, 2] / np.linalg.norm(affine[:3, 2])
    if abs(upwards) < 0.7:
        return ()
    return tuple(files if upwards > 0 else files[::-1])
