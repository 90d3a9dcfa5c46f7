"""Calcified lesions of the Agatston score (Agatston et al., JACC 1990;15:827-32)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

THRESHOLD_HU = 130
MINIMUM_AREA_MM2 = 1.0
_IN_PLANE = np.stack([np.zeros((3, 3), bool), np.ones((3, 3), bool), np.zeros((3, 3), bool)])


@dataclass(frozen=True)
class Lesions:
    """In-slice components of {HU >= 130} of at least 1 mm2.

    Attributes:
        labels: (S, R, C) int32; 0 is background, lesion k has label k.
        pixels: (K,) number of pixels.
        peak_hu: (K,) maximum HU.
        mean_hu: (K,) mean HU.
        slice_number: (K,) slice.
    """

    labels: NDArray[np.int32]
    pixels: NDArray[np.int64]
    peak_hu: NDArray[np.float64]
    mean_hu: NDArray[np.float64]
    slice_number: NDArray[np.int64]

    @property
    def factor(self) -> NDArray[np.uint8]:
        """(K,) density factors 1 to 4 from the peak HU: 130, 200, 300, 400."""
        return density_factor(self.peak_hu)


def density_factor(peak_hu: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Agatston's density factor: 1 for 130-199 HU, 2 for 200-299, 3 for 300-399, 4 from 400; 0 below 130."""
    return np.digitize(peak_hu, [130, 200, 300, 400]).astype(np.uint8)


def in_slice_components(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """(S, R, C) labels 1, 2, ... of a mask's components, 8-connected in the slice; 0 is outside."""
    labels = np.zeros(mask.shape, np.int32)
    ndimage.label(mask, structure=_IN_PLANE, output=labels)
    return labels


def find_lesions(
    hu: NDArray[np.int16], spacing_mm: tuple[float, float, float], region: NDArray[np.bool_] | None = None
) -> Lesions:
    """Components, 8-connected in the slice, of {HU >= 130} inside `region`; those below 1 mm2 are dropped."""
    dense = hu >= THRESHOLD_HU
    if region is not None:
        dense &= region
    labels = in_slice_components(dense)
    at = np.flatnonzero(labels)
    label, value = labels.ravel()[at], hu.ravel()[at].astype(np.float64)
    count = int(label.max(initial=0))
    pixels = np.bincount(label, minlength=count + 1)
    peak = np.zeros(count + 1)
    np.maximum.at(peak, label, value)
    total = np.bincount(label, weights=value, minlength=count + 1)
    where = np.zeros(count + 1, np.int64)
    where[label] = at // (hu.shape[1] * hu.shape[2])
    # A hair below 1 mm2 counts: pixel sizes are rounded in files, and 4 pixels of 0.5 mm must not depend on it.
    keep = pixels * spacing_mm[1] * spacing_mm[2] >= MINIMUM_AREA_MM2 - 1e-6
    keep[0] = False
    renumbered = np.zeros(count + 1, np.int32)
    renumbered[keep] = np.arange(1, keep.sum() + 1)
    return Lesions(renumbered[labels], pixels[keep], peak[keep], total[keep] / pixels[keep], where[keep])
