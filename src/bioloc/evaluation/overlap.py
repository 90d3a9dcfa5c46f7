"""Overlap of a mask with the reference: Dice, precision, recall, and the 95th percentile of the Hausdorff distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]


def overlap(mask: Mask, reference: Mask, spacing_mm: tuple[float, float, float]) -> dict[str, float]:
    """Dice = 2|A&B| / (|A|+|B|), precision, recall and hd95 in mm; not-a-number for an empty reference.

    Args:
        mask: (S, R, C) bool.
        reference: (S, R, C) bool.
        spacing_mm: Slice increment, row and column spacing.
    """
    if not reference.any():
        return dict.fromkeys(("dice", "precision", "recall", "hd95_mm"), np.nan)
    both, found, there = int((mask & reference).sum()), int(mask.sum()), int(reference.sum())
    return {
        "dice": 2 * both / (found + there),
        "precision": both / found if found else np.nan,
        "recall": both / there,
        "hd95_mm": hausdorff95(mask, reference, spacing_mm) if found else np.nan,
    }


def hausdorff95(mask: Mask, reference: Mask, spacing_mm: tuple[float, float, float]) -> float:
    """95th percentile of the distances between both surfaces, mm (neither may be empty)."""
    box = ndimage.find_objects((mask | reference).astype(np.uint8))[0]
    a, b = np.pad(mask[box], 1), np.pad(reference[box], 1)
    edge_a, edge_b = a & ~_eroded(a), b & ~_eroded(b)
    to_b = ndimage.distance_transform_edt(~edge_b, sampling=spacing_mm)[edge_a]
    to_a = ndimage.distance_transform_edt(~edge_a, sampling=spacing_mm)[edge_b]
    return float(np.percentile(np.concatenate([to_a, to_b]), 95))


def _eroded(mask: Mask) -> Mask:
    """Eroded in the slice only: slices are far apart, and an area has one."""
    return ndimage.binary_erosion(mask, structure=np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], bool))
