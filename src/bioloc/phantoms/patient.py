"""What a drawn patient is: the image, the answer, and what may be changed of it for an intervention."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Change:
    """An intervention: the same patient with one thing changed.

    Attributes:
        target: Factor of the target's area; 1 changes nothing.
        distractor: Factor of the distractor's area.
        repeat: Which scan of the patient it is: from 1 on, the first one's anatomy and protocol under new noise.
    """

    target: float = 1.0
    distractor: float = 1.0
    repeat: int = 0

    def noise(self, rng: np.random.Generator) -> np.random.Generator:
        """Randomness of this scan's noise, of the first one's."""
        return rng.spawn(self.repeat)[-1] if self.repeat else rng


@dataclass(frozen=True)
class Patient:
    """A drawn patient.

    Attributes:
        hu: (S, R, C) int16, HU.
        mask: (S, R, C) bool, the target as a reader would draw it.
        spacing_mm: Slice increment, row and column spacing.
        region: (S, R, C) bool organ region, or None where the task needs none.
        distractor: (S, R, C) bool, the part that `Change.distractor` scales.
        facts: Numbers that describe the patient, for the manifest.
    """

    hu: NDArray[np.int16]
    mask: NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]
    region: NDArray[np.bool_] | None = None
    distractor: NDArray[np.bool_] | None = None
    facts: dict[str, float] = field(default_factory=dict)
