"""Stored voxels to int16 HU, once, and the refusal of what cannot be HU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioloc.ct.image import AIR, Stored
from bioloc.errors import ImageError

_HIGHEST = 32767
_MOST_LABELS = 20
"""Below this, an image without negative voxels is rather a mask."""


def to_hu(voxels: NDArray[Any], slope: float = 1.0, intercept: float = 0.0) -> NDArray[np.int16]:
    """`slope` * `voxels` + `intercept` as int16 HU, padding below -1024 made air.

    Args:
        voxels: (R, C), or (S, R, C) whose slices are converted one by one, so that no wider copy of a volume is ever
            made; where they are HU in their order already, they are clipped in place.
        slope: Of the file's rescale.
        intercept: Of the file's rescale.
    """
    plain = voxels.dtype == np.int16 and (slope, intercept) == (1, 0)
    if plain and voxels.flags.c_contiguous and voxels.flags.writeable:
        return np.asarray(np.maximum(voxels, np.int16(AIR), out=voxels))
    if voxels.ndim == 3:
        hu = np.empty(voxels.shape, np.int16)
        for plane, out in zip(voxels, hu, strict=True):
            out[...] = to_hu(plane, slope, intercept)
        return hu
    if plain:
        return np.asarray(np.maximum(voxels, np.int16(AIR)))
    if voxels.dtype.kind in "iu" and voxels.dtype.itemsize <= 2 and slope == 1 and float(intercept).is_integer():
        values: NDArray[Any] = np.add(voxels, int(intercept), dtype=np.int32)
    else:
        values = np.rint(voxels * slope + intercept)
    return np.clip(values, AIR, _HIGHEST, out=values).astype(np.int16)


def check_hounsfield(stored: Stored, source: str, without_air: bool = False) -> None:
    """Nothing, for voxels that can be a CT in Hounsfield units.

    Args:
        stored: The voxels.
        source: Their file, for messages.
        without_air: They may also all be 0 or more, unless they look like labels.

    Raises:
        ImageError: They are empty, not finite, all the same, without negative values, all air, too large or normalised.
    """
    if stored.voxels.size == 0:
        raise ImageError(f"{source}: an image without voxels")
    ends = [float(value) * stored.slope + stored.intercept for value in (stored.voxels.min(), stored.voxels.max())]
    if not np.isfinite(ends).all():
        raise ImageError(f"{source}: some voxels are not numbers: HU must be finite")
    low, high = sorted(ends)
    if low == high:
        raise ImageError(f"{source}: every voxel is {low:g}: an empty image")
    if low >= 0 and (not without_air or high < _MOST_LABELS):
        raise ImageError(
            f"{source}: values go from {low:g} to {high:g}, with none below 0: not CT in Hounsfield units "
            "(is the rescale missing?)"
        )
    if high <= -200 or high > 100_000:
        raise ImageError(f"{source}: values go from {low:g} to {high:g}: not CT in Hounsfield units")
    if high <= 2 and low >= -2:
        raise ImageError(f"{source}: values go from {low:g} to {high:g}: a normalised image, not CT in Hounsfield units")
