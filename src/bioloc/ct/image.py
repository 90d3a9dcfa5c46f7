"""The image in memory, and the way back to its file's own axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

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
    """

    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float, float]
    affine: NDArray[np.float64]
    orientation: NDArray[np.float64]
    source: str

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


def oriented(
    array: NDArray[Any], affine: NDArray[np.float64], source: str
) -> tuple[NDArray[Any], tuple[float, float, float], NDArray[np.float64]]:
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
    return turned.transpose(2, 1, 0), (spacing[2], spacing[1], spacing[0]), orientation


_LPS = nib.orientations.axcodes2ornt("LPS")
