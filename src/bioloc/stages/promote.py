"""Stage `promote`: absolute gates, then the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from bioloc.errors import DataError
from bioloc.files import read_json, read_table, write_json
from bioloc.methods import METHODS, Method
from bioloc.params import Params
from bioloc.project import Project, key_of
from bioloc.stages.evaluate import GATE, evaluate_split
from bioloc.tasks import Task
from bioloc.tracking.registry import promote
from bioloc.tracking.runs import record_run

DEFAULT_METHOD = "localizer"
_NOT_MEASURED = "not measured"


def make_promotion(project: Project, params: Params, task: Task, method: Method) -> dict[str, Any]:
    """Stage `promote`: gates, then the registry; reports/registry/<task>.json."""
    for name in METHODS:
        folder = project.model(task.name, name)
        if (folder / "run.json").is_file() and (folder / "package").is_dir():  # git brings a clone the first alone
            record_run(project.root, task.name, name)
    gates = check_gates(project, params, task, method)
    decision = promote(
        project.root, task.name, method.name, gates, lambda folder: _on_gate(project, params, task, folder), params.bootstrap
    )
    write_json(project.promotion(task.name), decision)
    return decision


def check_gates(project: Project, params: Params, task: Task, method: Method) -> list[dict[str, Any]]:
    """The absolute gates, on the gate split: {"gate", "passed", "detail"} each.

    Raises:
        DataError: The method was not evaluated, or another model of it was.
    """
    metrics_path = project.evaluation(task.name, method.name) / "metrics.json"
    if not metrics_path.is_file():
        raise DataError(f"{metrics_path} is missing: run `dvc repro evaluate@{task.name}-{method.name}` first")
    wanted, evaluation = params.task(task.name).gates, read_json(metrics_path)
    if evaluation.get("run_key") != key_of(project.model(task.name, method.name) / "package"):
        raise DataError(
            f"{metrics_path} is of another model than the present one: run `dvc repro evaluate@{task.name}-{method.name}` first"
        )
    metrics = evaluation["splits"].get(GATE, {}).get("metrics", {})
    validation = project.validation(task.name)
    valid = validation.is_file() and bool(read_json(validation)["success"])
    reached = metrics.get(wanted.metric, {}).get("value")
    gates = [
        {
            "gate": "data validation",
            "passed": valid,
            "detail": "no critical failure" if valid else f"critical failure, see {validation.name}",
        },
        {"gate": "supervision", "passed": method.supervision == "value", "detail": f"trained on {method.supervision}s"},
        {"gate": "localization", "passed": method.output == "map", "detail": f"its network gives a {method.output}"},
        {
            "gate": f"{wanted.metric} >= {wanted.minimum}",
            "passed": reached is not None and reached >= wanted.minimum,
            "detail": _NOT_MEASURED if reached is None else f"{reached:.4f} on the gate split",
        },
    ]
    if wanted.mae_below_mean_row:
        gates.append(_better_than_mean(project, task, metrics))
    return gates


def _on_gate(project: Project, params: Params, task: Task, package: Path) -> pd.DataFrame:
    return evaluate_split(project, params, task, package, GATE)[0]


def _better_than_mean(project: Project, task: Task, metrics: dict[str, Any]) -> dict[str, Any]:
    samples = read_table(project.cohort(task.name) / "samples.csv")
    mean = samples.loc[samples["split"] == "train", "value"].mean()
    trivial = float((samples.loc[samples["split"] == GATE, "value"] - mean).abs().mean())
    reached = metrics.get("mae", {}).get("value")
    return {
        "gate": "mae below the training mean's",
        "passed": reached is not None and reached < trivial,
        "detail": _NOT_MEASURED if reached is None else f"{reached:.4g} against {trivial:.4g} {task.unit} on the gate split",
    }
