"""What fresh cases say of a model: whether its intervals hold what they promise, and whether its test split told the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from bioloc.evaluation.agreement import metrics_of
from bioloc.evaluation.bootstrap import resamples, with_interval
from bioloc.evaluation.cases import summarise
from bioloc.prediction.known import usable
from bioloc.tasks import Task


def measure_coverage(task: Task, table: pd.DataFrame, bootstrap: int) -> dict[str, Any]:
    """How often known values lie in their intervals, as JSON content.

    The 95 % interval of the coverage is Wilson's, for independent cases; those of r and the mean error are bootstraps.

    Args:
        task: The biomarker.
        table: As `predict_known` gives it, of a package that has intervals and novelty.
        bootstrap: Resamples.

    Raises:
        DataError: Fewer than 3 cases can be predicted.
    """
    good = usable(table)
    known, predicted, low, high = (
        good[name].to_numpy(np.float64) for name in ("value", "predicted", "interval_low", "interval_high")
    )
    held = (low <= known) & (known <= high)
    flagged, draws = good["unlike_training"].astype(bool).to_numpy(), resamples(good["patient_id"].tolist(), bootstrap)
    chosen = ("pearson_r_log1p" if task.loss_space == "log1p" else "pearson_r", "mae")
    return {
        "n_cases": len(good),
        "n_failed": len(table) - len(good),
        "coverage": _share(held),
        "below": float((known < low).mean()),
        "above": float((known > high).mean()),
        "coverage_unflagged": _share(held[~flagged]),
        "mean_width": float((high - low).mean()),
        "median_width": float(np.median(high - low)),
        "flagged": _share(flagged),
        "unit": task.unit,
        **{name: with_interval(metrics_of(task)[name], known, predicted, draws) for name in chosen},
    }


def beside_test(task: Task, table: pd.DataFrame, test: dict[str, Any], bootstrap: int) -> dict[str, Any]:
    """Metrics of fresh cases beside those of the test split, as JSON content.

    A metric is `inside` where the fresh one lies within the test split's 95 % interval. The fresh one has an interval of its
    own, as wide, so it lies outside by chance more often than in one of twenty cases; `overlapping` says whether both
    intervals have a number in common.

    Args:
        task: The biomarker.
        table: As `predict_known` gives it, with masks.
        test: The test split's metrics, of metrics.json.
        bootstrap: Resamples.

    Raises:
        DataError: Fewer than 3 cases can be predicted.
    """
    found = summarise(task, usable(table), bootstrap)
    rows = {}
    for name in _shown(task):
        fresh, before = found[name], test[name]
        rows[name] = {
            "fresh": fresh,
            "test": before,
            "inside": bool(before["ci_low"] <= fresh["value"] <= before["ci_high"]),
            "overlapping": bool(before["ci_low"] <= fresh["ci_high"] and fresh["ci_low"] <= before["ci_high"]),
        }
    failed = int(table["error"].notna().sum())
    return {"n_cases": len(table) - failed, "n_failed": failed, "unit": task.unit, "metrics": rows}


def _shown(task: Task) -> tuple[str, ...]:
    return ("pearson_r_log1p", "category_accuracy", "mae", "dice") if task.categories else ("pearson_r", "mae", "dice")


def _share(true: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, float]:
    """A share with Wilson's 95 % interval; not-a-number of nothing."""
    if not len(true):
        return dict.fromkeys(("value", "ci_low", "ci_high"), np.nan)
    interval = stats.binomtest(int(true.sum()), len(true)).proportion_ci(method="wilson")
    return {"value": float(true.mean()), "ci_low": float(interval.low), "ci_high": float(interval.high)}
