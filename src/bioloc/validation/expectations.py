"""What must hold for a cohort: the checks on its table of facts, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from bioloc.tasks import Task

FEWEST_TO_JUDGE = 20
"""Our choice: with fewer, the 95 % interval of an r of 0.9 reaches down to 0.75 and lower (Fisher's z)."""


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


def checks(task: Task, facts: pd.DataFrame, needed_splits: Sequence[str]) -> list[Check]:
    """The checks of a task, in the order of the report."""
    return [*_identity(task, facts, needed_splits), _size(task, facts), *_values(task, facts), *_images(task), *_candidates(task)]


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
            "ExpectCompoundColumnsToBeUnique",
            {"column_list": ["image", "slice"], "ignore_row_if": "never"},
            "every image, or every slice of it, is there once",
            "the same image or slice is there more than once: leave one row for each in the manifest",
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


def _size(task: Task, facts: pd.DataFrame) -> Check:
    counts = facts.groupby("split")["patients_to_judge"].max()
    small = " and ".join(f"{split} has {count:.0f}" for split, count in counts.items() if count < FEWEST_TO_JUDGE)
    return _between(
        "few_patients",
        "patients_to_judge",
        f"gate and test have {FEWEST_TO_JUDGE} patients or more each",
        f"too few patients to judge a model by ({small}, of {FEWEST_TO_JUDGE} or more), so intervals are wide: "
        f"`bioloc-cli cross-validate --task {task.name}` judges by all patients of train, val and gate (docs/small-cohorts.md)",
        FEWEST_TO_JUDGE,
        None,
        severity="warning",
    )


def _values(task: Task, facts: pd.DataFrame) -> list[Check]:
    wrong = facts.loc[facts["square_mm"] == 1, "value_to_total"]
    times = f"{wrong.median():.3g}" if len(wrong) else "many"
    differing = ", ".join(sorted(set(facts.loc[facts["like_train_p"] < 0.001, "split"].astype(str))))
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
