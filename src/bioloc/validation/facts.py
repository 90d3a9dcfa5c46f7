"""The table of facts that the checks look at: one row per case, from samples.csv and candidates.csv."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from bioloc.errors import DataError
from bioloc.tasks import Task

NUMBERS = ("rows", "columns", "increment_mm", "row_mm", "column_mm", "hu_min", "hu_max", "body_cm2")
CANDIDATE_NUMBERS = ("most", "total", "on_grid", "fraction", "unit_worth")
TEXTS = ("patient_id", "split", "unit", "image")
COMPARED_SPLITS = ("val", "gate", "test")
FEWEST_TO_COMPARE = 5
JUDGING_SPLITS = ("gate", "test")
"""Splits by whose patients a model is judged."""
SAME_SCAN = ("rows", "columns", "row_mm", "column_mm", "hu_min", "hu_max", "body_cm2", "total", "on_grid")


def gather(task: Task, samples: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """One row of facts per case: the columns of both tables and what is derived from them.

    `line` is the row's line in samples.csv. Infinite numbers and texts in place of numbers become missing.

    Raises:
        DataError: A table lacks a column.
    """
    for name, table, columns in (
        ("samples.csv", samples, ("case_id", *TEXTS, "slice", "value", *NUMBERS)),
        ("candidates.csv", candidates, ("case_id", *CANDIDATE_NUMBERS)),
    ):
        if missing := [column for column in columns if column not in table]:
            raise DataError(f"{name} of {task.name} has no column {', '.join(missing)}: make it again with `dvc repro`")
    facts = samples.loc[:, ["case_id", *TEXTS, "slice"]].reset_index(drop=True)
    right = candidates.reset_index(drop=True).reindex(facts.index)
    facts["line"] = facts.index + 2
    for column in ("value", *NUMBERS):
        facts[column] = _numbers(samples[column].reset_index(drop=True))
    for column in CANDIDATE_NUMBERS:
        facts[column] = _numbers(right[column])
    facts["blank"] = facts[[*TEXTS, *NUMBERS, *CANDIDATE_NUMBERS]].isna().sum(axis=1)
    names = (side["case_id"].fillna("").astype(str) for side in (facts, right))
    facts["other_case"] = (next(names) != next(names)).astype(int)
    facts["splits_of_patient"] = facts.groupby("patient_id")["split"].transform("nunique")
    patients = facts.groupby("split")["patient_id"].transform("nunique").astype(float)
    facts["patients_to_judge"] = patients.where(facts["split"].isin(JUDGING_SPLITS))
    facts["image_side"] = facts[["rows", "columns"]].min(axis=1)
    sides = facts[["row_mm", "column_mm"]]
    facts["pixel_stretch"] = sides.max(axis=1) / sides.min(axis=1).where(lambda side: side > 0) - 1
    facts["eight_bit"] = ((facts["hu_min"] >= 0) & (facts["hu_max"] <= 255)).astype(int)
    facts["grid_share"] = (facts["on_grid"] / facts["total"].where(facts["total"] > 0)).fillna(1.0)
    facts["same_scan"] = facts.duplicated(list(SAME_SCAN), keep=False).astype(int)
    _compare_with_candidates(task, facts)
    facts["like_train_p"] = _like_train(facts)
    return facts


def _numbers(column: pd.Series[Any]) -> pd.Series[float]:
    return pd.to_numeric(column, errors="coerce").astype(float).replace([np.inf, -np.inf], np.nan)


def _compare_with_candidates(task: Task, facts: pd.DataFrame) -> None:
    """Add `value_to_total`, `excess`, `square_mm` and `too_small`.

    The excess is above 1 % of what a mask may count, half a pixel, and half a mm² or point of rounding. Where a whole
    column of cm² seems to be mm², its cases are marked in `square_mm` and taken out of the excess: one cause,
    one message.
    """
    value, total = facts["value"], facts["most"]
    ratio = value / total.where(total > 0)
    excess = value - (1.01 * total + 0.5 * facts["unit_worth"] + 0.5 / task.unit_worth)
    facts["value_to_total"] = ratio
    positive = (value > 0) & (total > 0)
    in_cm2 = task.unit == "cm2" and bool(positive.any())
    typical = float(ratio[positive].median()) if in_cm2 else 0.0
    too_large = positive & (excess > 0)
    mm2 = in_cm2 and (typical > 1 or _only_fits_divided(too_large, excess, value, positive))
    facts["square_mm"] = (too_large & mm2).astype(int)
    facts["excess"] = excess.where(facts["square_mm"] == 0, 0.0)
    tiny = in_cm2 and float(value.max()) < 1 and float(total.median()) > 50
    facts["too_small"] = (positive & tiny).astype(int)


def _only_fits_divided(
    too_large: pd.Series[bool], excess: pd.Series[float], value: pd.Series[float], positive: pd.Series[bool]
) -> bool:
    """Whether a quarter of the cases or more are too large and all of them fit as mm², as small lesions do."""
    fits = (excess - 0.99 * value)[too_large] <= 0
    return bool(too_large.sum() >= max(2, 0.25 * positive.sum()) and fits.all())


def _like_train(facts: pd.DataFrame) -> pd.Series[float]:
    """For each case the Kolmogorov-Smirnov p of its split's values against the training's; 1 where not compared."""
    usable = facts[facts["value"].notna()]
    train = usable.loc[usable["split"] == "train", "value"]
    p = pd.Series(1.0, index=facts.index)
    for split in COMPARED_SPLITS:
        other = usable.loc[usable["split"] == split, "value"]
        if min(len(train), len(other)) >= FEWEST_TO_COMPARE:
            p[facts["split"] == split] = float(ks_2samp(train, other, method="asymp").pvalue)
    return p
