"""`make repro`: the whole study, the registry restored, and a table of where the time went."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from bioloc.files import read_json
from bioloc.params import read_params
from bioloc.project import Project
from bioloc.stages.lanes import dvc_repro, first_failure, lanes_of, repro_tasks, seconds_of, study_environment, usable_cores
from bioloc.tasks import get_task


def main() -> int:
    """Run everything; the status is DVC's, so that a failed task is not overlooked."""
    project = Project.find()
    begun = time.perf_counter()
    environment = study_environment()
    status, seconds = _study(project, environment)
    if status != 0 and (project.root / "reports").is_dir():
        # DVC skips the report when a task before it failed; the report of the others is wanted all the same.
        subprocess.run(["bioloc-cli", "report"], cwd=project.root, env=environment, check=False)
    at = time.perf_counter()
    synced = subprocess.run(["bioloc-cli", "registry", "sync"], cwd=project.root, env=environment, check=False).returncode
    seconds["registry sync"] = time.perf_counter() - at
    print(time_table(seconds, time.perf_counter() - begun))  # noqa: T201  # this is the command's output
    return status or synced


def _study(project: Project, environment: dict[str, str]) -> tuple[int, dict[str, float]]:
    """The tasks side by side, then what they share, unless one of them failed."""
    params = read_params(project.root)
    tasks = longest_first(project, list(params.tasks))
    targets = {task: [f"promote@{task}"] for task in tasks}
    ended = repro_tasks(project.root, environment, targets, lanes_of(params, usable_cores()))
    status, seconds = first_failure(ended), seconds_of(ended)
    if status:
        return status, seconds
    shared = dvc_repro(project.root, environment, [])
    return shared.status, seconds | shared.seconds


def longest_first(project: Project, tasks: list[str]) -> list[str]:
    """Volumes first, then by how long the trainings took the last time, as the run.json that git keeps say: lanes end together.

    Volumes take nearly as long again to be drawn and evaluated as all their trainings, which no file in git says. A list
    scheduled longest first is at most a third longer than the best one (Graham, SIAM J. Appl. Math. 17:416, 1969).
    """

    def order(task: str) -> tuple[bool, float]:
        return not get_task(task).volume, -sum(_seconds(path) for path in project.root.glob(f"models/{task}/*/run.json"))

    return sorted(tasks, key=order)


def _seconds(run: Path) -> float:
    """Seconds of a training; 0 where the file is of no use, since an order is no reason to stop."""
    try:
        return float(read_json(run)["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def time_table(seconds: dict[str, float], total: float) -> str:
    """Where the time went: stages of one kind together, in the order they first ran."""
    kinds: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for name, spent in seconds.items():
        kind, _, item = name.partition("@")
        kinds[kind].append((item, spent))
    lines = [f"{'stage':16} {'seconds':>8}"]
    for kind, items in kinds.items():
        lines.append(f"{kind:16} {sum(spent for _, spent in items):8.1f}")
        lines += [f"  {item:30} {spent:8.1f}" for item, spent in items if item]
    setup = os.environ.get("BIOLOC_SETUP_SECONDS")
    if setup:
        lines.append(f"{'set-up':16} {float(setup):8.1f}")
    return "\n".join([*lines, f"{'all':16} {total + float(setup or 0):8.1f}"])


if __name__ == "__main__":
    sys.exit(main())
