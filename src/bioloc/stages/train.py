"""Stage `train`: models/<task>/<method>/ with package, run.json and history.csv."""

from __future__ import annotations

import datetime
import os
import platform
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bioloc.cohorts.load import Cohort, Opener, ReferenceMasks
from bioloc.errors import DataError, GateError
from bioloc.files import md5, read_json, read_table, write_json, written_aside
from bioloc.methods import Method
from bioloc.params import Params
from bioloc.project import Project, key_of
from bioloc.stages.commit import git_commit
from bioloc.stages.left_out import leave_out, why_not
from bioloc.stages.processor import settle
from bioloc.tasks import Task

if TYPE_CHECKING:
    from bioloc.training.start import Start

_TOLERANCES = {"same machine and thread count": "bit-equal", "other machine": "metrics within their confidence intervals"}


def make_model(project: Project, params: Params, task: Task, method: Method, start: Start | None = None) -> str | None:
    """Train and record; a killed training goes on from its last check.

    Args:
        project: Where things are.
        params: All parameters.
        task: The biomarker.
        method: The method.
        start: The model whose weights are the first ones.

    Returns:
        Why the cohort cannot train this method, where it is left out (`bioloc.stages.left_out`); None after a training.

    Raises:
        GateError: The data validation had a critical failure.
        DataError: A stage before this one has not run.
        UsageError: The model to start from does not fit.
    """
    from bioloc.inference.package import save_package
    from bioloc.training.train import train

    begun = time.perf_counter()
    settle(params)
    data = sound_data(project, task)
    reason = why_not(project, task, method)
    if reason is not None:
        leave_out(project, task, method, reason)
        return reason
    folder = project.model(task.name, method.name)
    checkpoint = project.state / "checkpoints" / f"{task.name}-{method.name}"
    masks = ReferenceMasks(project.masks(task.name)) if method.supervision == "mask" else None
    trained = train(task, method, params, cohort_opener(project, params, task), masks, checkpoint, data, start)
    save_package(trained.package, folder / "package")
    with written_aside(folder / "history.csv") as aside:
        pd.DataFrame(trained.history).to_csv(aside, index=False, lineterminator="\n")
    record = {
        "run_key": key_of(folder / "package"),
        "task": task.name,
        "method": method.name,
        "supervision": method.supervision,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(project.root),
        "seconds": round(time.perf_counter() - begun, 1),
        "params": {
            "seed": params.seed,
            "threads": params.threads,
            "precision": params.precision,
            **params.task(task.name).model_dump(mode="json"),
        },
        "data": data,
        "started_from": None if start is None else start.facts,
        "best": trained.best,
        "threshold": trained.package.threshold,
        "environment": environment(params),
    }
    write_json(folder / "run.json", record)
    shutil.rmtree(checkpoint, ignore_errors=True)
    return None


def cohort_opener(project: Project, params: Params, task: Task) -> Opener:
    """Opens splits of the task's prepared cohort."""
    return lambda splits: Cohort(
        task, params.task(task.name).grid, project.cohort(task.name), project.candidates(task.name), splits
    )


def sound_data(project: Project, task: Task) -> dict[str, Any]:
    """`data_facts` of a cohort that may be trained on.

    Raises:
        GateError: The data validation had a critical failure.
        DataError: It has not run.
    """
    data = data_facts(project, task)
    if not data["validation_success"]:
        raise GateError(f"{project.validation(task.name)} has a critical failure: no model is trained on such data")
    return data


def data_facts(project: Project, task: Task) -> dict[str, Any]:
    """Digests of what a model is trained on, and how many cases each split has; masks are not among it.

    Raises:
        DataError: The validation has not run.
    """
    path = project.validation(task.name)
    if not path.is_file():
        raise DataError(f"{path} is missing: run `dvc repro validate@{task.name}` first")
    splits = read_table(project.cohort(task.name) / "samples.csv")["split"]
    return {
        "cohort_md5": md5(project.cohort(task.name)),
        "candidates_md5": md5(project.candidates(task.name)),
        "validation_success": bool(read_json(path)["success"]),
        "cases": {str(split): int(count) for split, count in splits.value_counts(sort=False).items()},
    }


def environment(params: Params) -> dict[str, Any]:
    """What a run was made on, and how exactly it can be repeated."""
    from importlib.metadata import version

    import torch

    from bioloc.training.precision import resolve

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "timm": version("timm"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": params.threads,
        "precision": resolve(params.precision),
        "accelerator": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none",
        "tolerances": _TOLERANCES,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines() if cpuinfo.is_file() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
