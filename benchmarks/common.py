"""What the benchmarks share: a task's model, the machine in words, phantom cohorts on disk, one sentence for mistakes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bioloc.cohorts.load import Sample
from bioloc.cohorts.phantom_cohort import orders, write_phantoms
from bioloc.errors import BiolocError, RegistryError, UsageError
from bioloc.files import folder_written_aside, md5, read_json
from bioloc.networks.views import store_views
from bioloc.params import read_params
from bioloc.project import Project
from bioloc.stages.train import environment
from bioloc.tasks import Task, get_task
from bioloc.tracking.address import resolve
from bioloc.training.data import Split

WORKERS = 2


def split_of(hu: NDArray[np.int16], worth: NDArray[np.float32], depth: NDArray[np.uint8] | None = None) -> Split:
    """A split of `pma` made of (N, 1, H, W) images and worth, and (N, 1, 2, H, W) depths; a third of the candidates counts."""
    samples = [
        Sample(str(k), image, area, float(area.sum() / 3), None if depth is None else depth[k])
        for k, (image, area) in enumerate(zip(hu, worth, strict=True))
    ]
    values = torch.tensor([sample.value for sample in samples])
    return Split(store_views(samples, 0, get_task("pma")), values, worth.sum((1, 2, 3)).astype(np.float64))


def ended(main: Callable[[], None]) -> int:
    """Run a benchmark; a user's mistake is one sentence on stderr and status 2, as with `bioloc-cli`."""
    try:
        main()
    except BiolocError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def package_of(project: Project, task: Task, given: Path | None = None) -> Path:
    """Folder of a task's package: the one that was given, the champion's, or the localizer that was trained last."""
    if given is None:
        trained = project.model(task.name, "localizer") / "package"
        try:
            given = resolve(project.root, task.name)[0]
        except RegistryError:
            given = trained
        if not (given / "model.json").is_file():
            raise RegistryError(
                f"{task.name} has neither a champion nor {trained}: `dvc repro train@{task.name}-localizer`, or --package"
            )
    folder = given.resolve()
    if not (folder / "model.json").is_file():
        raise RegistryError(f"{folder}: no model in this folder (model.json is missing)")
    found = read_json(folder / "model.json").get("spec", {}).get("task")
    if found != task.name:
        raise UsageError(f"{folder} is a model of {found}, not of {task.name}")
    return folder


def asked_of(options: argparse.Namespace, project: Project, usual: Iterable[str]) -> tuple[list[Task], dict[str, Path]]:
    """The tasks that --task names, or the usual ones, and the package of each; none where cohorts are only drawn.

    Raises:
        UsageError: --package is given for more than one task, or is another task's.
        RegistryError: A task has no model.
    """
    tasks = [get_task(name) for name in options.task or usual]
    if options.package is not None and len(tasks) != 1:
        raise UsageError(f"--package {options.package} is the model of one task: name it with --task")
    return tasks, {} if options.only_draw else {task.name: package_of(project, task, options.package) for task in tasks}


def run_key(folder: Path) -> str:
    """The key that names a package everywhere: the digest of its folder."""
    return md5(folder)[:16]


def machine(project: Project) -> dict[str, Any]:
    """What the numbers were made on."""
    found = environment(read_params(project.root))
    return {name: found[name] for name in ("processor", "cores", "accelerator", "python", "torch", "timm")}


def cohort(folder: Path, task: Task, seed: int, patients: int) -> Path:
    """The manifest of a phantom cohort below `folder`, drawn as `bioloc-cli phantom` does where it is not there yet.

    Its folder's name says all that it was made of, so it is never mistaken for another one.
    """
    place = folder / f"{task.name}-seed{seed}-{patients}"
    if not (place / "manifest.csv").is_file():
        with folder_written_aside(place.resolve()) as aside:
            write_phantoms(orders(task, seed, {"test": patients}), aside, WORKERS)
    return place / "manifest.csv"
