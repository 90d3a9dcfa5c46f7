"""Prediction intervals by split conformal prediction, as wide as errors of values of that size are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bioloc.calibration.conformal import LEAST_CASES, Array, Space, conformal_quantile, from_space, to_space
from bioloc.errors import RegistryError
from bioloc.tasks import Task

FORMAT = "bioloc-interval-1"
LEVEL = 0.9
_MOST_FOR_DIFFICULTY = 100
"""Two numbers need no more cases; the others make the interval's coverage steadier."""
_LEAST_SHARE = 0.2
"""Share of the mean error below which no difficulty falls, however far outside the fitted values (our choice)."""


@dataclass(frozen=True)
class Difficulty:
    """The error to be expected at a predicted value: max(start + slope * value, least), in the space of the loss."""

    start: float = 1.0
    slope: float = 0.0
    least: float = 1e-9

    def of(self, predicted: Array) -> Array:
        """Expected errors of predicted values that are in the space of the loss."""
        return np.maximum(self.start + self.slope * predicted, self.least)


@dataclass(frozen=True)
class Interval:
    """How wide intervals are.

    Attributes:
        space: Errors are of values as they are, or of log(1 + value): the interval is then about a factor.
        level: Nominal coverage.
        quantile: Half the width in units of the difficulty.
        difficulty: How width goes with the predicted value.
        cases: How many cases `quantile` is of.
        cohort_md5: Digest of the cohort that they are of.
    """

    space: Space
    level: float
    quantile: float
    difficulty: Difficulty
    cases: int
    cohort_md5: str | None

    def bounds(self, predicted: Array) -> tuple[Array, Array]:
        """(N,) lower and upper ends for (N,) predicted values, in the task's unit and never below 0."""
        middle = to_space(self.space, predicted)
        half = self.quantile * self.difficulty.of(middle)
        return from_space(self.space, middle - half), from_space(self.space, middle + half)

    def to_dict(self) -> dict[str, Any]:
        """The interval as JSON content."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Interval:
        """The interval that `to_dict` gave.

        Raises:
            RegistryError: It is of another format.
        """
        rest = dict(content)
        if rest.pop("format", None) != FORMAT:
            raise RegistryError(f"the interval is of format '{content.get('format')}', this version reads '{FORMAT}'")
        return cls(**{**rest, "difficulty": Difficulty(**rest["difficulty"])})


def fit_interval(
    task: Task, known: Array, predicted: Array, cohort_md5: str | None, difficulty: Difficulty | None = None
) -> Interval | None:
    """The interval of a model on cases that it did not learn from; None where there are fewer than 10.

    Each error is divided by its difficulty, so that small and large values get fitting widths (Lei et al. 2018,
    section 5.2, "locally weighted"). The difficulty is fitted on cases that the quantile is not of: half of them, at most
    100. Below 20 cases there are none to spare, and the width is the same for all values.

    Args:
        task: The biomarker.
        known: (N,) known values, in the task's unit.
        predicted: (N,) predicted values.
        cohort_md5: Digest of the cohort.
        difficulty: One that was fitted on other cases: all cases are then for the quantile.
    """
    if len(known) < LEAST_CASES:
        return None
    space = task.loss_space
    middle = to_space(space, predicted)
    errors = np.abs(to_space(space, known) - middle)
    rest = np.arange(len(known))
    if difficulty is None:
        spared = min(len(known) // 2, _MOST_FOR_DIFFICULTY) if len(known) >= 2 * LEAST_CASES else 0
        order = np.random.default_rng(0).permutation(len(known))
        difficulty = _fit_difficulty(middle[order[:spared]], errors[order[:spared]]) if spared else Difficulty()
        rest = order[spared:]
    quantile = conformal_quantile(errors[rest] / difficulty.of(middle[rest]), LEVEL)
    return Interval(space, LEVEL, quantile, difficulty, len(rest), cohort_md5)


def coverage(interval: Interval, known: Array, predicted: Array) -> float:
    """The share of known values that lie within their intervals, ends included."""
    low, high = interval.bounds(predicted)
    return float(((low <= known) & (known <= high)).mean())


def _fit_difficulty(middle: Array, errors: Array) -> Difficulty:
    """Least squares of the absolute error on the predicted value, reweighted once: errors vary most where they are large."""
    difficulty = Difficulty(least=max(_LEAST_SHARE * float(errors.mean()), 1e-9))
    for _ in range(2):
        weights = 1 / difficulty.of(middle) ** 2
        center, level = (float(np.average(of, weights=weights)) for of in (middle, errors))
        spread = float(np.average((middle - center) ** 2, weights=weights))
        slope = float(np.average((middle - center) * errors, weights=weights)) / spread if spread > 0 else 0.0
        difficulty = Difficulty(level - slope * center, slope, difficulty.least)
    return difficulty
