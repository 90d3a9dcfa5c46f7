"""The body in an axial slice: where to centre the grid, and how big the patient is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

BODY_HU = -300
"""Between lung or air and soft tissue or fat."""


def body_mask(hu: NDArray[np.int16]) -> NDArray[np.bool_]:
    """The largest thing denser than -300 HU in one (R, C) slice, thin table and clothes opened away, holes filled."""
    solid = ndimage.binary_opening(hu > BODY_HU, iterations=2)
    labels, count = ndimage.label(solid)
    if count == 0:
        return np.zeros(hu.shape, bool)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(ndimage.binary_fill_holes(labels == sizes.argmax()))


def middle(mask: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Middle of the bounding box of a (R, C) or (S, R, C) mask, in pixels (row, column); None when empty."""
    flat: NDArray[np.bool_] = np.asarray(mask.any(axis=0)) if mask.ndim == 3 else mask
    if not flat.any():
        return None
    rows, columns = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
    return float(rows[0] + rows[-1]) / 2, float(columns[0] + columns[-1]) / 2
