"""Agreement of predicted with known values. Every function takes (..., N) arrays and works on the last axis."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bioloc.tasks import Task

Array = NDArray[np.float64]
Metric = Callable[[Array, Array], Array]


def pearson_r(known: Array, predicted: Array) -> Array:
    """Pearson's correlation; 0 where one side does not vary."""
    a, b = _centered(known), _centered(predicted)
    below = np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    r = np.clip((a * b).sum(-1) / np.maximum(below, 1e-12), -1, 1)  # rounding leads out of it
    return np.where(below > 1e-12, r, 0.0)


def pearson_r_log1p(known: Array, predicted: Array) -> Array:
    """Pearson's correlation of log(1 + value): raw r of heavy-tailed scores hangs on a few cases."""
    return pearson_r(np.log1p(known), np.log1p(np.maximum(predicted, 0)))


def spearman(known: Array, predicted: Array) -> Array:
    """Spearman's rank correlation, ties at their mean rank."""
    return pearson_r(stats.rankdata(known, axis=-1), stats.rankdata(predicted, axis=-1))


def mae(known: Array, predicted: Array) -> Array:
    """Mean absolute error."""
    return np.asarray(np.abs(predicted - known).mean(-1))


def mae_log1p(known: Array, predicted: Array) -> Array:
    """Mean absolute error of log(1 + value): a ratio of scores, so a light case weighs as much as a heavy one."""
    return mae(np.log1p(known), np.log1p(np.maximum(predicted, 0)))


def rmse(known: Array, predicted: Array) -> Array:
    """Root of the mean squared error."""
    return np.asarray(np.sqrt(((predicted - known) ** 2).mean(-1)))


def bias(known: Array, predicted: Array) -> Array:
    """Mean of predicted - known (Bland and Altman, 1986)."""
    return np.asarray((predicted - known).mean(-1))


def limit_low(known: Array, predicted: Array) -> Array:
    """Lower 95 % limit of agreement (Bland and Altman, 1986)."""
    return np.asarray(bias(known, predicted) - 1.96 * (predicted - known).std(-1, ddof=1))


def limit_high(known: Array, predicted: Array) -> Array:
    """Upper 95 % limit of agreement (Bland and Altman, 1986)."""
    return np.asarray(bias(known, predicted) + 1.96 * (predicted - known).std(-1, ddof=1))


def proportional_bias(known: Array, predicted: Array) -> Array:
    """Correlation of the difference with the mean (Bland and Altman, 1986); above 0 where high values are exaggerated.

    It is 0 just where known and predicted values have the same variance (Pitman, 1939).
    """
    return pearson_r((known + predicted) / 2, predicted - known)


def calibration_slope(known: Array, predicted: Array) -> Array:
    """Slope of known on predicted values by ordinary least squares; below 1, predictions are too extreme.

    Predictions are the regressor: the question is what to expect of the known value, given what was predicted
    (Steyerberg, Clinical Prediction Models, 2009). Not a number where the predictions do not vary.
    """
    a, b = _centered(known), _centered(predicted)
    below = (b**2).sum(-1)
    return np.where(below > 1e-12, (a * b).sum(-1) / np.maximum(below, 1e-12), np.nan)


def calibration_intercept(known: Array, predicted: Array) -> Array:
    """Intercept of the line of `calibration_slope`: the known value to expect where 0 is predicted."""
    return np.asarray(known.mean(-1) - calibration_slope(known, predicted) * predicted.mean(-1))


def ccc(known: Array, predicted: Array) -> Array:
    """Concordance (Lin, 1989)."""
    a, b = _centered(known), _centered(predicted)
    below = (a**2).mean(-1) + (b**2).mean(-1) + (known.mean(-1) - predicted.mean(-1)) ** 2
    return np.asarray(2 * (a * b).mean(-1) / np.maximum(below, 1e-12))


def icc(known: Array, predicted: Array) -> Array:
    """ICC(2,1): two-way random effects, absolute agreement, single measurement (Shrout and Fleiss, 1979)."""
    n = known.shape[-1]
    both = np.stack([known, predicted], axis=-1)
    grand = both.mean((-2, -1))
    rows = 2 * ((both.mean(-1) - grand[..., None]) ** 2).sum(-1) / (n - 1)
    columns = n * ((both.mean(-2) - grand[..., None]) ** 2).sum(-1)
    total = ((both - grand[..., None, None]) ** 2).sum((-2, -1))
    error = (total - rows * (n - 1) - columns) / (n - 1)
    below = rows + error + 2 * (columns - error) / n
    return np.where(np.abs(below) > 1e-12, (rows - error) / np.where(np.abs(below) > 1e-12, below, 1), 0.0)


def category_accuracy(task: Task) -> Metric:
    """Share of cases in the right risk category."""

    def metric(known: Array, predicted: Array) -> Array:
        return np.asarray((categories(task, known) == categories(task, predicted)).mean(-1))

    return metric


def weighted_kappa(task: Task) -> Metric:
    """Cohen's kappa of the risk categories with linear weights (Cohen, 1968)."""
    count = len(task.category_names)

    def metric(known: Array, predicted: Array) -> Array:
        a, b = categories(task, known), categories(task, predicted)
        observed = np.abs(a - b).mean(-1)
        shares = [np.stack([(side == k).mean(-1) for k in range(count)], axis=-1) for side in (a, b)]
        distance = np.abs(np.arange(count)[:, None] - np.arange(count)[None, :])
        expected = np.einsum("...i,ij,...j->...", shares[0], distance, shares[1])
        return np.where(expected > 0, 1 - observed / np.where(expected > 0, expected, 1), 1.0)

    return metric


def categories(task: Task, values: Array) -> NDArray[np.int64]:
    """Risk category numbers."""
    return np.asarray(np.searchsorted(np.asarray(task.categories or ()), values, side="left"), np.int64)


def confusion(task: Task, known: Array, predicted: Array) -> list[list[int]]:
    """How many cases of each known category (row) were predicted in each category (column)."""
    table = np.zeros((len(task.category_names),) * 2, np.int64)
    np.add.at(table, (categories(task, known), categories(task, predicted)), 1)
    return table.tolist()


def metrics_of(task: Task) -> dict[str, Metric]:
    """The metrics that a task is reported with, by name."""
    found: dict[str, Metric] = {
        "pearson_r": pearson_r,
        "mae": mae,
        "rmse": rmse,
        "ccc": ccc,
        "icc": icc,
        "bias": bias,
        "limit_low": limit_low,
        "limit_high": limit_high,
        "proportional_bias": proportional_bias,
        "calibration_slope": calibration_slope,
        "calibration_intercept": calibration_intercept,
        "spearman": spearman,
    }
    if task.loss_space == "log1p":
        found |= {"pearson_r_log1p": pearson_r_log1p, "mae_log1p": mae_log1p}
    if task.categories is not None:
        found |= {"category_accuracy": category_accuracy(task), "weighted_kappa": weighted_kappa(task)}
    return found


def _centered(values: Array) -> Array:
    """Values less their mean; 0 where all are equal, whose mean may be another number by rounding."""
    return np.where(np.ptp(values, axis=-1, keepdims=True) > 0, values - values.mean(-1, keepdims=True), 0.0)
