"""`make study`: the rows of the grid, tasks side by side; then all of them in one document, and where the time went."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from bioloc.params import read_params
from bioloc.project import Project
from bioloc.stages.lanes import first_failure, lanes_of, repro_tasks, seconds_of, study_environment, usable_cores
from bioloc.stages.repro import longest_first, time_table
from bioloc.stages.study_collect import PROFILES

STUDIES = {"default": ".", "paper": "study/paper"}
"""Where a profile's params.yaml lies, from the root."""


def main(profile: str) -> int:
    """Make all rows that are not up to date; the status is DVC's, so that a failed row is not overlooked."""
    if profile not in STUDIES:
        print(f"PROFILE={profile}: choose from {', '.join(STUDIES)}", file=sys.stderr)  # noqa: T201  # as a command says it
        return 2
    root, environment, begun = Project.find().root, study_environment(), time.perf_counter()
    study = Project(root / STUDIES[profile])
    params = read_params(study.root)
    rows = by_task(_stages(root, environment, Path(PROFILES[profile][0]).parent / "dvc.yaml"))
    targets = {task: rows[task] for task in longest_first(study, list(params.tasks)) if task in rows}
    ended = repro_tasks(root, environment, targets, lanes_of(params, usable_cores()))
    collect = ["bioloc-cli", "study", "collect", "--profile", profile]
    collected = subprocess.run(collect, cwd=root, env=environment, check=False).returncode
    seconds = {name.rpartition(":")[2]: spent for name, spent in seconds_of(ended).items()}
    print(time_table(seconds, time.perf_counter() - begun))  # noqa: T201  # this is the command's output
    return first_failure(ended) or collected


def by_task(stages: Iterable[str]) -> dict[str, list[str]]:
    """Stages by their task, the first word after the `@`: tasks share no data, so that they can go side by side."""
    found: dict[str, list[str]] = defaultdict(list)
    for stage in stages:
        found[stage.rpartition("@")[2].partition("-")[0]].append(stage)
    return dict(found)


def _stages(root: Path, environment: dict[str, str], graph: Path) -> list[str]:
    command = ["dvc", "stage", "list", "--name-only", graph.as_posix()]
    return subprocess.run(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout.split()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
