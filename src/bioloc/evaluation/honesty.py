"""Rows that keep the table honest: what needs no network, and what the working grid allows at best."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from bioloc.cohorts.load import Cohort, ReferenceMasks
from bioloc.evaluation.overlap import overlap

ROWS = {
    "training-mean": "mean of the training values",
    "linear": "linear model on body area and candidate sum",
    "all-candidates": "all candidates times one fitted scalar",
    "oracle": "reference mask on the working grid",
}
ORACLE_THRESHOLD = 0.5


def honesty_rows(train: Cohort, test: Cohort, masks: ReferenceMasks | None) -> dict[str, pd.DataFrame]:
    """Tables of predictions in the form of `predict_cohort`'s, by name; the oracle only of cases with a mask."""
    predicted = {
        "training-mean": np.full(len(test), train.values.mean()),
        "linear": _linear(train, test),
        "all-candidates": _scaled(train, test),
    }
    found = {name: _table(test, values) for name, values in predicted.items()}
    if masks is not None:
        cases = [_oracle(test, number, masks) for number in range(len(test))]
        found["all-candidates"] = found["all-candidates"].assign(dice=[case["dice_all"] for case in cases])
        oracle = _table(test, np.array([case["value"] for case in cases]))
        oracle = oracle.assign(dice=[case["dice"] for case in cases]).dropna(subset="predicted", ignore_index=True)
        if len(oracle):
            found["oracle"] = oracle
    return found


def _table(cohort: Cohort, predicted: NDArray[np.float64]) -> pd.DataFrame:
    return cohort.table[["case_id", "patient_id", "split", "value"]].assign(predicted=predicted)


def _linear(train: Cohort, test: Cohort) -> NDArray[np.float64]:
    features = ["body_cm2", "total"]
    model = LinearRegression().fit(train.table[features].to_numpy(), train.values)
    return np.asarray(np.maximum(model.predict(test.table[features].to_numpy()), 0))


def _scaled(train: Cohort, test: Cohort) -> NDArray[np.float64]:
    sums = train.table["total"].to_numpy(np.float64)
    scalar = float((sums * train.values).sum() / max(float((sums**2).sum()), 1e-12))
    return scalar * test.table["total"].to_numpy(np.float64)


def _oracle(cohort: Cohort, number: int, masks: ReferenceMasks) -> dict[str, float]:
    """The best that the working grid allows: the reference pooled to a share per grid pixel, then used as a map."""
    candidates, placement, spacing = cohort.candidates(number), cohort.placement(number), cohort.spacing_mm(number)
    reference = masks.mask(str(cohort.table.iloc[number]["case_id"]), cohort.shape(number))
    if reference is None:
        return {"value": np.nan, "dice": np.nan, "dice_all": np.nan}
    worth = cohort.sample(number).worth
    held = placement.pool_worth(np.where(reference, candidates.factor, 0) * np.float32(candidates.unit_worth))
    share = np.divide(held, worth, out=np.zeros_like(held), where=worth > 1e-9)
    mask = candidates.mask & (placement.upsample(share) > ORACLE_THRESHOLD)
    counted = reference & candidates.countable
    return {
        "value": float((worth * np.clip(share, 0, 1)).sum(dtype=np.float64)),
        "dice": overlap(mask, counted, spacing)["dice"],
        "dice_all": overlap(candidates.mask, counted, spacing)["dice"],
    }
