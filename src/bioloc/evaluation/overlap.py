"""Overlap of a mask with the reference: Dice, precision, recall, the Hausdorff distance's 95th percentile; lesions found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

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


def lesion_detection(mask: Mask, reference: Mask, lesions: NDArray[np.int32]) -> dict[str, float]:
    """How many lesions are there, how many of them were found, and how many were found that are none.

    A lesion is a component of the candidates in its slice, so a plaque through three slices counts three times, as in
    the Agatston score. It is in the mask, or in the reference, if at least half of its pixels are: all pixels of a
    lesion have the same density factor, so that is half of its points as well. (Half is our choice, the plain
    majority; masks are made of whole lesions, so only a reference that cuts through a lesion depends on it.)

    Args:
        mask: (S, R, C) bool.
        reference: (S, R, C) bool.
        lesions: (S, R, C) labels 1, 2, ...; 0 is outside.

    Returns:
        `lesions`, `lesions_found`, `false_positive_lesions`, and the share found as `lesion_sensitivity`:
        not-a-number where there is no lesion.
    """
    count = int(lesions.max(initial=0)) + 1
    pixels, marked, known = (np.bincount(lesions[part], minlength=count)[1:] for part in (lesions > 0, mask, reference))
    claimed, there = 2 * marked >= pixels, 2 * known >= pixels
    found, total = int((claimed & there).sum()), int(there.sum())
    return {
        "lesions": total,
        "lesions_found": found,
        "false_positive_lesions": int((claimed & ~there).sum()),
        "lesion_sensitivity": found / total if total else np.nan,
    }


def hausdorff95(mask: Mask, reference: Mask, spacing_mm: tuple[float, float, float]) -> float:
    """95th percentile of the distances between both surfaces, mm (neither may be empty)."""
    a, b = _surface_mm(mask, spacing_mm), _surface_mm(reference, spacing_mm)
    # Trees of surface points: several times as fast as distance maps of the whole box.
    return float(np.percentile(np.concatenate([cKDTree(b).query(a)[0], cKDTree(a).query(b)[0]]), 95))


def _surface_mm(mask: Mask, spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """(N, 3) places of the voxels at a mask's rim in its slices."""
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    part = np.pad(mask[box], 1)
    corner = np.array([side.start - 1 for side in box])
    return np.asarray((np.argwhere(part & ~_eroded(part)) + corner) * np.array(spacing_mm))


def _eroded(mask: Mask) -> Mask:
    """Eroded in the slice only: slices are far apart, and an area has one."""
    return ndimage.binary_erosion(mask, structure=np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], bool))
