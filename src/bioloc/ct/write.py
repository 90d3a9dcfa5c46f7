"""Write maps and masks in the geometry of the scan they belong to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from bioloc.ct.image import CT
from bioloc.files import written_aside


def write_nifti(path: Path, array: NDArray[Any], ct: CT) -> None:
    """Write an (S, R, C) array as NIfTI in the file axes and affine of `ct`, whole or not at all."""
    write_array(path, ct.to_file_axes(array), ct.affine)


def write_array(path: Path, array: NDArray[Any], affine: NDArray[np.float64]) -> None:
    """Write an (I, J, K) array with its affine; the same content gives the same bytes."""
    image = nib.Nifti1Image(array, affine)
    image.header.set_xyzt_units("mm")
    with written_aside(path) as aside:
        nib.save(image, aside)


def axial_affine(spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """RAS+ affine of an array whose (I, J, K) axes go left, back and up."""
    return np.diag([-spacing_mm[2], -spacing_mm[1], spacing_mm[0], 1.0])
