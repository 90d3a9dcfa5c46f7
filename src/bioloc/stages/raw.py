"""Stage `phantom`: data/raw/<task>, drawn, or taken over from a user's own cohort."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd

from bioloc.cohorts.manifest import read_manifest
from bioloc.cohorts.phantom_cohort import orders, write_phantoms
from bioloc.errors import DataError
from bioloc.files import folder_written_aside
from bioloc.params import Params
from bioloc.project import Project
from bioloc.tasks import Task


def make_raw(project: Project, params: Params, task: Task) -> None:
    """Stage `phantom`: data/raw/<task>, drawn, or taken from the manifest that params.yaml names."""
    section = params.task(task.name)
    folder = project.raw(task.name)
    if section.source == "phantom":
        with folder_written_aside(folder) as aside:
            write_phantoms(orders(task, params.seed, section.patients.model_dump()), aside, params.threads)
        return
    with folder_written_aside(folder) as aside:
        _take_over((project.root / section.source).resolve(), task, aside)


def _take_over(manifest: Path, task: Task, folder: Path) -> None:
    """Bring a user's cohort into data/raw: files are linked where the disk allows, so nothing is stored twice."""
    cases = read_manifest(manifest, task)
    rows = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    for name in ("images", "masks", "regions"):
        (folder / name).mkdir()
    renamed = rows.assign(**{name: "" for name in ("mask", "region") if name not in rows})
    for number, case in enumerate(cases):
        for column, source in (("image", case.image), ("mask", case.mask), ("region", case.region)):
            renamed.loc[number, column] = _link(source, folder, column, case.case_id) if source else ""
    renamed.drop(columns="roi", errors="ignore").to_csv(folder / "manifest.csv", index=False, lineterminator="\n")


def _link(source: Path, folder: Path, column: str, case_id: str) -> str:
    ending = "".join(source.suffixes[-2:]) if source.name.lower().endswith(".nii.gz") else source.suffix
    name = f"{column}s/{case_id}{ending}"
    if source.is_dir():
        shutil.copytree(source, folder / name)
    elif source.is_file():
        try:
            os.link(source, folder / name)
        except OSError:
            shutil.copy2(source, folder / name)
    else:
        raise DataError(f"{source}: named in the manifest for case {case_id}, but there is no such file")
    return name
