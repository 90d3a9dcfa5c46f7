"""Between two methods: the paired bootstrap of the difference, on the same patients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bioloc.errors import DataError
from bioloc.evaluation.agreement import mae, metrics_of
from bioloc.evaluation.bootstrap import mean_with_interval, paired_difference, resamples
from bioloc.tasks import Task


def compare_pair(task: Task, one: pd.DataFrame, other: pd.DataFrame, bootstrap: int) -> dict[str, Any]:
    """Differences one - other of the main metrics.

    Raises:
        DataError: The tables are not of the same cases.
    """
    if one["case_id"].tolist() != other["case_id"].tolist():
        raise DataError("two methods were evaluated on different cases: rerun their evaluations")
    draws = resamples(one["patient_id"].tolist(), bootstrap)
    known = one["value"].to_numpy(np.float64)
    a, b = one["predicted"].to_numpy(np.float64), other["predicted"].to_numpy(np.float64)
    chosen = [name for name in metrics_of(task) if not name.startswith("limit_")]
    found = {name: paired_difference(metrics_of(task)[name], known, a, b, draws) for name in chosen}
    if "dice" in one and "dice" in other:
        found["dice"] = mean_with_interval((one["dice"] - other["dice"]).to_numpy(np.float64), draws)
    return found


def is_better(
    known: pd.DataFrame, candidate: pd.DataFrame, champion: pd.DataFrame, bootstrap: int
) -> tuple[bool, dict[str, float]]:
    """Whether the candidate's mean absolute error is below the champion's: its paired 95 % interval excludes 0."""
    draws = resamples(known["patient_id"].tolist(), bootstrap)
    one, other = candidate["predicted"].to_numpy(np.float64), champion["predicted"].to_numpy(np.float64)
    difference = paired_difference(mae, known["value"].to_numpy(np.float64), one, other, draws)
    return difference["ci_high"] < 0, difference
