"""What the healthy organ around a lesion looks like, from the image alone: lesions are told from it by their difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_RIM = (2, 6)
"""From so many to so many pixels of the working grid within the candidates' outline: lesions seldom fill an organ's rim, and
its outermost pixels are partly what lies around it."""
_FAT_HU = -100.0
"""What lies around an organ. Half way to it ends the organ, wherever its outline runs, as in `anatomy/liver.py`."""
_QUARTILE = 75
"""Upper quartile: most lesions are darker than their organ, and the brighter ones seldom fill a quarter of its rim."""
_SMOOTH = 1.5
"""Standard deviation in pixels: without it the quartile of a noisy image lies above its tissue."""


def reference_hu(hu: NDArray[np.int16], among: NDArray[np.bool_]) -> float:
    """HU of an organ's healthy tissue: the upper quartile of the smoothed candidates in its rim; 0 without candidates.

    The median of all candidates is a lesion's where lesions fill half of the organ. Nor is the rim counted from the outline as it
    was drawn: one that runs into fat would make fat the organ's tissue. On 192 liver phantoms the mean error is 1.7 HU with their
    own outlines, 2.7 with outlines 3 mm too large and 5.2 with 6 mm; it is 2.0, 9.1 and 31.8 where the outline is believed.

    Args:
        hu: (S, H, W) HU.
        among: (S, H, W) the candidates.
    """
    if not among.any():
        return 0.0
    slices = [(_smoothed(plane, inside), inside) for plane, inside in zip(hu, among, strict=True)]
    edge = (_quartile([smooth[inside] for smooth, inside in slices]) + _FAT_HU) / 2
    rims = [smooth[inside & _in_rim(ndimage.binary_fill_holes(inside & (smooth > edge)))] for smooth, inside in slices]
    return _quartile(rims) if any(rim.size for rim in rims) else float(np.percentile(hu[among], _QUARTILE))


def _quartile(parts: list[NDArray[np.float32]]) -> float:
    return float(np.percentile(np.concatenate(parts), _QUARTILE))


def _smoothed(hu: NDArray[np.int16], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H, W) HU of a slice's candidates, smoothed among themselves; 0 elsewhere."""
    share = ndimage.gaussian_filter(inside.astype(np.float32), _SMOOTH)
    smooth = ndimage.gaussian_filter(np.where(inside, hu, 0).astype(np.float32), _SMOOTH)
    return np.divide(smooth, share, out=np.zeros_like(smooth), where=inside)


def _in_rim(organ: NDArray[np.bool_]) -> NDArray[np.bool_]:
    depth = ndimage.distance_transform_edt(np.pad(organ, 1))[1:-1, 1:-1]
    return np.asarray((depth > _RIM[0]) & (depth <= _RIM[1]))
