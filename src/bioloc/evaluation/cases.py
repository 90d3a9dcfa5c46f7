"""Predictions for every case of a cohort, and how they compare with its values and masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioloc.biomarkers.candidates import Candidates
from bioloc.cohorts.load import Cohort, ReferenceMasks
from bioloc.evaluation.agreement import confusion, metrics_of
from bioloc.evaluation.bootstrap import UNDEFINED, mean_with_interval, ratio_of_sums, resamples, with_interval
from bioloc.evaluation.overlap import lesion_detection, overlap
from bioloc.inference.maps import predict_sample, predict_samples
from bioloc.inference.native import Native, on_native_grid
from bioloc.inference.package import Package
from bioloc.tasks import Task

_AT_ONCE = 16
_OF_ONE_OR_TWO = ("mae", "rmse", "bias", "mae_log1p", "category_accuracy")
"""What one or two cases have; the correlation of two is 1 or -1, whatever they are."""
_MEANS = ("dice", "precision", "recall", "hd95_mm", "false_positive", "lesion_sensitivity", "false_positive_lesions")


def predict_cohort(package: Package, cohort: Cohort, masks: ReferenceMasks | None) -> pd.DataFrame:
    """One row per case: known and predicted value, the mask's own value, and overlap where there is a reference.

    The value column is read for the table only: blanking it changes no prediction and no mask.
    """
    rows = []
    for first in range(0, len(cohort), _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, len(cohort)))
        predicted = predict_samples(package.network, [cohort.sample(number) for number in numbers])
        rows += [_case(package, cohort, number, masks, *found) for number, found in zip(numbers, predicted, strict=True)]
    return pd.DataFrame(rows)


def predict_native(package: Package, cohort: Cohort, number: int) -> tuple[float, NDArray[np.float32], NDArray[np.bool_]]:
    """Value, (S, R, C) map inside the candidates and mask of a case on its native grid."""
    value, grid_map = predict_sample(package.network, cohort.sample(number))
    found = _native(package, cohort, number, value, grid_map, cohort.candidates(number))
    return package.calibration.corrected(found.value), found.map, found.mask


def _native(
    package: Package, cohort: Cohort, number: int, value: float, grid_map: NDArray[np.float32], candidates: Candidates
) -> Native:
    return on_native_grid(package, value, cohort.placement(number).upsample(grid_map), candidates)


def _case(
    package: Package, cohort: Cohort, number: int, masks: ReferenceMasks | None, value: float, grid_map: NDArray[np.float32]
) -> dict[str, Any]:
    row = cohort.table.iloc[number]
    candidates = cohort.candidates(number)
    native = _native(package, cohort, number, value, grid_map, candidates)
    mask = native.mask
    found: dict[str, Any] = {
        "case_id": row["case_id"],
        "patient_id": row["patient_id"],
        "split": row["split"],
        "value": float(row["value"]),
        "predicted": package.calibration.corrected(native.value),
        "mask_value": candidates.value(mask),
    }
    reference = None if masks is None else masks.mask(str(row["case_id"]), cohort.shape(number))
    if reference is None:
        return found
    counted = reference & candidates.countable
    found |= overlap(mask, counted, cohort.spacing_mm(number))
    found["false_positive"] = np.nan if counted.any() else found["mask_value"]
    return found if candidates.lesions is None else {**found, **lesion_detection(mask, reference, candidates.lesions)}


def summarise(task: Task, table: pd.DataFrame, bootstrap: int) -> dict[str, dict[str, float]]:
    """Every metric of a table of predictions, each with its interval over patients; not a number where it has no meaning."""
    draws = resamples(table["patient_id"].tolist(), bootstrap)
    known, predicted = table["value"].to_numpy(np.float64), table["predicted"].to_numpy(np.float64)
    found = {
        name: with_interval(metric, known, predicted, draws) if len(table) > 2 or name in _OF_ONE_OR_TWO else dict(UNDEFINED)
        for name, metric in metrics_of(task).items()
    }
    for name in _MEANS:
        if name in table:
            found[name] = mean_with_interval(table[name].to_numpy(np.float64), draws)
    if "lesions" in table:
        there, claimed = (table[name].fillna(0).to_numpy(np.float64) for name in ("lesions", "lesions_found"))
        found["lesion_sensitivity_pooled"] = with_interval(ratio_of_sums, there, claimed, draws)
    return found


def summary(task: Task, table: pd.DataFrame, bootstrap: int) -> dict[str, Any]:
    """`summarise` with the counts, as JSON content; with the table of categories for a task that has them."""
    found: dict[str, Any] = {
        "n_cases": len(table),
        "n_patients": int(table["patient_id"].nunique()),
        "unit": task.unit,
        "metrics": summarise(task, table, bootstrap) if len(table) else {},
    }
    if task.categories is not None:
        sides = (table[name].to_numpy(np.float64) for name in ("value", "predicted"))
        found["confusion"] = {"categories": list(task.category_names), "known_by_predicted": confusion(task, *sides)}
    return found
