"""The image in memory, and the way back to its file's own axes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from bioloc.ct.acquisition import Acquisition
from bioloc.errors import ImageError

AIR = -1024
"""HU below this is padding outside the reconstruction circle."""


@dataclass(frozen=True)
class CT:
    """A scan, its slices counted from the feet.

    Attributes:
        hu: (S, R, C) int16, HU: slices upwards, rows to the back, columns to the patient's left.
        spacing_mm: Slice increment, row spacing, column spacing.
        affine: (4, 4) of the file's own voxel axes, RAS+ mm.
        orientation: nibabel's orientation of the file's axes, (3, 2).
        source: What it was read from, for messages.
        acquisition: How it was made, where the file tells.
    """

    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float, float]
    affine: NDArray[np.float64]
    orientation: NDArray[np.float64]
    source: str
    acquisition: Acquisition = field(default_factory=Acquisition)

    def to_file_axes(self, array: NDArray[Any]) -> NDArray[Any]:
        """Turn an (S, R, C) array back into the axes of the file that the scan came from."""
        back = nib.orientations.ornt_transform(_LPS, self.orientation)
        return np.asarray(nib.orientations.apply_orientation(array.transpose(2, 1, 0), back))

    def number_of_slice(self, slice_number: int) -> int:
        """`slice_number` when the scan has such a slice, from the feet, from 0.

        Raises:
            ImageError: It has not.
        """
        if not 0 <= slice_number < len(self.hu):
            raise ImageError(f"{self.source}: no slice {slice_number}: slices are 0 to {len(self.hu) - 1}, counted from the feet")
        return slice_number


@dataclass(frozen=True)
class Stored:
    """Voxels as a file stores them.

    Attributes:
        voxels: (I, J, K), any number type; HU are `slope` * voxels + `intercept`.
        affine: (4, 4) of the axes I, J and K, RAS+ mm.
        slope: What the file multiplies its voxels with.
        intercept: What the file then adds.
        acquisition: How the scan was made.
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    slope: float = 1.0
    intercept: float = 0.0
    acquisition: Acquisition = field(default_factory=Acquisition)


@dataclass(frozen=True)
class Upright:
    """A file's voxels seen in the axes of a scan in memory.

    Attributes:
        voxels: (S, R, C), a view of the file's array.
        spacing_mm: Slice increment, row spacing, column spacing.
        orientation: nibabel's orientation of the file's axes, (3, 2).
    """

    voxels: NDArray[Any]
    spacing_mm: tuple[float, float, float]
    orientation: NDArray[np.float64]


def upright(array: NDArray[Any], affine: NDArray[np.float64], source: str) -> Upright:
    """A file's (I, J, K) array in (slice, row, column) axes, with spacing in mm and the orientation it had.

    Raises:
        ImageError: The affine is degenerate, sheared (gantry tilt) or too oblique to name axial slices.
    """
    columns = np.asarray(affine, np.float64)[:3, :3]
    lengths = np.linalg.norm(columns, axis=0)
    if not np.isfinite(affine).all() or (lengths < 1e-3).any():
        raise ImageError(
            f"{source}: the affine is missing or degenerate, so sizes in mm are unknown: write the file with its geometry"
        )
    unit = columns / lengths
    if np.abs(unit.T @ unit - np.eye(3)).max() > 0.02:
        raise ImageError(f"{source}: the voxel axes are not at right angles (gantry tilt): resample the scan first")
    if np.abs(unit).max(axis=0).min() < 0.9:
        raise ImageError(
            f"{source}: the voxel axes are more than 25 degrees off the body's axes: resample the scan to axial slices first"
        )
    orientation = nib.orientations.io_orientation(affine)
    turned = nib.orientations.apply_orientation(array, nib.orientations.ornt_transform(orientation, _LPS))
    spacing = {int(axis): float(length) for (axis, _), length in zip(orientation, lengths, strict=True)}
    return Upright(turned.transpose(2, 1, 0), (spacing[2], spacing[1], spacing[0]), orientation)


def corners(affine: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Where the eight corner voxels of an (I, J, K) array lie, (8, 3) RAS+ mm, in an order that its axes do not change.

    Args:
        affine: (4, 4) of the array's axes.
        shape: Of the array.
    """
    turn = nib.orientations.ornt_transform(nib.orientations.io_orientation(affine), _LPS)
    straight = affine @ nib.orientations.inv_ornt_aff(turn, shape)
    sizes = np.array(shape)[np.argsort(turn[:, 0])]
    ends = np.array([[(corner >> axis & 1) * (sizes[axis] - 1) for axis in range(3)] for corner in range(8)])
    return np.asarray(ends @ straight[:3, :3].T + straight[:3, 3])


_LPS = nib.orientations.axcodes2ornt("LPS")
