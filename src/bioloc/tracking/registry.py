"""The registry: which model of a task is champion, and how it becomes and ceases to be that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bioloc.errors import GridError, RegistryError
from bioloc.evaluation.compare import is_better
from bioloc.project import Project
from bioloc.tasks import TASKS, get_task
from bioloc.tracking.address import champion_package, nothing_yet
from bioloc.tracking.journal import State, append_log, put_on_shelf, read_log, step_done
from bioloc.tracking.recovery import aliases, point_aliases, recover, register, state_of, verify, versions
from bioloc.tracking.runs import read_run, record_run
from bioloc.tracking.store import database, locked, open_store, server_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

GateTable = Callable[[Path], pd.DataFrame]


def promote(
    root: Path, task: str, method: str, gates: list[dict[str, Any]], gate_table: GateTable, bootstrap: int
) -> dict[str, Any]:
    """Make models/<task>/<method> the champion if it passes its gates and beats the present one.

    Args:
        root: The repository.
        task: The biomarker.
        method: Which of its models.
        gates: Results of the gates: `gate`, `passed`, `detail`.
        gate_table: Evaluates the package in a folder on the gate split: case_id, patient_id, value, predicted.
        bootstrap: Samples of the comparison's interval.

    Returns:
        The content of reports/registry/<task>.json.

    Raises:
        RegistryError: There is no such model, or it is damaged.
    """
    project = Project(root.resolve())
    run = read_run(project.model(task, method))
    run_key = str(run["run_key"])
    with locked(root):
        client = open_store(root)
        recover(client, root, task)
        state = state_of(client, root, task)
        result = {"task": task, "method": method, "run_key": run_key, "gates": gates}
        if state.champion == run_key and run_key in versions(client, task):
            verify(root, task, run_key)
            return result | _answer(client, task, "unchanged", run_key, f"{method} is the champion already")
        if run["supervision"] == "mask":
            return result | _refused(f"{method} was trained with masks: a champion is trained on values only")
        failed = [gate["gate"] for gate in gates if not gate["passed"]]
        if failed:
            return result | _refused(f"{method} did not pass: {', '.join(failed)}")
        champion = champion_package(client, root, task, state.champion)
        if state.champion is not None:
            gate = _beats(gate_table, project.model(task, method) / "package", champion, state.champion, bootstrap)
            result["gates"] = [*gates, gate]
            if not gate["passed"]:
                return result | _refused(f"{method} is not better than the present champion: {gate['detail']}")
        _crown(client, root, task, method, run_key, state.champion)
        return result | _answer(client, task, "promoted", run_key, f"{method} is the champion now")


def rollback(root: Path, task: str) -> dict[str, Any]:
    """Make the previous model champion again; the champion becomes `previous`.

    Raises:
        RegistryError: There is no previous model, or its package is lost.
    """
    get_task(task)
    with locked(root):
        client = open_store(root)
        recover(client, root, task)
        state = state_of(client, root, task)
        if state.champion is None or state.previous is None:
            raise RegistryError(
                f"{task} has no previous champion to go back to: `bioloc-cli registry show --task {task}` lists what there is"
            )
        if state.previous not in versions(client, task) or champion_package(client, root, task, state.previous) is None:
            raise RegistryError(f"the package of {task}'s previous champion {state.previous} is lost: promote a model instead")
        swapped = State(state.previous, state.champion)
        append_log(root, "rollback", task, swapped)
        step_done("log")
        point_aliases(client, task, swapped)
        return {
            "task": task,
            "champion": swapped.champion,
            "previous": swapped.previous,
            "version": _number(client, task, state.previous),
        }


def listing(root: Path, task: str | None = None) -> list[dict[str, Any]]:
    """Every registered version, by task and number, with its aliases."""
    rows = []
    for name in [task] if task else _tasks(root):
        get_task(name)
        with locked(root):
            client = open_store(root)
            recover(client, root, name)
            named = aliases(client, name)
            for run_key, version in versions(client, name).items():
                run = client.get_run(version.run_id)
                rows.append(
                    {
                        "task": name,
                        "model": f"bioloc-{name}",
                        "version": int(version.version),
                        "aliases": sorted(alias for alias, number in named.items() if number == str(version.version)),
                        "run_key": run_key,
                        "run_id": version.run_id,
                        "method": run.data.tags.get("method"),
                        "git_commit": run.data.tags.get("git_commit"),
                        "metrics": {key: value for key, value in sorted(run.data.metrics.items()) if key.startswith("test_")},
                    }
                )
    return rows


def show(root: Path, task: str) -> dict[str, Any]:
    """The champion, the one before it, and the history of a task.

    Raises:
        RegistryError: Nothing was promoted yet.
    """
    rows = listing(root, task)
    if not rows:
        raise RegistryError(nothing_yet(task))
    by_alias = {alias: row for row in rows for alias in row["aliases"]}
    return {
        "task": task,
        "model": f"bioloc-{task}",
        "champion": by_alias.get("champion"),
        "previous": by_alias.get("previous"),
        "versions": rows,
        "log": read_log(root, task),
    }


def sync(root: Path, task: str | None = None) -> dict[str, Any]:
    """Bring MLflow up to what is on disk: runs of models/, versions and aliases of the log, of one task or all.

    Repeating changes nothing.
    """
    root = root.resolve()
    found = sorted(root.glob(f"models/{task or '*'}/*/run.json"))
    tasks = sorted({event["task"] for event in read_log(root, task)})
    result: dict[str, Any] = {"runs": 0, "versions": 0, "champions": {}, "warnings": []}
    if not found and not tasks and not database(root).exists() and server_uri() is None:
        return result
    with locked(root):
        client = open_store(root)
        for path in found:
            try:
                result["runs"] += record_run(root, path.parts[-3], path.parts[-2]) is not None
            except RegistryError as error:
                result["warnings"].append(str(error))
        for name in tasks:
            result["warnings"] += recover(client, root, name)
            known = versions(client, name)
            result["versions"] += len(known)
            champion = state_of(client, root, name).champion
            result["champions"][name] = champion if champion in known else None
    return result


def _beats(gate_table: GateTable, package: Path, champion: Path | None, run_key: str, bootstrap: int) -> dict[str, Any]:
    """The gate against the present champion.

    One that is lost, or was trained on another grid, cannot bar the way for ever; but that nobody compared is recorded.
    """
    name = "better than the champion"
    if champion is None:
        return {"gate": name, "passed": True, "detail": f"not compared: the package of the champion {run_key} is not here"}
    candidate = gate_table(package)
    try:
        present = gate_table(champion)
    except GridError as error:  # after a change of tasks.TASK.grid
        return {"gate": name, "passed": True, "detail": f"not compared: {error}"}
    if candidate["case_id"].tolist() != present["case_id"].tolist():
        raise RegistryError("the candidate and the champion were evaluated on different cases: rerun the evaluation")
    better, difference = is_better(candidate, candidate, present, bootstrap)
    low, high = difference["ci_low"], difference["ci_high"]
    detail = f"difference of the mean absolute errors {difference['value']:.4g} (95 % interval {low:.4g} to {high:.4g})"
    return {"gate": name, "passed": bool(better), "detail": detail}


def _crown(client: MlflowClient, root: Path, task: str, method: str, run_key: str, old: str | None) -> None:
    """The steps of a promotion. The log's line decides: before it nothing has changed, after it recovery finishes."""
    project = Project(root.resolve())
    put_on_shelf(root, task, run_key, project.model(task, method), project.evaluation(task, method) / "metrics.json")
    step_done("shelf")
    verify(root, task, run_key)
    record_run(root, task, method)
    register(client, root, task, run_key)
    step_done("version")
    state = State(run_key, old)
    append_log(root, "promote", task, state)
    step_done("log")
    point_aliases(client, task, state)
    verify(root, task, run_key)


def _refused(message: str) -> dict[str, Any]:
    return {"decision": "refused", "version": None, "message": message}


def _answer(client: MlflowClient, task: str, decision: str, run_key: str, message: str) -> dict[str, Any]:
    return {"decision": decision, "version": _number(client, task, run_key), "message": message}


def _number(client: MlflowClient, task: str, run_key: str) -> int:
    return int(versions(client, task)[run_key].version)


def _tasks(root: Path) -> list[str]:
    return list(TASKS) if server_uri() or database(root).exists() or read_log(root) else []
