"""The liver: the largest even piece of soft tissue on the patient's right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bioloc.anatomy.coarse import Coarse, Mask, Spacing, coarsen, grow, largest, opened
from bioloc.anatomy.region import Region, giving_up
from bioloc.errors import AnatomyError

BLOCK_MM = 3.0
SMOOTH_MM = 2.5
BANDS_HU = range(15, 186, 10)
"""Middles of the bands that are tried: from a fatty liver without contrast to one in the portal phase."""
FAT_HU = -100
BAND_HU = 25
"""Our choice: half a band's width, for the liver with its noise and its small vessels."""
CORE_MM, CORE_SHARE = 30, 0.9
"""Our choice: a cube that fits in the liver and hardly in muscle, kidney or gut; this share of it is of one band."""
LEAST_CORE_ML = 30
NECK_MM = 10
"""Our choice: the liver is parted from what touches it where the bridge is thinner than twice this."""
RIGHT_SHARE = 0.6
"""Our choice: this share of the liver, and of each of its upper cross-sections, lies on the patient's right at least."""
MOST_ML = 5000
MOST_CM2 = 400
"""Our choices: no liver, and no cross-section of one, is larger."""


def find_liver(hu: NDArray[np.int16], spacing_mm: Spacing) -> Region:
    """The liver is the largest piece of tissue of nearly one HU value on the patient's right; tumours and vessels are filled in.

    Args:
        hu: (S, R, C) int16 HU, slices from the feet, columns to the patient's left.
        spacing_mm: Slice increment, row and column spacing.

    Raises:
        AnatomyError: Nothing on the right is large and even enough, or what was found is too large or not on the right.
    """
    with giving_up("the liver", "give its mask with --roi"):
        coarse = coarsen(hu, spacing_mm, BLOCK_MM)
        smooth = ndimage.gaussian_filter(coarse.hu.astype(np.float32), [SMOOTH_MM / step for step in coarse.spacing_mm])
        middle = _midline(coarse)
        core = _core(smooth, middle, coarse)
        liver_hu = float(np.median(smooth[core]))
        band = np.abs(smooth - liver_hu) <= BAND_HU
        rim = (smooth >= (liver_hu + FAT_HU) / 2) & (smooth <= liver_hu + BAND_HU)
        liver = _without_heart(_grown(core, band, rim, coarse), middle)
        _check(liver, middle, coarse)
    rule = f"the largest even tissue on the right, around {liver_hu:.0f} HU, {liver.sum() * coarse.voxel_ml:.0f} ml"
    return Region(coarse.to_scan(liver), rule)


def _midline(coarse: Coarse) -> float:
    """The column of blocks in the body's middle."""
    body = largest(coarse.hu > -300).sum(axis=(0, 1))
    return float(np.average(np.arange(len(body)), weights=body))


def _core(smooth: NDArray[np.float32], middle: float, coarse: Coarse) -> Mask:
    """The largest inner part, over all bands, whose middle is on the right.

    Raises:
        AnatomyError: There is none, or a larger one on the left.
    """
    size = [max(1, round(CORE_MM / step)) for step in coarse.spacing_mm]
    best, most, most_left = None, LEAST_CORE_ML / coarse.voxel_ml, 0
    for band in BANDS_HU:
        share = ndimage.uniform_filter((np.abs(smooth - band) <= BAND_HU).astype(np.float32), size)
        labels, _ = ndimage.label(share >= CORE_SHARE)
        sizes = np.bincount(labels.ravel())
        columns = np.broadcast_to(np.arange(labels.shape[2]), labels.shape)
        right = np.bincount(labels.ravel(), columns.ravel()) < middle * sizes
        sizes[0] = 0  # what is not of the band
        most_left = max(most_left, int(sizes[~right].max(initial=0)))
        if (sizes * right).max() > most:
            best, most = labels == (sizes * right).argmax(), int((sizes * right).max())
    if best is None:
        raise AnatomyError("nothing on the right is as large and as even as a liver")
    if most_left > most:
        raise AnatomyError("the largest even tissue lies in the middle or on the left: the scan may be mirrored")
    return np.asarray(best)


def _grown(core: Mask, band: Mask, rim: Mask, coarse: Coarse) -> Mask:
    """The part of a band that hangs together with the core by more than a neck, gaps in its slices filled."""
    parts, _ = ndimage.label(opened(band, NECK_MM, coarse.spacing_mm) | (core & band))
    sizes = np.bincount(parts[core & (parts > 0)], minlength=1)
    liver = rim & grow(parts == sizes.argmax(), max(coarse.spacing_mm), coarse.spacing_mm)
    return np.stack([np.asarray(ndimage.binary_fill_holes(plane)) for plane in liver])


def _without_heart(liver: Mask, middle: float) -> Mask:
    """Nothing from where, above the widest slice, less than the liver's share is on the right: there the heart rests on it."""
    area, right = liver.sum(axis=(1, 2)), liver[:, :, : round(middle)].sum(axis=(1, 2))
    widest = int(area.argmax())
    too_little = np.flatnonzero(right[widest:] < RIGHT_SHARE * area[widest:])
    if len(too_little):
        liver[widest + int(too_little[0]) :] = False
    return liver


def _check(liver: Mask, middle: float, coarse: Coarse) -> None:
    volume = float(liver.sum() * coarse.voxel_ml)
    widest = float(liver.sum(axis=(1, 2)).max() * coarse.pixel_mm2 / 100)
    right = float(liver[:, :, : round(middle)].sum() / max(liver.sum(), 1))
    if volume > MOST_ML or widest > MOST_CM2:
        raise AnatomyError(f"the largest even tissue on the right has {volume:.0f} ml and up to {widest:.0f} cm2 in a slice")
    if right < RIGHT_SHARE:
        raise AnatomyError(f"only {100 * right:.0f} % of the largest even tissue lie on the right")
