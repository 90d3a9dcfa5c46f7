"""MLflow's versions and aliases, made to say what the log says, whatever happened before."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bioloc.errors import RegistryError
from bioloc.files import read_json
from bioloc.inference.package import load_package
from bioloc.project import Project, key_of
from bioloc.tracking.journal import State, logged_state, on_shelf, put_on_shelf, read_log, shelf, step_done
from bioloc.tracking.runs import MODEL_ID, record_folder
from bioloc.tracking.store import RUN_KEY

if TYPE_CHECKING:
    from mlflow import MlflowClient

_LONGEST_DESCRIPTION = 4900
"""MLflow's column holds 5000 characters."""


def model_name(task: str) -> str:
    """The registered model's name."""
    return f"bioloc-{task}"


def versions(client: MlflowClient, task: str) -> dict[str, Any]:
    """The task's registered versions by run key, oldest first."""
    found = client.search_model_versions(f"name = '{model_name(task)}'")
    ordered = sorted(found, key=lambda version: int(version.version))
    return {version.tags[RUN_KEY]: version for version in ordered if RUN_KEY in version.tags}


def aliases(client: MlflowClient, task: str) -> dict[str, str]:
    """The task's aliases and their versions; none before the first promotion."""
    from mlflow.exceptions import MlflowException

    try:
        found: dict[str, Any] = client.get_registered_model(model_name(task)).aliases
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return {}
    return {alias: str(version) for alias, version in found.items()}


def state_of(client: MlflowClient, root: Path, task: str) -> State:
    """The champion and the one before it: by the log, or without one (a shared server) by the aliases."""
    logged = logged_state(root, task)
    if logged is not None:
        return logged
    keys = {str(version.version): key for key, version in versions(client, task).items()}
    named = aliases(client, task)
    return State(keys.get(named.get("champion", "")), keys.get(named.get("previous", "")))


def register(client: MlflowClient, root: Path, task: str, run_key: str) -> str:
    """Register the shelf's package as a version, once; returns its number."""
    from mlflow.exceptions import MlflowException

    known = versions(client, task).get(run_key)
    if known is not None:
        return str(known.version)
    folder = shelf(root, task, run_key)
    run_id = record_folder(root, folder, folder)
    step_done("run")
    try:
        client.create_registered_model(model_name(task))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    model = client.get_run(run_id).data.tags[MODEL_ID]
    tags = {RUN_KEY: run_key, "task": task}
    made = client.create_model_version(model_name(task), f"models:/{model}", run_id, tags=tags, model_id=model)
    return str(made.version)


def point_aliases(client: MlflowClient, task: str, state: State) -> None:
    """`previous`, then `champion`; what is right already is left alone."""
    known, named = versions(client, task), aliases(client, task)
    for alias, run_key in (("previous", state.previous), ("champion", state.champion)):
        version = None if run_key is None or run_key not in known else str(known[run_key].version)
        if version is None and alias in named:
            client.delete_registered_model_alias(model_name(task), alias)
        elif version is not None and named.get(alias) != version:
            client.set_registered_model_alias(model_name(task), alias, version)
            step_done(alias)


def recover(client: MlflowClient, root: Path, task: str) -> list[str]:
    """Bring back versions that the log names and set the aliases; returns warnings."""
    events, warnings, lost = read_log(root, task), [], []
    if not events:
        return []
    known = versions(client, task)
    for run_key in dict.fromkeys(event["run_key"] for event in events if event["event"] == "promote"):
        if run_key in known:
            continue
        _refill_shelf(root, task, run_key)
        if not on_shelf(root, task, run_key):
            lost.append(run_key)
            continue
        try:
            register(client, root, task, run_key)
        except RegistryError as error:
            warnings.append(str(error))
    state = state_of(client, root, task)
    warnings += _told_of_lost(root, task, lost, state)
    if state.champion in versions(client, task):
        point_aliases(client, task, state)
        describe(client, root, task, str(state.champion))
    return warnings


def _told_of_lost(root: Path, task: str, lost: list[str], state: State) -> list[str]:
    """Warnings for packages that are not here: one each for champion and previous, one line for all that came before."""
    named = {state.champion: "champion", state.previous: "previous champion"}
    told = [
        f"{task}: the package of the {named[run_key]}, run {run_key}, is not in {shelf(root, task, run_key)}: not registered"
        for run_key in lost
        if run_key in named
    ]
    earlier = len(lost) - len(told)
    if earlier:
        told.append(f"{task}: earlier champions that are not registered, since their packages are not on this machine: {earlier}")
    return told


def describe(client: MlflowClient, root: Path, task: str, run_key: str) -> None:
    """Give the run's version its model card as description, where reports/cards has a card of this very run."""
    path = Project(root.resolve()).card(task)
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if run_key not in text:
        return
    if len(text) > _LONGEST_DESCRIPTION:
        text = text[:_LONGEST_DESCRIPTION].rpartition("\n")[0] + f"\n\nThe rest is in reports/cards/{task}.md."
    version = versions(client, task)[run_key]
    if version.description != text:
        client.update_model_version(model_name(task), version.version, text)


def _refill_shelf(root: Path, task: str, run_key: str) -> None:
    """A clone has the log and, after `dvc pull`, models/, but no shelf: fill it from the model of that key."""
    for path in sorted(root.resolve().glob(f"models/{task}/*/run.json")):
        package = path.with_name("package")  # a clone has run.json, but no package before `dvc pull` or a run
        if package.is_dir() and not on_shelf(root, task, run_key) and read_json(path).get("run_key") == run_key:
            with contextlib.suppress(RegistryError):  # models/ may hold another package by now
                metrics = Project(root.resolve()).evaluation(task, path.parent.name) / "metrics.json"
                put_on_shelf(root, task, run_key, path.parent, metrics)


def verify(root: Path, task: str, run_key: str) -> None:
    """Load the champion.

    Raises:
        RegistryError: It does not load, or is not the one that was promoted.
    """
    folder = shelf(root, task, run_key) / "package"
    load_package(folder)
    if key_of(folder) != run_key:
        raise RegistryError(f"{folder}: the champion's package is damaged: `bioloc-cli registry rollback --task {task}`")
