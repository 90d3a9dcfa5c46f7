"""DVC runs one stage at a time; tasks do not depend on each other, so several `dvc repro` share the processor's cores."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bioloc.params import Params

_RUNNING = re.compile(r"Running stage '([^']+)'")


@dataclass
class Reproduced:
    """How `dvc repro` ended, and the seconds of each stage that it ran."""

    status: int
    seconds: dict[str, float] = field(default_factory=dict)


def lanes_of(params: Params, cores: int) -> int:
    """How many tasks are run at once: each uses the threads of params.yaml."""
    return max(min(cores // params.threads, len(params.tasks)), 1)


def repro_tasks(
    root: Path, environment: dict[str, str], targets: Mapping[str, Sequence[str]], lanes: int
) -> dict[str, Reproduced]:
    """The stages of `targets`, which names them by task, with all before them; `lanes` tasks at once. How each ended, by task.

    The registry is one for all tasks; its own lock lets one promotion in at a time.
    """
    with ThreadPoolExecutor(lanes) as pool:
        ended = pool.map(lambda task: dvc_repro(root, environment, targets[task], f"{task}: "), targets)
        return dict(zip(targets, ended, strict=True))


def dvc_repro(root: Path, environment: dict[str, str], targets: Sequence[str], prefix: str = "") -> Reproduced:
    """`dvc repro` of some targets, or of all stages; what it prints is passed on, each line after `prefix`."""
    reproduced = Reproduced(1)
    running, since = "", time.perf_counter()
    command = ["dvc", "--wait-for-lock", "repro", "--keep-going", *targets]
    with subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(f"{prefix}{line}" if line.strip() else line)
            sys.stdout.flush()
            found = _RUNNING.search(line)
            if found:
                now = time.perf_counter()
                if running:
                    reproduced.seconds[running] = now - since
                running, since = found[1], now
    if running:
        reproduced.seconds[running] = time.perf_counter() - since
    reproduced.status = process.returncode
    return reproduced


def first_failure(ended: Mapping[str, Reproduced]) -> int:
    """Status of the first task that failed; 0 where none did."""
    return next((found.status for found in ended.values() if found.status), 0)


def seconds_of(ended: Mapping[str, Reproduced]) -> dict[str, float]:
    """Seconds of every stage of every task."""
    return {name: spent for found in ended.values() for name, spent in found.seconds.items()}


def study_environment() -> dict[str, str]:
    """Variables of what a study starts: the tools of this interpreter first, and DVC reports to nobody."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "DVC_NO_ANALYTICS": "1", "PATH": path}


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
