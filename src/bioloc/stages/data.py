"""The data's stages after the raw cohort: working grid, candidates and masks."""

from __future__ import annotations

from bioloc.cohorts.build import build_cohort
from bioloc.cohorts.candidates import build_candidates
from bioloc.cohorts.manifest import Case, read_manifest
from bioloc.cohorts.masks import build_masks
from bioloc.params import Params
from bioloc.project import Project
from bioloc.tasks import Task


def make_cohort(project: Project, params: Params, task: Task) -> None:
    """Stage `cohort`: data/cohorts/<task>."""
    build_cohort(_cases(project, task), task, params.task(task.name).grid, project.cohort(task.name), params.threads)


def make_candidates(project: Project, params: Params, task: Task) -> None:
    """Stage `candidates`: data/candidates/<task>."""
    build_candidates(_cases(project, task), task, params.task(task.name).grid, project.candidates(task.name), params.threads)


def make_masks(project: Project, params: Params, task: Task) -> None:
    """Stage `masks`: data/masks/<task>."""
    build_masks(_cases(project, task), task, project.masks(task.name), params.threads)


def _cases(project: Project, task: Task) -> list[Case]:
    return read_manifest(project.raw(task.name) / "manifest.csv", task)
