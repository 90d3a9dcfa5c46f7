"""A scan in blocks of a few millimetres: enough to find organs in, and small."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]

IN_PLANE = np.zeros((3, 3, 3), bool)
"""Neighbours within the axial slice only, for scipy's morphology and labels."""
IN_PLANE[1] = ndimage.generate_binary_structure(2, 1)


@dataclass(frozen=True)
class Coarse:
    """The mean HU of blocks of voxels.

    Attributes:
        hu: (S, R, C) int16, HU.
        spacing_mm: Of the blocks.
        factors: Voxels per block along each axis; the last block of an axis may have fewer.
        shape: Of the scan.
    """

    hu: NDArray[np.int16]
    spacing_mm: Spacing
    factors: tuple[int, int, int]
    shape: tuple[int, int, int]

    @property
    def pixel_mm2(self) -> float:
        """Area of a block in its slice."""
        return self.spacing_mm[1] * self.spacing_mm[2]

    @property
    def voxel_ml(self) -> float:
        """Volume of a block."""
        return self.spacing_mm[0] * self.pixel_mm2 / 1000

    def to_scan(self, mask: Mask) -> Mask:
        """A mask of blocks on the voxels of the scan."""
        for axis, (factor, length) in enumerate(zip(self.factors, self.shape, strict=True)):
            mask = mask.take(np.arange(length) // factor, axis)
        return mask

    def slice_in_scan(self, number: int) -> int:
        """The scan's slice in the middle of a block's."""
        first, after = number * self.factors[0], min((number + 1) * self.factors[0], self.shape[0])
        return (first + after - 1) // 2


def coarsen(hu: NDArray[np.int16], spacing_mm: Spacing, block_mm: float) -> Coarse:
    """Average a scan over blocks of about `block_mm`, slab by slab, so that little memory is needed."""
    slices, rows, columns = (max(1, round(block_mm / step)) for step in spacing_mm)
    shape = (hu.shape[0], hu.shape[1], hu.shape[2])
    first_row, first_column = np.arange(0, shape[1], rows), np.arange(0, shape[2], columns)
    counts = np.outer(np.diff(np.r_[first_row, shape[1]]), np.diff(np.r_[first_column, shape[2]]))
    means = []
    for start in range(0, shape[0], slices):
        slab = hu[start : start + slices]
        total = np.add.reduceat(slab.sum(axis=0, dtype=np.int32), first_row, axis=0)
        means.append(np.rint(np.add.reduceat(total, first_column, axis=1) / (counts * len(slab))).astype(np.int16))
    spacing = (spacing_mm[0] * slices, spacing_mm[1] * rows, spacing_mm[2] * columns)
    return Coarse(np.stack(means), spacing, (slices, rows, columns), shape)


def shrink(mask: Mask, by_mm: float, spacing_mm: Spacing) -> Mask:
    """What is left of a mask after taking off a rim; the image's own edge takes nothing off."""
    if mask.all():
        return mask
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=spacing_mm) > by_mm)


def grow(mask: Mask, by_mm: float, spacing_mm: Spacing) -> Mask:
    """A mask with a rim around it."""
    if not mask.any():
        return mask
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=spacing_mm) <= by_mm)


def opened(mask: Mask, by_mm: float, spacing_mm: Spacing) -> Mask:
    """The parts of a mask into which a ball of radius `by_mm` fits."""
    return grow(shrink(mask, by_mm, spacing_mm), by_mm, spacing_mm)


def flat(spacing_mm: Spacing) -> Spacing:
    """A spacing whose slices are so far apart that distances are those within the slice."""
    return 1e5, spacing_mm[1], spacing_mm[2]


def largest(mask: Mask) -> Mask:
    """The largest connected part of a mask; an empty one stays empty."""
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())
