"""Whether contrast medium is in the blood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bioloc.fitness.finding import Finding
from bioloc.fitness.sample import Box, Sample, middle_of

ENHANCED_HU = 100
"""Unenhanced blood has 30 to 60 HU. Comp2Comp gives up an Agatston score where the aorta's mean is above 100 HU, too."""
SOME_ML, MUCH_ML = 5.0, 10.0
"""Our choice: unenhanced hearts have less than half of the first, enhanced ones dozens, see docs/fitness.md."""
_SMOOTH_MM = 2.0
_CORE_MM = 3.0
"""Only what is deeper than this, and than a pixel, inside bright tissue: no artery, no wall of calcium."""
_FLAT_HU_PER_MM = 5.0
"""Blood is even; the marrow of a vertebra between its end plates is not."""
_COARSE_MM = 1.5
_MOST_MM = 80.0
"""The middle is no wider or deeper than this: in a large field of view, more would reach the spine."""
_CLIP_HU = (-200, 600)
"""So that metal and dense calcium do not smear far."""


class Pool(NamedTuple):
    """A compact bright thing: its volume without its rim, and its mean HU."""

    volume_ml: float
    mean_hu: float


def check_blood(sample: Sample) -> Iterator[Finding]:
    """Enhanced chambers in the middle of the heart region, where the task needs unenhanced blood."""
    if not sample.task.needs.unenhanced:
        return
    where = _middle(sample)
    pool = largest_pool(sample.hu[where], sample.spacing_mm, None if sample.region is None else sample.region[where])
    if pool.volume_ml >= SOME_ML:
        much = pool.volume_ml >= MUCH_ML
        yield Finding(
            "contrast",
            "refuse" if much else "warn",
            f"{pool.volume_ml:.0f} mL in the middle of the heart have {pool.mean_hu:.0f} HU, and unenhanced blood 30 to 60: "
            f"{'contrast medium' if much else 'it may be contrast medium, which'} counts as calcium from "
            f"{sample.task.hu_range[0]:g} HU, so use an unenhanced scan",
        )


def largest_pool(hu: NDArray[np.int16], spacing_mm: tuple[float, float, float], region: NDArray[np.bool_] | None = None) -> Pool:
    """The largest connected core of even tissue from 100 HU in a (S, R, C) volume, within a region if one is given."""
    smooth = ndimage.gaussian_filter(
        np.clip(hu, *_CLIP_HU).astype(np.float32), [_SMOOTH_MM / size for size in spacing_mm], truncate=3
    )
    steps = [max(1, int(_COARSE_MM / size)) for size in spacing_mm]
    smooth = smooth[:: steps[0], :: steps[1], :: steps[2]]
    mm = [size * step for size, step in zip(spacing_mm, steps, strict=True)]
    bright = smooth >= ENHANCED_HU
    if region is not None:
        bright &= region[:: steps[0], :: steps[1], :: steps[2]]
    deep = ndimage.distance_transform_edt(bright, mm) > max(_CORE_MM, 1.01 * mm[1], 1.01 * mm[2])
    labels, count = ndimage.label(deep & (_slope(smooth, mm) <= _FLAT_HU_PER_MM))
    if count == 0:
        return Pool(0.0, 0.0)
    sizes = np.bincount(labels.ravel())[1:]
    mean = float(smooth[labels == sizes.argmax() + 1].mean())
    return Pool(float(sizes.max() * np.prod(mm)) / 1000, mean)


def _slope(smooth: NDArray[np.float32], mm: list[float]) -> NDArray[np.float32]:
    """How much HU change per mm."""
    square = np.zeros_like(smooth)
    for axis, size in enumerate(mm):
        if smooth.shape[axis] > 1:
            square += np.gradient(smooth, size, axis=axis) ** 2
    return np.asarray(np.sqrt(square))


def _middle(sample: Sample) -> Box:
    """Where the chambers are: the spine and the sternum lie at the sides of the region."""
    slices, rows, columns = sample.box
    _, row, column = sample.spacing_mm
    return slices, middle_of(rows, _MOST_MM / row), middle_of(columns, _MOST_MM / column)
