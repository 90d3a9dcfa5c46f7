"""The classical value: what a reader's mask measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bioloc.biomarkers.agatston import find_lesions
from bioloc.biomarkers.candidates import pixel_worth
from bioloc.tasks import Task

MASS_CALIBRATION = 0.0008
"""mg calcium hydroxyapatite per mm3 and HU: typical at 120 kV; a scanner's own comes from its phantom."""


@dataclass(frozen=True)
class Measurement:
    """A value with the components that it adds up."""

    value: float
    components: list[dict[str, Any]]


def measure(task: Task, hu: NDArray[np.int16], spacing_mm: tuple[float, float, float], labels: NDArray[np.uint16]) -> Measurement:
    """The value inside a mask, as a reader's tool gives it.

    Areas count the mask's pixels of the task's HU range. Calcium counts the components of {HU >= 130} inside
    each label by itself.

    Args:
        task: The biomarker.
        hu: (S, R, C) int16, HU.
        spacing_mm: Slice increment, row and column spacing.
        labels: (S, R, C) uint16; 0 is outside, and each label is listed by itself.
    """
    per_label = _lesion_components if task.rule == "lesions" else _area_components
    components = [
        row for label in np.unique(labels[labels > 0]) for row in per_label(task, hu, spacing_mm, labels == label, int(label))
    ]
    return Measurement(sum(row["value"] for row in components), components)


def _area_components(
    task: Task, hu: NDArray[np.int16], spacing_mm: tuple[float, float, float], mask: NDArray[np.bool_], label: int
) -> list[dict[str, Any]]:
    low, high = task.hu_range
    counted = mask & (hu >= low) & (hu <= high)
    parts, count = ndimage.label(counted)
    pixels = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    means: Any = ndimage.mean(hu, parts, np.arange(1, count + 1)) if count else []
    worth = pixel_worth(task, spacing_mm)
    return [
        {"label": label, "component": k, "value": float(n * worth), "pixels": int(n), "mean_hu": float(mean)}
        for k, (n, mean) in enumerate(zip(pixels, means, strict=True), start=1)
    ]


def _lesion_components(
    task: Task, hu: NDArray[np.int16], spacing_mm: tuple[float, float, float], mask: NDArray[np.bool_], label: int
) -> list[dict[str, Any]]:
    lesions = find_lesions(hu, spacing_mm, mask)
    pixel_mm3 = float(np.prod(spacing_mm))
    rows = zip(lesions.pixels, lesions.factor, lesions.peak_hu, lesions.mean_hu, lesions.slice_number, strict=True)
    return [
        {
            "label": label,
            "component": k,
            "slice": int(slice_number),
            "value": float(n * int(factor) * pixel_worth(task, spacing_mm)),
            "area_mm2": float(n * spacing_mm[1] * spacing_mm[2]),
            "density_factor": int(factor),
            "peak_hu": float(peak),
            "mean_hu": float(mean),
            "volume_mm3": float(n * pixel_mm3),
            "mass_mg": float(MASS_CALIBRATION * mean * n * pixel_mm3),
        }
        for k, (n, factor, peak, mean, slice_number) in enumerate(rows, start=1)
    ]
