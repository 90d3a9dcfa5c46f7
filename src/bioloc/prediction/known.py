"""A manifest's cases predicted in several processes, as `predict` does, beside what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bioloc.calibration import Uncertainty
from bioloc.cohorts.manifest import Case, read_manifest
from bioloc.cohorts.workers import for_each
from bioloc.ct.read import labels_in, read_mask
from bioloc.errors import DataError
from bioloc.evaluation.overlap import overlap
from bioloc.inference.package import Package, load_package
from bioloc.inference.scan import Prediction
from bioloc.prediction.batch import predicted
from bioloc.prediction.calibrate import Predicted
from bioloc.prediction.case import Opened
from bioloc.prediction.requests import Request, requests

_LEAST = 3
_package: Callable[[Path], Package] = cache(load_package)
"""A process loads a package once."""


def predict_known(folder: Path, manifest: Path, workers: int, masks: bool = False) -> pd.DataFrame:
    """One row per case; nothing is written.

    Args:
        folder: The package.
        manifest: Cases with known values, all splits of it.
        workers: Processes.
        masks: Compare with the reference masks too, where there are some.

    Returns:
        case_id, patient_id, value (known), predicted, interval_low, interval_high, novelty, unlike_training, features
        (a list), error (None, or why the others are empty), and with `masks` what `evaluation.overlap` gives.

    Raises:
        ManifestError: The manifest cannot be used.
        RegistryError: The package cannot.
    """
    task = _package(folder).network.task
    cases = read_manifest(manifest, task)
    items = list(zip(requests([manifest], None, None, task), cases, strict=True))
    return pd.DataFrame(for_each(partial(_row, folder=folder, masks=masks), items, workers, f"predict {task.name}"))


def usable(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `predict_known` that have a prediction.

    Raises:
        DataError: Too few of them to measure anything.
    """
    good = table[table["error"].isna()]
    if len(good) < _LEAST:
        failed = table[table["error"].notna()]
        first = f" (the first that failed is {failed.iloc[0]['case_id']}: {failed.iloc[0]['error']})" if len(failed) else ""
        raise DataError(
            f"{len(good)} of {len(table)} cases can be predicted, and measures need at least {_LEAST}: add cases{first}"
        )
    return good


def as_cases(table: pd.DataFrame) -> Predicted:
    """The same rows as `prediction.calibrate` takes them."""
    failed, good = table[table["error"].notna()], table[table["error"].isna()]
    known, values = (good[name].to_numpy(np.float64) for name in ("value", "predicted"))
    features = np.array(good["features"].tolist(), np.float64)
    return Predicted(known, values, features, dict(zip(failed["case_id"], failed["error"], strict=True)))


def _row(item: tuple[Request, Case], folder: Path, masks: bool) -> dict[str, Any]:
    request, case = item
    ((_, opened, network),) = predicted(_package(folder), [request], force=False)
    value = np.nan if case.value is None else case.value
    row = {"case_id": case.case_id, "patient_id": case.patient_id, "value": value, "error": network.failure}
    if network.failure is not None:
        return row | {"predicted": np.nan, **Uncertainty().row(), "features": None}
    prediction: Prediction = network.result
    row |= {"predicted": prediction.value, **prediction.uncertainty.row(), "features": prediction.features.tolist()}
    return {**row, **_overlap(case, opened.result, prediction)} if masks and case.mask is not None else row


def _overlap(case: Case, opened: Opened, prediction: Prediction) -> dict[str, float]:
    """As the stage `evaluate` measures it: against what of the reference is candidates."""
    if case.mask is None:
        raise ValueError("only of cases with a mask")
    reference = labels_in(read_mask(case.mask, opened.ct), case.mask_labels)
    if opened.place.slice_number is not None:
        reference = reference[opened.place.slice_number : opened.place.slice_number + 1]
    return overlap(prediction.mask, reference & prediction.candidates.mask, opened.scan.spacing_mm)
