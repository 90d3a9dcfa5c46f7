"""Stages of the study grid: one row, a task and a method with one thing changed, trained and evaluated; one small JSON."""

from __future__ import annotations

import datetime
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bioloc.cohorts.load import Opener, ReferenceMasks
from bioloc.errors import DataError, UsageError
from bioloc.evaluation.cases import predict_cohort, summary
from bioloc.files import read_json, write_json
from bioloc.inference.package import Package, load_package
from bioloc.methods import Method
from bioloc.params import Params
from bioloc.project import Project
from bioloc.stages.commit import git_commit
from bioloc.stages.left_out import why_not
from bioloc.stages.processor import settle
from bioloc.stages.study_cohorts import varied_opener
from bioloc.stages.study_regions import cohort_with_regions, dice_whole
from bioloc.stages.study_variants import RegionChange, Variant, varied
from bioloc.stages.train import cohort_opener, environment, sound_data
from bioloc.tasks import Task

SPLITS = ["test", "shift"]
_NO_INTERVALS = 0
Metrics = dict[str, float]


def make_row(
    project: Project,
    params: Params,
    task: Task,
    method: Method,
    name: str,
    variant: Variant,
    output: Path,
    as_trained: bool = False,
) -> None:
    """Make one row of the grid and write it to `output`; a killed training goes on from its last check.

    Its metrics are those of `evaluate` on the test split, without intervals; those of the shift split are prefixed `shift_`.

    Args:
        project: Where things are.
        params: All parameters.
        task: The biomarker.
        method: The method.
        name: The variant's name.
        variant: What is changed.
        output: The row's file.
        as_trained: Take the model that the stage `train` made; only for a variant that leaves params.yaml as it is.

    Raises:
        ParameterError: The variant sets what params.yaml does not have.
        UsageError: The variant has no meaning for this task, or `as_trained` is asked for one that changes something.
        GateError: The data validation had a critical failure.
        DataError: A stage before this one has not run, or the cohort cannot train the method.
    """
    begun = time.perf_counter()
    settle(params)
    changed = varied(params, task, variant)
    reason = why_not(project, task, method)
    if reason is not None:
        raise DataError(f"{task.name} has no row of {method.name}: {reason}")
    default = variant.changes_training_only and changed == params
    if as_trained and not default:
        raise UsageError(
            f"variant {name} is not what params.yaml has, so the stage `train` did not make it: leave out --as-trained"
        )
    if as_trained:
        found = _as_trained(project, params, task, method, begun)
    elif variant.region is None:
        found = _trained(project, params, changed, task, method, name, variant)
    else:
        found = _with_wrong_regions(project, params, task, method, variant.region)
    row = {
        "study": variant.study,
        "task": task.name,
        "method": method.name,
        "variant": name,
        "x": variant.x,
        "seed": changed.seed,
        "seconds": round(time.perf_counter() - begun, 1),
        "default": default,
        "changes": variant.model_dump(mode="json", exclude_defaults=True, exclude={"study"}),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(_outermost(project).root),
        "machine": environment(params),
        **found,
    }
    write_json(output, row)


def _outermost(project: Project) -> Project:
    """The repository around a study of another size that lies within it: the code is there."""
    try:
        return _outermost(Project.find(project.root.parent))
    except UsageError:
        return project


def _trained(
    project: Project, params: Params, changed: Params, task: Task, method: Method, name: str, variant: Variant
) -> dict[str, Any]:
    from bioloc.training.train import train

    facts = sound_data(project, task)
    facts["variant"] = variant.model_dump(mode="json")  # a checkpoint of another variant is not picked up
    opener, masks = varied_opener(project, params, task, variant), ReferenceMasks(project.masks(task.name))
    checkpoint = project.state / "checkpoints" / f"study-{task.name}-{method.name}-{name}"
    trained = train(task, method, changed, opener, masks if method.supervision == "mask" else None, checkpoint, facts)
    found = _measured(project, task, trained.package, opener, trained.best)
    shutil.rmtree(checkpoint, ignore_errors=True)
    return found


def _as_trained(project: Project, params: Params, task: Task, method: Method, begun: float) -> dict[str, Any]:
    """As `_trained` would find it, of the package that is there: time, commit and machine are its training's."""
    folder, opener = project.model(task.name, method.name), cohort_opener(project, params, task)
    run = read_json(folder / "run.json")
    return {
        **_measured(project, task, load_package(folder / "package"), opener, run["best"]),
        "seconds": round(run["seconds"] + time.perf_counter() - begun, 1),
        "git_commit": run["git_commit"],
        "machine": run["environment"],
    }


def _measured(project: Project, task: Task, package: Package, opener: Opener, best: dict[str, Any]) -> dict[str, Any]:
    table = predict_cohort(package, opener(SPLITS), ReferenceMasks(project.masks(task.name)))
    return {
        "metrics": _metrics(task, table),
        "train_patients": int(opener(["train"]).table["patient_id"].nunique()),
        "val_value_error": best["val_value_error"],
        "threshold": package.threshold,
    }


def _with_wrong_regions(project: Project, params: Params, task: Task, method: Method, change: RegionChange) -> dict[str, Any]:
    package, masks = load_package(project.model(task.name, method.name) / "package"), ReferenceMasks(project.masks(task.name))
    project.state.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=project.state) as folder:
        cohort = cohort_with_regions(project, params, task, change, SPLITS, Path(folder))
        table = predict_cohort(package, cohort, masks)
        if "precision" in table:
            table["dice_whole"] = dice_whole(table, cohort, masks)
    return {"metrics": _metrics(task, table), "threshold": package.threshold}


def _metrics(task: Task, table: pd.DataFrame) -> Metrics:
    """Metrics of the test split as they are called, those of the shift split prefixed."""
    found: Metrics = {}
    for split, prefix in (("test", ""), ("shift", "shift_")):
        part = table[table["split"] == split]
        content = summary(task, part, _NO_INTERVALS)
        found |= {f"{prefix}{name}": float(metric["value"]) for name, metric in content["metrics"].items()}
        found[f"{prefix}n_cases"] = len(part)
        if "dice_whole" in part and np.isfinite(part["dice_whole"]).any():
            found[f"{prefix}dice_whole"] = float(np.nanmean(part["dice_whole"]))
    return found
