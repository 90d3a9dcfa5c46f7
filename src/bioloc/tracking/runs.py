"""A training on disk as a run in MLflow: written from run.json, so that it can be written again."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bioloc.errors import RegistryError
from bioloc.files import md5, read_json, to_json
from bioloc.project import Project, key_of
from bioloc.tasks import get_task
from bioloc.tracking.pyfunc import log_package
from bioloc.tracking.store import RUN_KEY, experiment, locked, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODEL_ID = "bioloc.model_id"
_EVALUATION = "bioloc.evaluation"
_TEXT = 6000


def record_run(root: Path, task: str, method: str) -> str | None:
    """The run of models/<task>/<method>, recorded if it was not; None when nothing is trained there, or it was left out.

    Repeating changes nothing. An evaluation of this very model that came later is added.
    """
    project = Project(root.resolve())
    folder = project.model(task, method)
    if not (folder / "run.json").is_file() or project.left_out(task, method).is_file():
        return None
    return record_folder(root, folder, project.evaluation(task, method))


def record_folder(root: Path, folder: Path, evaluation: Path) -> str:
    """The run of a folder with package/, run.json and history.csv; `evaluation` may hold metrics.json and figures.

    Raises:
        RegistryError: The folder's package is not the one that run.json names.
    """
    run = read_run(folder)
    with locked(root):
        client = open_store(root)
        number = experiment(client, root, run["task"])
        run_id = find_run(client, number, run["run_key"]) or _create(client, number, run)
        tags = client.get_run(run_id).data.tags
        if MODEL_ID not in tags:
            _log_training(client, run_id, run, folder / "history.csv")
            model = log_package(client, number, run_id, get_task(run["task"]), folder / "package", run["run_key"])
            client.set_tag(run_id, MODEL_ID, model)
            client.set_terminated(run_id, "FINISHED", end_time=_time(run) + round(1000 * float(run.get("seconds") or 0)))
        _log_evaluation(client, run_id, run, evaluation, tags.get(_EVALUATION))
        return run_id


def read_run(folder: Path) -> dict[str, Any]:
    """run.json of a trained model.

    Raises:
        RegistryError: It is missing or no JSON, or the package beside it is another one.
    """
    try:
        run: dict[str, Any] = read_json(folder / "run.json")
    except (OSError, ValueError) as error:
        raise RegistryError(f"{folder / 'run.json'} cannot be read: train this model first (`dvc repro train`)") from error
    if not (folder / "package" / "model.json").is_file() or key_of(folder / "package") != run["run_key"]:
        raise RegistryError(f"{folder}: the package is not the one that run.json names: `dvc checkout`, or train again")
    return run


def find_run(client: MlflowClient, experiment_id: str, run_key: str) -> str | None:
    """Identifier of the run with this key."""
    found = client.search_runs([experiment_id], filter_string=f"tags.`{RUN_KEY}` = '{run_key}'", max_results=1)
    return str(found[0].info.run_id) if found else None


def _create(client: MlflowClient, experiment_id: str, run: dict[str, Any]) -> str:
    data = run.get("data") or {}
    tags = {
        RUN_KEY: run["run_key"],
        "task": run["task"],
        "method": run["method"],
        "supervision": run["supervision"],
        **({"started_from": run["started_from"]["uri"]} if run.get("started_from") else {}),
        "git_commit": run.get("git_commit") or "",
        **{name: str(value) for name, value in data.items()},
        "mlflow.source.name": "bioloc",
        "mlflow.note.content": f"{get_task(run['task']).title}, {run['method']}",
    }
    if run.get("git_commit"):
        tags["mlflow.source.git.commit"] = run["git_commit"]
    created = client.create_run(experiment_id, start_time=_time(run), tags=tags, run_name=run["method"])
    return str(created.info.run_id)


def _log_training(client: MlflowClient, run_id: str, run: dict[str, Any], history: Path) -> None:
    """Parameters, the history's metrics and the data; writing them twice gives the same."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

    described = {name: run.get(name) for name in ("params", "environment", "threshold", "started_from")}
    params = [Param(name.removeprefix("params."), text) for name, text in _flat(described).items()]
    at = _time(run)
    metrics = [
        Metric(f"best_{name}", float(value), at, 0) for name, value in (run.get("best") or {}).items() if _is_number(value)
    ]
    if history.is_file():
        table = pd.read_csv(history)
        steps = table["step"] if "step" in table else pd.Series(range(len(table)))
        metrics += [
            Metric(str(name), float(value), at, int(step))
            for name in table.columns.drop("step", errors="ignore")
            for step, value in zip(steps, table[name], strict=True)
            if _is_number(value)
        ]
    _batch(client, run_id, metrics, params)
    cohort = (run.get("data") or {}).get("cohort_md5")
    if cohort:
        place = to_json({"uri": f"data/cohorts/{run['task']}"})
        data = Dataset(f"bioloc-{run['task']}", str(cohort)[:36], "local", place)
        client.log_inputs(run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])


def _log_evaluation(client: MlflowClient, run_id: str, run: dict[str, Any], folder: Path, known: str | None) -> None:
    """Metrics and figures of an evaluation of this run's model, unless they are there."""
    from mlflow.entities import Metric

    path = folder / "metrics.json"
    if not path.is_file():
        return
    content = read_json(path)
    files = [file for file in sorted(folder.iterdir()) if file.suffix in (".png", ".json", ".csv")]
    digest = f"{md5(path)} {len(files)}"
    same, _, count = (known or "").partition(" ")
    if content.get("run_key") != run["run_key"] or (same == md5(path) and int(count) >= len(files)):
        return
    metrics = [
        Metric(f"{split}_{name}", float(interval["value"]), _time(run), 0)
        for split, part in content["splits"].items()
        for name, interval in part["metrics"].items()
        if _is_number(interval.get("value"))
    ]
    _batch(client, run_id, metrics, [])
    for file in files:
        client.log_artifact(run_id, str(file), "figures" if file.suffix == ".png" else "evaluation")
    client.set_tag(run_id, _EVALUATION, digest)


def _batch(client: MlflowClient, run_id: str, metrics: list[Any], params: list[Any]) -> None:
    """One call; more only beyond MLflow's limit of 1000 metrics and 100 parameters."""
    for first in range(0, max(len(metrics), 1), 800):
        part = params[:100] if first == 0 else []
        client.log_batch(run_id, metrics=metrics[first : first + 800], params=part)
    for first in range(100, len(params), 100):
        client.log_batch(run_id, params=params[first : first + 100])


def _flat(content: Any, prefix: str = "") -> dict[str, str]:
    if not isinstance(content, dict):
        return {} if content is None else {prefix: str(content)[:_TEXT]}
    return {
        name: text
        for key, value in content.items()
        for name, text in _flat(value, f"{prefix}.{key}" if prefix else str(key)).items()
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _time(run: dict[str, Any]) -> int:
    """The run's creation, in milliseconds."""
    created = datetime.fromisoformat(run["created"])
    return round(1000 * (created if created.tzinfo else created.replace(tzinfo=UTC)).timestamp())
