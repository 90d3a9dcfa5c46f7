"""Stage `phantom`: data/raw/<task>, drawn, or taken over from a source of real scans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bioloc.cohorts.phantom_cohort import orders, write_phantoms
from bioloc.cohorts.sources.found import Skipped
from bioloc.cohorts.sources.registry import choose
from bioloc.cohorts.takeover import SKIPPED, survey, take_over, write_skipped
from bioloc.files import folder_written_aside
from bioloc.params import PHANTOM, Params
from bioloc.project import Project
from bioloc.tasks import Task


def make_raw(project: Project, params: Params, task: Task) -> list[Skipped]:
    """Stage `phantom`: data/raw/<task>, drawn, or taken from the source that params.yaml names; returns what was skipped."""
    section = params.task(task.name)
    folder = project.raw(task.name)
    if section.source == PHANTOM:
        with folder_written_aside(folder) as aside:
            write_phantoms(orders(task, params.seed, section.patients.model_dump()), aside, params.threads)
            write_skipped(aside / SKIPPED, [])
        return []
    chosen = choose(section.source, task, project.root)
    with folder_written_aside(folder) as aside:
        return take_over(chosen, task, aside, params.threads)


def survey_raw(project: Project, params: Params, task: Task, other: str | None = None) -> dict[str, Any]:
    """What the stage would bring, as JSON content: from the source of params.yaml, or from `other`, relative to here."""
    section = params.task(task.name)
    source = other or section.source
    if source == PHANTOM:
        splits = {split: count for split, count in section.patients.model_dump().items() if count}
        count = sum(splits.values())
        counts = dict.fromkeys(("n_patients", "n_scans", "n_samples", "values_measured"), count) | {"values_given": 0}
        return {"task": task.name, "source": source, **counts, "splits": splits, "skipped": [], "would_stop": False}
    chosen = choose(source, task, project.root if other is None else Path.cwd())
    return {"task": task.name, "source": source, **survey(chosen, task, params.threads)}
