"""Each check passes on a sound cohort and, with one column spoilt, fails alone and names the cases."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bioloc.errors import DataError, GateError
from bioloc.files import to_json
from bioloc.tasks import TASKS
from bioloc.validation.gate import raise_if_critical, validate

SPLITS = ("train", "val", "gate", "test")
SUMS = ["most", "total", "on_grid"]
Tables = tuple[pd.DataFrame, pd.DataFrame]


def tables(task: str = "pma", cases: int = 80) -> Tables:
    random = np.random.default_rng(1)
    number = np.arange(cases)
    total = random.uniform(150, 250, cases)
    samples = pd.DataFrame(
        {
            "case_id": [f"c{n:03d}" for n in number],
            "patient_id": [f"p{n:03d}" for n in number],
            "split": [SPLITS[n % 4] for n in number],
            "value": total * random.uniform(0.1, 0.5, cases),
            "unit": TASKS[task].unit,
            "image": [f"c{n:03d}.nii.gz" for n in number],
            "slice": None if TASKS[task].volume else 0,
            "rows": 256,
            "columns": 256,
            "increment_mm": 3.0,
            "row_mm": 1.5,
            "column_mm": 1.5,
            "hu_min": -1000,
            "hu_max": 900,
            "body_cm2": random.uniform(400, 900, cases),
        }
    )
    fraction = 0.05 if task == "cac" else 0.2
    worth = {"on_grid": total, "fraction": fraction, "unit_worth": 0.0225}
    return samples, pd.DataFrame({"case_id": samples["case_id"], "most": total, "total": total, **worth})


def check(both: Tables, task: str = "pma", docs: Path | None = None) -> dict[str, Any]:
    result = validate(TASKS[task], *both, SPLITS, docs)
    assert json.loads(to_json(result)) == result
    assert result["success"] == (not result["critical"])
    return result


def found(result: dict[str, Any], group: str) -> dict[str, list[str]]:
    return {entry["check"]: entry["rows"] for entry in result[group]}


@dataclass
class Spoilt:
    """One column changed in the rows `at`, and the checks that must notice, no others."""

    column: str
    new: Any
    critical: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    at: tuple[int, ...] = (3, 5)
    task: str = "pma"
    rows: tuple[str, ...] | None = None


CASES = [
    Spoilt("case_id", None, ("case_id_present",), at=(3,), rows=("line 5",)),
    Spoilt("case_id", "c003", ("case_id_unique",), rows=("c003",)),
    Spoilt("image", "twice.nii.gz", ("image_unique",)),
    Spoilt("image", "twice.nii.gz", ("image_unique",), task="cac"),  # a volume has no slice
    Spoilt("patient_id", "p003", ("patient_in_one_split",)),
    Spoilt("value", float("inf"), ("value_number",)),
    Spoilt("value", "many", ("value_number",)),
    Spoilt("value", -1.0, ("value_sign",)),
    Spoilt("value", 260.0, ("value_within_candidates",)),
    Spoilt("unit", "mm2", ("unit_name",)),
    Spoilt("row_mm", float("nan"), ("complete",)),
    Spoilt("row_mm", 7.0, ("row_mm",), ("square_pixels",)),
    Spoilt("column_mm", 0.1, ("column_mm",), ("square_pixels",)),
    Spoilt("row_mm", 1.6, (), ("square_pixels",)),
    Spoilt("increment_mm", 40.0, ("increment_mm",), task="cac"),
    Spoilt("rows", 20, ("image_size",)),
    Spoilt("hu_min", -100, ("hu_min",)),
    Spoilt("hu_max", 50, ("hu_max",)),
    Spoilt("hu_max", 40000, ("hu_max",), at=(7,)),
    Spoilt("fraction", 0.9, (), ("candidate_fraction",)),
    Spoilt("fraction", 0.0, ("candidates_present",), ("candidate_fraction",)),
    Spoilt("fraction", 0.0, task="cac"),
    Spoilt("on_grid", 100.0, (), ("grid_cover",)),
    Spoilt("on_grid", 100.0, ("grid_covers_most",), ("grid_cover",), at=(1, 2, 3, 5, 6)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.task}-{case.column}={case.new}x{len(case.at)}")
def test_a_spoilt_column_is_noticed_and_its_cases_are_named(case: Spoilt) -> None:
    samples, candidates = tables(case.task)
    for table in (samples, candidates):
        if case.column in table:
            table[case.column] = table[case.column].astype(object)
            table.loc[list(case.at), case.column] = case.new
    result = check((samples, candidates), case.task)
    critical, warnings = found(result, "critical"), found(result, "warnings")
    assert set(critical) == set(case.critical)
    assert set(warnings) == set(case.warnings)
    rows = list(case.rows or [f"c{n:03d}" for n in case.at])
    for names in (*critical.values(), *warnings.values()):
        assert names == rows
    if case.critical:
        with pytest.raises(GateError) as caught:
            raise_if_critical(result)
        assert all(name in str(caught.value) for name in (*case.critical, *rows, f"({len(rows)} case"))
    else:
        raise_if_critical(result)


@pytest.mark.parametrize("task", ["pma", "cac", "liver"])
def test_a_sound_cohort_passes_and_has_docs(task: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    docs = tmp_path / "docs"
    result = check(tables(task), task, docs if task == "pma" else None)
    assert result["success"]
    assert result["task"] == task
    assert result["n_cases"] == 80
    assert result["critical"] == result["warnings"] == []
    assert all(entry["success"] for entry in result["checks"])
    assert capfd.readouterr() == ("", "")
    if task == "pma":
        check(tables(task), task, docs)  # a second time: the folder is replaced
        assert (docs / "index.html").is_file()
        assert list((docs / "validations").rglob("*.html"))
        assert [path.name for path in tmp_path.iterdir()] == ["docs"]
        pages = "".join(page.read_text(encoding="utf-8") for page in docs.rglob("*.html"))
        assert str(tmp_path) not in pages


def change(both: Tables, column: str, how: Callable[[Any], Any]) -> Tables:
    table = next(table for table in both if column in table)
    table[column] = how(table[column])
    return both


@pytest.mark.parametrize("task", ["pma", "liver"])
def test_square_millimetres_in_a_column_of_cm2_are_one_failure(task: str) -> None:
    result = check(change(tables(task), "value", lambda value: value * 100), task)
    assert set(found(result, "critical")) == {"unit"}
    assert len(result["critical"][0]["rows"]) == 80
    with pytest.raises(GateError, match=r"look like mm2 in a column of cm2 \(they are about [1-5]\d(\.\d)? times") as caught:
        raise_if_critical(result)
    assert "divide by 100 or correct the unit (80 cases: c000, c001, c002, c003, c004, ...)" in str(caught.value)


def test_small_lesions_in_square_millimetres_are_noticed_by_those_that_do_not_fit() -> None:
    samples, candidates = tables("liver")
    samples["value"] = candidates["total"] * np.where(np.arange(80) % 3 == 0, 2.0, 0.5)
    assert set(found(check((samples, candidates), "liver"), "critical")) == {"unit"}


def test_values_a_hundred_times_too_small_are_a_warning() -> None:
    result = check(change(tables(), "value", lambda value: value / 200))
    assert result["success"]
    assert len(found(result, "warnings")["unit_small"]) == 80
    assert "values look 100 times too small" in result["warnings"][0]["message"]


def test_a_value_may_count_what_is_no_candidate_for_lying_in_the_skin() -> None:
    samples, candidates = tables("sfa")
    candidates["most"] += 30
    samples["value"] = candidates["total"] + 20
    assert "value_within_candidates" not in found(check((samples, candidates), "sfa"), "critical")


def test_rounding_is_no_excess() -> None:
    samples, candidates = tables()
    samples["value"] = (candidates["total"] * 1.009).round(2)
    assert "value_within_candidates" not in found(check((samples, candidates)), "critical")


def test_pictures_of_grey_levels_are_refused() -> None:
    samples, candidates = tables()
    samples.loc[[3, 5], ["hu_min", "hu_max"]] = [0, 255]
    assert found(check((samples, candidates)), "critical") == {"hu_min": ["c003", "c005"], "not_8_bit": ["c003", "c005"]}


def test_a_missing_split_is_named() -> None:
    result = check(change(tables(), "split", lambda split: split.replace("gate", "train")))
    with pytest.raises(GateError, match="no case is in split gate"):
        raise_if_critical(result)
    assert set(found(result, "critical")) == {"splits"}


def test_no_case_at_all_is_a_failure() -> None:
    samples, candidates = tables()
    assert "splits" in found(check((samples.iloc[:0], candidates.iloc[:0])), "critical")


def test_a_split_with_other_values_is_a_warning() -> None:
    samples, candidates = tables()
    samples.loc[samples["split"] == "test", "value"] += 60
    candidates[SUMS] += 100
    rows = found(check((samples, candidates)), "warnings")["value_distribution"]
    assert rows == list(samples.loc[samples["split"] == "test", "case_id"])


def test_the_same_scan_under_two_names_is_a_warning() -> None:
    samples, candidates = tables()
    samples.loc[9, "body_cm2"] = samples.loc[3, "body_cm2"]
    candidates.loc[9, SUMS] = candidates.loc[3, SUMS]
    assert found(check((samples, candidates)), "warnings") == {"same_scan": ["c003", "c009"]}


def test_candidates_of_other_cases_are_refused() -> None:
    samples, candidates = tables()
    assert found(check((samples, candidates.iloc[:-1])), "critical") == {"complete": ["c079"], "candidates_match": ["c079"]}


def test_a_table_without_a_column_is_refused() -> None:
    samples, candidates = tables()
    with pytest.raises(DataError, match=r"samples\.csv of pma has no column hu_min"):
        validate(TASKS["pma"], samples.drop(columns="hu_min"), candidates, SPLITS, None)


def test_few_patients_to_judge_by_are_a_warning_that_counts_patients_not_cases() -> None:
    samples, candidates = tables()
    gate = samples.index[samples["split"] == "gate"]
    samples.loc[gate, "patient_id"] = [f"g{number % 10}" for number in range(len(gate))]
    result = check((samples, candidates))
    assert result["success"]
    assert found(result, "warnings") == {"few_patients": list(samples.loc[gate, "case_id"])}
    message = result["warnings"][0]["message"]
    assert "(gate has 10, of 20 or more), so intervals are wide: `bioloc-cli cross-validate --task pma` " in message


def test_few_patients_in_both_splits_are_one_warning_and_few_to_train_on_are_none() -> None:
    samples, candidates = tables()
    few = pd.concat([samples[samples["split"] != split].iloc[:0] for split in SPLITS])
    for split, count in (("train", 5), ("val", 5), ("gate", 19), ("test", 8)):
        few = pd.concat([few, samples[samples["split"] == split].iloc[:count]])
    result = check((few.reset_index(drop=True), candidates.loc[few.index].reset_index(drop=True)))
    assert len(found(result, "warnings")["few_patients"]) == 27
    assert "(gate has 19 and test has 8, of 20 or more)" in result["warnings"][0]["message"]


def test_several_slices_of_one_scan_are_several_samples() -> None:
    samples, candidates = tables()
    samples.loc[[4, 8], "image"], samples.loc[[4, 8], "patient_id"], samples.loc[8, "slice"] = "same.nii.gz", "same", 1
    assert check((samples, candidates))["success"]
    samples.loc[8, "slice"] = 0
    assert found(check((samples, candidates)), "critical") == {"image_unique": ["c004", "c008"]}
