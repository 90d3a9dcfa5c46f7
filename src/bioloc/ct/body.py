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


def under_skin(hu: NDArray[np.int16], spacing_mm: tuple[float, float, float], skin_mm: float) -> NDArray[np.bool_]:
    """(S, R, C) what lies in the body of (S, R, C) slices and deeper than `skin_mm` under its outline, at least a pixel.

    Pixels that skin and air share have the HU of fat: in the thinnest tenth of the phantoms 0.4 times as many as the fat
    has. A slice without a body has no skin either: all of it is left. Where the image cuts the body off there is no skin.
    """
    return np.stack([_under_skin(plane, (spacing_mm[1], spacing_mm[2]), skin_mm) for plane in hu])


def _under_skin(hu: NDArray[np.int16], spacing_mm: tuple[float, float], skin_mm: float) -> NDArray[np.bool_]:
    body = body_mask(hu)
    if not body.any():
        return np.ones(hu.shape, bool)
    depth = ndimage.distance_transform_edt(body, sampling=spacing_mm)
    return np.asarray(depth > max(skin_mm, *spacing_mm))
