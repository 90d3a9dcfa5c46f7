"""Confidence intervals by resampling patients (Efron's percentile bootstrap)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bioloc.evaluation.agreement import Metric

_SEED = 20200701
UNDEFINED = {"value": np.nan, "ci_low": np.nan, "ci_high": np.nan}
"""A metric of cases that do not have it."""
Array = NDArray[np.float64]


def resamples(patients: Sequence[str], count: int) -> list[NDArray[np.int64]]:
    """`count` draws of as many patients as there are, each with all its cases."""
    names, inverse = np.unique(np.asarray(patients), return_inverse=True)
    rng = np.random.default_rng(_SEED)
    if len(names) == len(patients):
        return list(np.argsort(inverse)[rng.integers(0, len(names), (count, len(names)))])
    members = [np.flatnonzero(inverse == k) for k in range(len(names))]
    return [np.concatenate([members[k] for k in rng.integers(0, len(names), len(names))]) for _ in range(count)]


def with_interval(metric: Metric, known: Array, predicted: Array, draws: list[NDArray[np.int64]]) -> dict[str, float]:
    """The metric with its 95 % interval; draws in which it is not defined do not count."""
    found = _over_draws(metric, known, predicted, draws)
    found = found[np.isfinite(found)]
    low, high = np.percentile(found, [2.5, 97.5]) if len(found) else (np.nan, np.nan)
    return {"value": float(metric(known, predicted)), "ci_low": float(low), "ci_high": float(high)}


def mean_with_interval(values: Array, draws: list[NDArray[np.int64]]) -> dict[str, float]:
    """Mean of per-case numbers with its 95 % interval; not-a-number cases do not count."""
    if not np.isfinite(values).any():
        return dict(UNDEFINED)
    means = [values[draw][np.isfinite(values[draw])] for draw in draws]
    found = [part.mean() for part in means if len(part)]
    low, high = np.percentile(found, [2.5, 97.5]) if found else (np.nan, np.nan)
    return {"value": float(np.nanmean(values)), "ci_low": float(low), "ci_high": float(high)}


def ratio_of_sums(below: Array, above: Array) -> Array:
    """Sum of `above` per sum of `below`, over (..., N): a share of all parts of all cases, for `with_interval`."""
    total = below.sum(-1)
    return np.where(total > 0, above.sum(-1) / np.maximum(total, 1), np.nan)


def paired_difference(metric: Metric, known: Array, one: Array, other: Array, draws: list[NDArray[np.int64]]) -> dict[str, float]:
    """metric(one) - metric(other) on the same patients, its 95 % interval, and the two-sided p of no difference."""
    differences = _over_draws(metric, known, one, draws) - _over_draws(metric, known, other, draws)
    low, high = np.percentile(differences, [2.5, 97.5])
    tail = min((differences <= 0).mean(), (differences >= 0).mean())
    p_value = min(1.0, 2 * float(tail) + 1 / len(differences))
    return {
        "value": float(metric(known, one) - metric(known, other)),
        "ci_low": float(low),
        "ci_high": float(high),
        "p_value": p_value,
    }


def _over_draws(metric: Metric, known: Array, predicted: Array, draws: list[NDArray[np.int64]]) -> Array:
    if not draws:
        return np.zeros(0)
    if len({len(draw) for draw in draws}) == 1:
        chosen = np.stack(draws)
        return np.asarray(metric(known[chosen], predicted[chosen]))
    return np.array([float(metric(known[draw], predicted[draw])) for draw in draws])
