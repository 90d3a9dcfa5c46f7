"""Between two methods, on the same patients: the paired bootstrap of each difference, and the declared tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioloc.errors import DataError
from bioloc.evaluation.agreement import mae, metrics_of
from bioloc.evaluation.bootstrap import mean_with_interval, paired_difference, resamples
from bioloc.evaluation.significance import holm, patient_means, signed_rank_p
from bioloc.tasks import Task

TESTED = "localizer"
"""The method that the declared tests compare with every other."""
_NOT_COMPARED = ("limit_", "calibration_", "proportional_")
_SMALLER_IS_BETTER = {"absolute_error": True, "absolute_error_log1p": True, "dice": False}


def compare_pair(task: Task, one: pd.DataFrame, other: pd.DataFrame, bootstrap: int) -> dict[str, Any]:
    """Differences one - other of the main metrics.

    Raises:
        DataError: The tables are not of the same cases.
    """
    _check_same_cases(one, other)
    draws = resamples(one["patient_id"].tolist(), bootstrap)
    known = one["value"].to_numpy(np.float64)
    a, b = one["predicted"].to_numpy(np.float64), other["predicted"].to_numpy(np.float64)
    chosen = {name: metric for name, metric in metrics_of(task).items() if not name.startswith(_NOT_COMPARED)}
    found = {name: paired_difference(metric, known, a, b, draws) for name, metric in chosen.items()}
    if "dice" in one and "dice" in other:
        found["dice"] = mean_with_interval((one["dice"] - other["dice"]).to_numpy(np.float64), draws)
    return found


def declared_tests(task: Task, tables: dict[str, pd.DataFrame], bootstrap: int) -> list[dict[str, Any]]:
    """The one family of tests of a task: `TESTED` against every other method, in absolute error and in Dice.

    The error is of log(1 + value) where the task compares values so. Of each test: the mean difference one - other
    with its 95 % interval, the share of patients for whom `one` is better (half of those for whom both are equal),
    p of the signed-rank test on the patients' means, and p after Holm's correction within this family.

    Args:
        task: The biomarker.
        tables: Predictions of each method, of the same cases.
        bootstrap: Draws for the intervals.

    Raises:
        DataError: The tables are not of the same cases.
    """
    one = tables[TESTED]
    draws = resamples(one["patient_id"].tolist(), bootstrap)
    tests: list[dict[str, Any]] = []
    for name, other in tables.items():
        if name == TESTED:
            continue
        _check_same_cases(one, other)
        for outcome, mine in _outcomes(task, one).items():
            differences = mine - _outcomes(task, other).get(outcome, np.nan)
            means = patient_means(differences, one["patient_id"].tolist())
            if not len(means):  # no reference masks, so no Dice to test
                continue
            better = -means if _SMALLER_IS_BETTER[outcome] else means
            tests.append(
                {
                    "one": TESTED,
                    "other": name,
                    "outcome": outcome,
                    **mean_with_interval(differences, draws),
                    "share_better": float(((better > 0) + 0.5 * (better == 0)).mean()),
                    "n_patients": len(means),
                    "p_value": signed_rank_p(means),
                }
            )
    corrected = holm([test["p_value"] for test in tests])
    return [{**test, "p_holm": p} for test, p in zip(tests, corrected, strict=True)]


def is_better(
    known: pd.DataFrame, candidate: pd.DataFrame, champion: pd.DataFrame, bootstrap: int
) -> tuple[bool, dict[str, float]]:
    """Whether the candidate's mean absolute error is below the champion's: its paired 95 % interval excludes 0."""
    draws = resamples(known["patient_id"].tolist(), bootstrap)
    one, other = candidate["predicted"].to_numpy(np.float64), champion["predicted"].to_numpy(np.float64)
    difference = paired_difference(mae, known["value"].to_numpy(np.float64), one, other, draws)
    return difference["ci_high"] < 0, difference


def _outcomes(task: Task, table: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """What is tested, of every case."""
    known, predicted = (table[name].to_numpy(np.float64) for name in ("value", "predicted"))
    if task.loss_space == "log1p":
        found = {"absolute_error_log1p": np.abs(np.log1p(np.maximum(predicted, 0)) - np.log1p(known))}
    else:
        found = {"absolute_error": np.abs(predicted - known)}
    return {**found, "dice": table["dice"].to_numpy(np.float64)} if "dice" in table else found


def _check_same_cases(one: pd.DataFrame, other: pd.DataFrame) -> None:
    if one["case_id"].tolist() != other["case_id"].tolist():
        raise DataError("two methods were evaluated on different cases: rerun their evaluations")
