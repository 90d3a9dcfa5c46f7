"""A correction of the value for a local scanner: a straight line through few cases, kept only if it helps."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

from bioloc.calibration.conformal import Array, Space, folds, from_space, to_space
from bioloc.errors import RegistryError
from bioloc.tasks import Task

FORMAT = "bioloc-line-1"
_MOST_FOLDS = 100
"""Up to so many cases each is left out alone."""


@dataclass(frozen=True)
class Line:
    """A monotone map of the value.

    Attributes:
        space: The line is straight for values as they are, or for log(1 + value).
        slope: Of the line; above 0.
        intercept: Of the line, in that space.
        cases: How many cases it was fitted on.
        cohort_md5: Digest of the cohort that they are of.
        error_before: Their mean absolute error without it, in that space.
        error_after: The same with lines that were each fitted without the case.
    """

    space: Space
    slope: float
    intercept: float
    cases: int
    cohort_md5: str | None
    error_before: float
    error_after: float

    def of(self, values: Array) -> Array:
        """(N,) corrected values, never below 0; 0 stays 0: where nothing is seen there is nothing to scale."""
        return _corrected(self.space, self.slope, self.intercept, values)

    def to_dict(self) -> dict[str, Any]:
        """The line as JSON content."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Line:
        """The line that `to_dict` gave.

        Raises:
            RegistryError: It is of another format.
        """
        rest = dict(content)
        if rest.pop("format", None) != FORMAT:
            raise RegistryError(f"the recalibration is of format '{content.get('format')}', this version reads '{FORMAT}'")
        return cls(**rest)


@dataclass(frozen=True)
class Trial:
    """A line with what speaks for it.

    Attributes:
        line: Fitted on all cases.
        held_out: (N,) each case's value, corrected by a line that was fitted without it.
        kept: Whether the line rises, and lowers the error of cases that it was not fitted on.
    """

    line: Line
    held_out: Array
    kept: bool


def try_line(task: Task, known: Array, predicted: Array, cohort_md5: str | None) -> Trial:
    """Fit a line from predicted to known values, and measure it on cases left out in turn.

    The fit is Theil's and Sen's, the median of the slopes between all pairs: up to 29 % of the cases may be
    far off (Sen, J Am Stat Assoc 63:1379, 1968). Cases whose predicted value is 0 take no part, since no line changes them.

    Args:
        task: The biomarker.
        known: (N,) known values, in the task's unit.
        predicted: (N,) predicted values, uncorrected.
        cohort_md5: Digest of the cohort.
    """
    space = task.loss_space
    seen = np.flatnonzero(predicted > 0)
    x, y = to_space(space, predicted[seen]), to_space(space, known[seen])
    held_out = predicted.astype(np.float64)
    for fold in folds(len(seen), _MOST_FOLDS):
        rest = np.setdiff1d(np.arange(len(seen)), fold)
        held_out[seen[fold]] = _corrected(space, *_theil_sen(x[rest], y[rest]), predicted[seen[fold]])
    slope, intercept = _theil_sen(x, y)
    before, after = (float(np.abs(to_space(space, values[seen]) - y).mean()) for values in (predicted, held_out))
    return Trial(Line(space, slope, intercept, len(seen), cohort_md5, before, after), held_out, slope > 0 and after < before)


def _theil_sen(x: Array, y: Array) -> tuple[float, float]:
    """Slope and intercept; where all x are the same, only a shift."""
    if np.ptp(x) == 0:
        return 1.0, float(np.median(y - x))
    slope = float(stats.theilslopes(y, x).slope)
    return slope, float(np.median(y - slope * x))


def _corrected(space: Space, slope: float, intercept: float, values: Array) -> Array:
    return np.where(values > 0, from_space(space, slope * to_space(space, values) + intercept), values)
