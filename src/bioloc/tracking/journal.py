"""What outlives mlflow.db: the log of promotions, and the shelf of the packages that were promoted."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bioloc.errors import RegistryError
from bioloc.files import folder_written_aside, to_json
from bioloc.project import Project, key_of
from bioloc.tracking.store import artifact_root


@dataclass(frozen=True)
class State:
    """Run keys of the champion and of the model before it."""

    champion: str | None
    previous: str | None


def read_log(root: Path, task: str | None = None) -> list[dict[str, Any]]:
    """Events in order; a line that a crash cut off is passed over."""
    path = Project(root.resolve()).registry_log
    events = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and {"event", "task", "run_key"} <= event.keys() and task in (None, event["task"]):
            events.append(event)
    return events


def append_log(root: Path, event: str, task: str, state: State) -> None:
    """Add an event, on disk when this returns."""
    path = Project(root.resolve()).registry_log
    path.parent.mkdir(parents=True, exist_ok=True)
    line = {
        "event": event,
        "task": task,
        "run_key": state.champion,
        "previous": state.previous,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    cut_off = path.is_file() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    with path.open("a", encoding="utf-8") as stream:
        stream.write(("\n" if cut_off else "") + to_json(line) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def logged_state(root: Path, task: str) -> State | None:
    """What the task's last event says; None before the first."""
    events = read_log(root, task)
    return State(events[-1]["run_key"], events[-1].get("previous")) if events else None


def shelf(root: Path, task: str, run_key: str) -> Path:
    """Where the package of a promoted run is kept, with run.json, history.csv and metrics.json."""
    return artifact_root(root) / "packages" / task / run_key


def on_shelf(root: Path, task: str, run_key: str) -> bool:
    """Whether the shelf has the run's package."""
    return (shelf(root, task, run_key) / "package" / "model.json").is_file()


def put_on_shelf(root: Path, task: str, run_key: str, model: Path, metrics: Path) -> None:
    """Copy a trained model to the shelf, whole or not at all.

    Raises:
        RegistryError: The copy's digest is not the run's key.
    """
    place = shelf(root, task, run_key)
    if on_shelf(root, task, run_key) and key_of(place / "package") == run_key:
        return
    with folder_written_aside(place) as aside:
        shutil.copytree(model / "package", aside / "package")
        for file in (model / "run.json", model / "history.csv", metrics):
            if file.is_file():
                shutil.copy2(file, aside / file.name)
        if key_of(aside / "package") != run_key:
            raise RegistryError(f"{model}: the package is not the one that run.json names: train again")


def step_done(name: str) -> None:
    """For tests: end the process, without any clean-up, where BIOLOC_KILL_AT says."""
    if os.environ.get("BIOLOC_KILL_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
