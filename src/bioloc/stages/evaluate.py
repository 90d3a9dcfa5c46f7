"""Stages `evaluate` and `compare`: predictions, metrics and figures; then methods beside each other."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from bioloc.cohorts.load import Cohort, ReferenceMasks
from bioloc.errors import DataError, GridError
from bioloc.evaluation.cases import predict_cohort, summary
from bioloc.evaluation.compare import compare_pair, declared_tests
from bioloc.evaluation.honesty import ROWS, honesty_rows
from bioloc.files import read_json, read_table, write_json, written_aside
from bioloc.inference.package import Package, load_package
from bioloc.inference.scan import grid_of
from bioloc.methods import METHODS, Method
from bioloc.params import Params
from bioloc.project import Project, key_of
from bioloc.reporting.figures import bland_altman, scatter
from bioloc.reporting.overlays import gallery
from bioloc.stages.left_out import reason_of
from bioloc.stages.pictures import draw_side_by_side, picture, typical_cases
from bioloc.stages.processor import settle
from bioloc.stages.train import cohort_opener
from bioloc.tasks import Task

EVALUATED = ("test", "shift")
"""Not `val`: checkpoint and threshold were chosen on it."""
GATE = "gate"
"""For promotion only: a method that cannot be champion is not evaluated on it."""
_SHOWN = ("pearson_r", "pearson_r_log1p", "category_accuracy", "mae", "ccc", "dice", "hd95_mm")
_SHOWN_SPLITS = {"test": "", "shift": "shift_"}
_COLUMNS = ["case_id", "patient_id", "split", "value", "predicted"]


def make_evaluation(project: Project, params: Params, task: Task, method: Method) -> None:
    """Stage `evaluate`: reports/evaluation/<task>/<method>/."""
    folder = project.evaluation(task.name, method.name)
    folder.mkdir(parents=True, exist_ok=True)
    reason = reason_of(project, task, method.name)
    if reason is not None:
        _say_left_out(task, method, reason, folder)
        return
    package_folder = project.model(task.name, method.name) / "package"
    package = load_package(package_folder)
    settle(params)
    evaluated = [*([GATE] if method.may_be_champion else []), *EVALUATED]
    cohort, masks = cohort_opener(project, params, task)(evaluated), ReferenceMasks(project.masks(task.name))
    table = predict_cohort(package, cohort, masks)
    with written_aside(folder / "predictions.csv") as aside:
        table.to_csv(aside, index=False, lineterminator="\n", float_format="%.6g")
    splits = {
        split: summary(task, table[table["split"] == split], params.bootstrap)
        for split in evaluated
        if (table["split"] == split).any()
    }
    content = {
        "task": task.name,
        "method": method.name,
        "title": method.title,
        "supervision": method.supervision,
        "unit": task.unit,
        "run_key": key_of(package_folder),
        "threshold": package.threshold,
        "splits": splits,
    }
    write_json(folder / "metrics.json", content)
    write_json(folder / "summary.json", _headline(splits))
    _figures(task, method, package, cohort, masks, table, folder, splits.get("test", {}).get("metrics"))


def make_comparison(project: Project, params: Params, task: Task) -> None:
    """Stage `compare`: reports/comparison/<task>.json and a picture of all methods side by side, on the test split."""
    opener, masks = cohort_opener(project, params, task), ReferenceMasks(project.masks(task.name))
    there = [name for name in METHODS if reason_of(project, task, name) is None]
    tables = {name: _predictions(project, task, name) for name in there}
    rows: dict[str, Any] = {}
    for name, table in tables.items():
        splits = read_json(project.evaluation(task.name, name) / "metrics.json")["splits"]
        rows[name] = {
            "title": METHODS[name].title,
            "kind": "method",
            "supervision": METHODS[name].supervision,
            "metrics": splits["test"]["metrics"],
            "shift": splits.get("shift", {}).get("metrics"),
            "confusion": splits["test"].get("confusion"),
        }
        rows[name]["n_cases"] = int((table["split"] == "test").sum())
    for name, table in honesty_rows(opener(["train"]), opener(["test"]), masks).items():
        rows[name] = {
            "title": ROWS[name],
            "kind": "honesty",
            "supervision": None,
            "metrics": summary(task, table, params.bootstrap)["metrics"],
            "shift": None,
        }
    test = {name: table[table["split"] == "test"].reset_index(drop=True) for name, table in tables.items()}
    pairs = [
        {"one": a, "other": b, "metrics": compare_pair(task, test[a], test[b], params.bootstrap)}
        for a, b in combinations(test, 2)
    ]
    content = {
        "task": task.name,
        "title": task.title,
        "unit": task.unit,
        "split": "test",
        "rows": rows,
        "pairs": pairs,
        "tests": declared_tests(task, test, params.bootstrap),
    }
    write_json(project.comparison(task.name), content)
    settle(params)
    draw_side_by_side(project, task, opener(["test"]), masks, test)


def _say_left_out(task: Task, method: Method, reason: str, folder: Path) -> None:
    """The outputs of an evaluation that there is no model for: no case, no number, and figures that say why."""
    nothing = pd.DataFrame(columns=_COLUMNS)
    with written_aside(folder / "predictions.csv") as aside:
        nothing.to_csv(aside, index=False, lineterminator="\n")
    write_json(folder / "metrics.json", {"task": task.name, "method": method.name, "left_out": reason, "splits": {}})
    write_json(folder / "summary.json", {})
    title = f"{task.title}, {method.title}: left out\n{reason}"
    scatter(task, nothing, title, folder / "scatter.png")
    bland_altman(task, nothing, title, folder / "bland_altman.png")
    gallery([], folder / "overlays.png")


def evaluate_split(
    project: Project, params: Params, task: Task, package_folder: Path, split: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Predictions of a package on a prepared split, and their summary.

    Raises:
        DataError: The split has no case.
        GridError: The package was trained on another grid than the cohort was prepared on.
    """
    settle(params)
    masks = ReferenceMasks(project.masks(task.name)) if (project.masks(task.name) / "masks.csv").is_file() else None
    cohort = cohort_opener(project, params, task)([split])
    if not len(cohort):
        raise DataError(f"the cohort of {task.name} has no case in the split {split}: name another with --split")
    package = load_package(package_folder)
    if (trained := grid_of(package)) != cohort.grid:
        raise GridError(
            f"{package_folder}: the model was trained on the grid {trained}, and the cohort of {task.name} was prepared on "
            f"{cohort.grid}: predict its scans with `bioloc-cli predict`, or set tasks.{task.name}.grid"
        )
    table = predict_cohort(package, cohort, masks)
    return table, summary(task, table, params.bootstrap)


def _headline(splits: dict[str, Any]) -> dict[str, float]:
    """The few numbers that `dvc metrics` shows, flat: of the test split, and after `shift_` of that one."""
    named = {f"{prefix}{name}": (split, name) for split, prefix in _SHOWN_SPLITS.items() for name in _SHOWN}
    metrics = {split: splits.get(split, {}).get("metrics", {}) for split in _SHOWN_SPLITS}
    return {key: metrics[split][name]["value"] for key, (split, name) in named.items() if name in metrics[split]}


def _predictions(project: Project, task: Task, method: str) -> pd.DataFrame:
    return read_table(project.evaluation(task.name, method) / "predictions.csv")


def _figures(
    task: Task,
    method: Method,
    package: Package,
    cohort: Cohort,
    masks: ReferenceMasks,
    table: pd.DataFrame,
    folder: Path,
    metrics: dict[str, Any] | None,
) -> None:
    test = table[table["split"] == "test"]
    scatter(task, test, f"{task.title}, {method.title}, test split", folder / "scatter.png")
    bland_altman(task, test, f"{task.title}, {method.title}, test split", folder / "bland_altman.png", metrics)
    gallery([picture(task, package, cohort, int(number), masks) for number in typical_cases(test)], folder / "overlays.png")
