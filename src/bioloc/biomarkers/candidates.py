"""Candidate regions: the pixels that may count, by simple intensity rules, and what each is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioloc.biomarkers.agatston import find_lesions
from bioloc.errors import ImageError
from bioloc.tasks import Task


@dataclass(frozen=True)
class Candidates:
    """The pixels that may count.

    The value of any mask made of candidates is `unit_worth * factor[mask].sum()`: an area, or for whole
    lesions the Agatston score, since a lesion's density factor belongs to all its pixels.

    Attributes:
        factor: (S, R, C) uint8; 0 outside the candidates, 1 (areas) or the density factor 1 to 4 inside.
        lesions: (S, R, C) int32 labels of the in-slice components, or None where the rule has none.
        unit_worth: Worth of a pixel of factor 1, in the task's unit.
        skin: (S, R, C) the pixels that the rule's HU window holds too but that lie in the skin: a reader's mask may count
            them, a map may not. None where the rule knows of no skin.
    """

    factor: NDArray[np.uint8]
    lesions: NDArray[np.int32] | None
    unit_worth: float
    skin: NDArray[np.bool_] | None = None

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(S, R, C) the candidate pixels."""
        return self.factor > 0

    @property
    def countable(self) -> NDArray[np.bool_]:
        """(S, R, C) the pixels that a reader's mask may count: the candidates, and those in the skin."""
        return self.mask if self.skin is None else self.mask | self.skin

    def value(self, mask: NDArray[np.bool_]) -> float:
        """What the candidates in `mask` add up to, in the task's unit."""
        return self.unit_worth * float(self.factor[mask].sum(dtype=np.int64))

    def total(self) -> float:
        """What all candidates add up to."""
        return self.unit_worth * float(self.factor.sum(dtype=np.int64))

    def most(self) -> float:
        """What a reader's mask can add up to."""
        return self.total() + (0.0 if self.skin is None else self.unit_worth * float(self.skin.sum()))

    def without_skin(self, deep: NDArray[np.bool_]) -> Candidates:
        """The candidates of a HU window that lie in `deep`, (S, R, C); the others are skin."""
        return Candidates(self.factor * deep, None, self.unit_worth, self.mask & ~deep)


def find_candidates(
    task: Task, hu: NDArray[np.int16], spacing_mm: tuple[float, float, float], region: NDArray[np.bool_] | None = None
) -> Candidates:
    """The candidates of a scan.

    Args:
        task: The biomarker.
        hu: (S, R, C) int16, HU.
        spacing_mm: Slice increment, row and column spacing.
        region: (S, R, C) bool region of interest, for tasks that have one.

    Raises:
        ImageError: The task needs a region and none is given, or it is empty.
    """
    if task.region == "none":
        region = None
    if task.region == "required" and (region is None or not region.any()):
        raise ImageError(f"{task.title} needs a region of interest that is not empty: give the organ's mask")
    if task.rule == "lesions":
        lesions = find_lesions(hu, spacing_mm, region)
        factor = np.concatenate([np.zeros(1, np.uint8), lesions.factor])[lesions.labels]
        return Candidates(factor, lesions.labels, pixel_worth(task, spacing_mm))
    low, high = task.hu_range
    mask = (hu >= low) & (hu <= high)
    if region is not None:
        mask &= region
    return Candidates(mask.astype(np.uint8), None, pixel_worth(task, spacing_mm))


def pixel_worth(task: Task, spacing_mm: tuple[float, float, float]) -> float:
    """Worth of a pixel of factor 1 in the task's unit: dx*dy, and times dz/3 for the Agatston score."""
    increment, row, column = spacing_mm
    return row * column * (increment / 3 if task.volume else 1.0) / task.unit_worth
