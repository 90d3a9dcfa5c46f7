"""How much a number changes when nothing but noise does, and what noise in the reader's numbers leaves attainable.

Terms and formulas: Bland and Altman (BMJ 1996;313:744 and 313:106) and the Quantitative Imaging Biomarkers Alliance
(Raunig et al., Stat Methods Med Res 2015;24:27-67).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bioloc.evaluation.agreement import Metric
from bioloc.evaluation.bootstrap import resamples, with_interval

Array = NDArray[np.float64]


def within_subject_sd(first: Array, second: Array) -> Array:
    """Standard deviation of repeated measurements of one subject, from (..., N) pairs: the root of mean d^2 / 2."""
    return np.asarray(np.sqrt(((first - second) ** 2).mean(-1) / 2))


def repeatability_coefficient(first: Array, second: Array) -> Array:
    """The difference that two measurements of an unchanged subject exceed in 5 % of cases: 1.96 * sqrt(2) * SD."""
    return np.asarray(1.96 * np.sqrt(2) * within_subject_sd(first, second))


def within_subject_cv(first: Array, second: Array) -> Array:
    """Coefficient of variation within subjects, by root mean square; pairs whose mean is not above 0 do not count."""
    means = (first + second) / 2
    there = means > 0
    squares = np.where(there, (first - second) ** 2 / 2 / np.where(there, means, 1) ** 2, 0)
    counts = there.sum(-1)
    return np.where(counts > 0, np.sqrt(squares.sum(-1) / np.maximum(counts, 1)), np.nan)


METRICS: dict[str, Metric] = {
    "within_subject_sd": within_subject_sd,
    "repeatability_coefficient": repeatability_coefficient,
    "within_subject_cv": within_subject_cv,
}


def repeatability(first: Array, second: Array, patients: Sequence[str], bootstrap: int) -> dict[str, dict[str, float]]:
    """Each of `METRICS` with its 95 % interval over patients.

    Args:
        first: (N,) values of every subject.
        second: (N,) values of the same subjects, imaged again with other noise.
        patients: Whose they are.
        bootstrap: Draws for the intervals.
    """
    draws = resamples(patients, bootstrap)
    return {name: with_interval(metric, first, second, draws) for name, metric in METRICS.items()}


def highest_correlation(values: Array, relative_error: float) -> float:
    """The Pearson r with a reader that even a perfect method cannot exceed (attenuation; Spearman, 1904).

    A reader's value is taken as v * (1 + e), with e of mean 0 and this standard deviation, independent of v. Then the
    share of the reader's variance that is not noise is var(v) / (var(v) + e^2 * mean(v^2)), and r is at most its root.

    Args:
        values: (N,) values free of error, such as phantoms'.
        relative_error: Standard deviation of the reader's error as a share of the value; 0.1 is 10 %.

    Returns:
        0 where the values do not vary.
    """
    spread = float(values.var())
    if spread == 0:
        return 0.0
    return float(np.sqrt(spread / (spread + relative_error**2 * float((values**2).mean()))))
