"""What must hold for a cohort: one table of facts per case, and the checks on its columns. Data only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from bioloc.errors import DataError
from bioloc.tasks import Task

NUMBERS = ("rows", "columns", "increment_mm", "row_mm", "column_mm", "hu_min", "hu_max", "body_cm2")
CANDIDATE_NUMBERS = ("total", "on_grid", "fraction", "unit_worth")
TEXTS = ("patient_id", "split", "unit", "image")
COMPARED_SPLITS = ("val", "gate", "test")
FEWEST_TO_COMPARE = 5
SAME_SCAN = ("rows", "columns", "row_mm", "column_mm", "hu_min", "hu_max", "body_cm2", "total", "on_grid")


@dataclass(frozen=True)
class Check:
    """One expectation on the table of facts.

    Attributes:
        name: Key of the check in the report.
        expectation: Class in `great_expectations.expectations`.
        arguments: Its arguments.
        holds: What is true when it passes.
        broken: What is wrong and what to do when it fails.
        severity: A critical failure stops the study, a warning is reported.
    """

    name: str
    expectation: str
    arguments: dict[str, Any]
    holds: str
    broken: str
    severity: Literal["critical", "warning"] = "critical"


def gather(task: Task, samples: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """One row of facts per case: the columns of both tables and what is derived from them.

    `line` is the row's line in samples.csv. Infinite numbers and texts in place of numbers become missing.

    Raises:
        DataError: A table lacks a column.
    """
    for name, table, columns in (
        ("samples.csv", samples, ("case_id", *TEXTS, "value", *NUMBERS)),
        ("candidates.csv", candidates, ("case_id", *CANDIDATE_NUMBERS)),
    ):
        if missing := [column for column in columns if column not in table]:
            raise DataError(f"{name} of {task.name} has no column {', '.join(missing)}: make it again with `dvc repro`")
    facts = samples.loc[:, ["case_id", *TEXTS]].reset_index(drop=True)
    right = candidates.reset_index(drop=True).reindex(facts.index)
    facts["line"] = facts.index + 2
    for column in ("value", *NUMBERS):
        facts[column] = _numbers(samples[column].reset_index(drop=True))
    for column in CANDIDATE_NUMBERS:
        facts[column] = _numbers(right[column])
    facts["blank"] = facts[[*TEXTS, *NUMBERS, *CANDIDATE_NUMBERS]].isna().sum(axis=1)
    facts["other_case"] = (right["case_id"].astype(str) != facts["case_id"].astype(str)).astype(int)
    facts["splits_of_patient"] = facts.groupby("patient_id")["split"].transform("nunique")
    facts["image_side"] = facts[["rows", "columns"]].min(axis=1)
    sides = facts[["row_mm", "column_mm"]]
    facts["pixel_stretch"] = sides.max(axis=1) / sides.min(axis=1).where(lambda side: side > 0) - 1
    facts["eight_bit"] = ((facts["hu_min"] >= 0) & (facts["hu_max"] <= 255)).astype(int)
    facts["grid_share"] = (facts["on_grid"] / facts["total"].where(facts["total"] > 0)).fillna(1.0)
    facts["same_scan"] = facts.duplicated(list(SAME_SCAN), keep=False).astype(int)
    _compare_with_candidates(task, facts)
    facts["like_train_p"] = _like_train(task, facts)
    return facts


def checks(task: Task, facts: pd.DataFrame, needed_splits: Sequence[str]) -> list[Check]:
    """The checks of a task, in the order of the report."""
    return [*_identity(task, facts, needed_splits), *_values(task, facts), *_images(task), *_candidates(task)]


def _numbers(column: pd.Series[Any]) -> pd.Series[float]:
    return pd.to_numeric(column, errors="coerce").astype(float).replace([np.inf, -np.inf], np.nan)


def _compare_with_candidates(task: Task, facts: pd.DataFrame) -> None:
    """Add `value_to_total`, `excess`, `square_mm` and `too_small`.

    The excess is above 1 % of the candidates, half a pixel, and half a mm² or point of rounding. Where a whole
    column of cm² seems to be mm², its cases are marked in `square_mm` and taken out of the excess: one cause,
    one message.
    """
    value, total = facts["value"], facts["total"]
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


def _like_train(task: Task, facts: pd.DataFrame) -> pd.Series[float]:
    """For each case the Kolmogorov-Smirnov p of its split's values against the training's; 1 where not compared."""
    usable = facts[facts["value"].notna()]
    train = usable.loc[usable["split"] == "train", "value"]
    p = pd.Series(1.0, index=facts.index, name=task.name)
    for split in COMPARED_SPLITS:
        other = usable.loc[usable["split"] == split, "value"]
        if min(len(train), len(other)) >= FEWEST_TO_COMPARE:
            p[facts["split"] == split] = float(ks_2samp(train, other, method="asymp").pvalue)
    return p


def _between(name: str, column: str, holds: str, broken: str, low: float | None, high: float | None, **more: Any) -> Check:
    mostly = {"mostly": more.pop("mostly")} if "mostly" in more else {}
    arguments = {"column": column, "min_value": low, "max_value": high, **mostly}
    return Check(name, "ExpectColumnValuesToBeBetween", arguments, holds, broken, **more)


def _identity(task: Task, facts: pd.DataFrame, needed_splits: Sequence[str]) -> list[Check]:
    missing = [split for split in needed_splits if split not in set(facts["split"])]
    return [
        Check(
            "case_id_present",
            "ExpectColumnValuesToNotBeNull",
            {"column": "case_id"},
            "every case has a case_id",
            "cases have no case_id: give each case of the manifest a name",
        ),
        Check(
            "case_id_unique",
            "ExpectColumnValuesToBeUnique",
            {"column": "case_id"},
            "every case_id is there once",
            "the same case_id is there more than once: give each case of the manifest its own",
        ),
        Check(
            "image_unique",
            "ExpectColumnValuesToBeUnique",
            {"column": "image"},
            "every image is there once",
            "the same image is there more than once: leave one row per image in the manifest",
        ),
        _between(
            "same_scan",
            "same_scan",
            "no two images are alike",
            "images under different names have the same size, HU range, body and candidates: leave one of each",
            None,
            0,
            severity="warning",
        ),
        _between(
            "complete",
            "blank",
            "no cell is blank",
            "samples.csv or candidates.csv have blank cells or no finite numbers there: correct the manifest or the image",
            None,
            0,
        ),
        _between(
            "candidates_match",
            "other_case",
            "samples.csv and candidates.csv list the same cases",
            f"candidates.csv lists other cases than samples.csv: make both again with `dvc repro candidates@{task.name}`",
            None,
            0,
        ),
        _between(
            "patient_in_one_split",
            "splits_of_patient",
            "every patient is in one split",
            "patients are in more than one split, so test cases would be known from training: split by patient",
            None,
            1,
        ),
        Check(
            "splits",
            "ExpectColumnDistinctValuesToContainSet",
            {"column": "split", "value_set": list(needed_splits)},
            f"the splits {', '.join(needed_splits)} have cases",
            f"no case is in split {', '.join(missing)}: name the splits in the manifest, or leave its column out",
        ),
    ]


def _values(task: Task, facts: pd.DataFrame) -> list[Check]:
    wrong = facts.loc[facts["square_mm"] == 1, "value_to_total"]
    times = f"{wrong.median():.3g}" if len(wrong) else "many"
    differing = ", ".join(sorted({split for split in facts.loc[facts["like_train_p"] < 0.001, "split"].astype(str)}))
    return [
        Check(
            "value_number",
            "ExpectColumnValuesToNotBeNull",
            {"column": "value"},
            "every value is a finite number",
            "values are missing, infinite or no numbers: write a number into the manifest's value column",
        ),
        _between("value_sign", "value", "no value is negative", "values are negative: correct them in the manifest", 0, None),
        Check(
            "unit_name",
            "ExpectColumnValuesToBeInSet",
            {"column": "unit", "value_set": [task.unit]},
            f"every value is in {task.unit}",
            f"values are not in {task.unit}: convert them and write {task.unit} into the manifest's unit column",
        ),
        _between(
            "unit",
            "square_mm",
            f"the values have the size of {task.unit}",
            "the values look like mm2 in a column of cm2 "
            f"(they are about {times} times what the candidates can add up to): divide by 100 or correct the unit",
            None,
            0,
        ),
        _between(
            "unit_small",
            "too_small",
            "the values are not tiny beside the candidates",
            "values look 100 times too small for cm2: multiply by 100 if so",
            None,
            0,
            severity="warning",
        ),
        _between(
            "value_within_candidates",
            "excess",
            "no value is above what its candidates add up to",
            "values are above what all candidates of their image add up to: correct the value, its slice or the image's spacing",
            None,
            0,
        ),
        _between(
            "value_distribution",
            "like_train_p",
            "values are distributed alike in train and the other splits",
            f"values of {differing or 'a split'} are distributed unlike train's (Kolmogorov-Smirnov p < 0.001): split at random",
            0.001,
            None,
            severity="warning",
        ),
    ]


def _images(task: Task) -> list[Check]:
    spacing = "{} outside {} to {} mm: correct the spacing in the image's header"
    found = [
        *(
            _between(column, column, f"{column} is plausible", spacing.format(f"images have {column}", 0.2, 6), 0.2, 6)
            for column in ("row_mm", "column_mm")
        ),
        _between(
            "square_pixels",
            "pixel_stretch",
            "pixels are square",
            "images have pixels whose sides differ by more than 2 %: check the spacing in the image's header",
            None,
            0.02,
            severity="warning",
        ),
        _between(
            "image_size",
            "image_side",
            "images have 32 pixels or more a side",
            "images have fewer than 32 rows or columns: give whole axial slices, not thumbnails or another axis",
            32,
            None,
        ),
        _between(
            "hu_min",
            "hu_min",
            "images hold air or fat",
            "images have nothing below -150 HU, so no air or fat: not a CT in Hounsfield units, apply the rescale of its header",
            None,
            -150,
        ),
        _between(
            "hu_max",
            "hu_max",
            "images hold soft tissue or bone",
            "images have no number from above 50 up to 32767: not a CT in Hounsfield units, apply the rescale of its header",
            50.001,
            32767,
        ),
        _between(
            "not_8_bit",
            "eight_bit",
            "no image is a picture of grey levels",
            "images hold grey levels of 0 to 255, a picture and not a CT in Hounsfield units: convert the original again",
            None,
            0,
        ),
    ]
    if task.volume:
        broken = spacing.format("images have slices at distances", 0.3, 10)
        found.insert(2, _between("increment_mm", "increment_mm", "increment_mm is plausible", broken, 0.3, 10))
    return found


def _candidates(task: Task) -> list[Check]:
    low, high = task.plausible_fraction
    found = [
        _between(
            "candidate_fraction",
            "fraction",
            f"candidates are {low} to {high} of the image",
            f"candidates are less than {low} or more than {high} of the image: look at HU, slice and region of interest",
            low,
            high,
            severity="warning",
        ),
        _between(
            "grid_cover",
            "grid_share",
            "the working grid holds the candidates within 2 %",
            f"the working grid does not hold the candidates within 2 %: make tasks.{task.name}.grid larger in params.yaml",
            0.98,
            1.02,
            severity="warning",
        ),
        _between(
            "grid_covers_most",
            "grid_share",
            "the working grid holds 90 % of the candidates in 95 % of cases",
            f"the working grid holds less than 90 % of the candidates in more than 5 % of cases: make tasks.{task.name}.grid "
            "larger in params.yaml",
            0.9,
            None,
            mostly=0.95,
        ),
    ]
    if task.rule != "lesions":
        broken = "images have no candidate at all: look at HU, slice and region of interest"
        found.insert(0, _between("candidates_present", "fraction", "every image has candidates", broken, 1e-12, None))
    return found
