"""The rows of the study grid that are not up to date, tasks side by side (`make study`)."""

from __future__ import annotations

import subprocess
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from bioloc.params import read_params
from bioloc.project import Project
from bioloc.stages.lanes import first_failure, lanes_of, repro_tasks, seconds_of, study_environment, usable_cores
from bioloc.stages.repro import longest_first, time_table
from bioloc.stages.study_collect import PROFILES


def make_grid(project: Project, profile: str) -> tuple[int, str]:
    """Make the rows of a profile.

    Returns:
        DVC's status of the first task in which a row failed, 0 where none did; and a table of where the time went.
    """
    environment, begun = study_environment(), time.perf_counter()
    chosen = PROFILES[profile]
    study = Project(project.root / chosen.root)
    params = read_params(study.root)
    rows = by_task(_stages(project.root, environment, f"{chosen.grid}/dvc.yaml"))
    targets = {task: rows[task] for task in longest_first(study, list(params.tasks)) if task in rows}
    ended = repro_tasks(project.root, environment, targets, lanes_of(params, usable_cores()))
    seconds = {name.rpartition(":")[2]: spent for name, spent in seconds_of(ended).items()}
    return first_failure(ended), time_table(seconds, time.perf_counter() - begun)


def by_task(stages: Iterable[str]) -> dict[str, list[str]]:
    """Stages by their task, the first word after the `@`: tasks share no data, so that they can go side by side."""
    found: dict[str, list[str]] = defaultdict(list)
    for stage in stages:
        found[stage.rpartition("@")[2].partition("-")[0]].append(stage)
    return dict(found)


def _stages(root: Path, environment: dict[str, str], graph: str) -> list[str]:
    command = ["dvc", "stage", "list", "--name-only", graph]
    return subprocess.run(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
