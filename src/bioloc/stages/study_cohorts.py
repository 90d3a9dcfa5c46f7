"""A prepared cohort with fewer patients, noisy values, or other candidates: what the study grid varies of the data."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pandas as pd

from bioloc.biomarkers.candidates import Candidates
from bioloc.cohorts.load import Cohort, Opener, Sample
from bioloc.cohorts.manifest import LEARNT_FROM
from bioloc.errors import UsageError
from bioloc.params import Params
from bioloc.project import Project
from bioloc.stages.study_variants import Variant
from bioloc.tasks import Task


class RecountedCohort(Cohort):
    """A cohort whose candidates are not those of the stage `candidates`: their worth is pooled as they are asked for."""

    def sample(self, number: int) -> Sample:
        """Case `number` on the working grid, with the worth of its own candidates."""
        own = self.candidates(number)
        worth = self.placement(number).pool_worth(own.factor * np.float32(own.unit_worth))
        return replace(super().sample(number), worth=worth)


class SkinTooCohort(RecountedCohort):
    """A cohort whose candidates may lie in the skin."""

    def candidates(self, number: int) -> Candidates:
        """All pixels of case `number` that a reader's mask may count."""
        found = super().candidates(number)
        return Candidates(found.countable.astype(np.uint8), None, found.unit_worth)


class EveryPixelCohort(RecountedCohort):
    """A cohort without candidates: each pixel of the image counts with its own area, in the organ or out of it, air or not."""

    def candidates(self, number: int) -> Candidates:
        """All pixels of case `number` on its native grid."""
        return Candidates(np.ones(self.shape(number), np.uint8), None, float(self.table.iloc[number]["unit_worth"]))


_KINDS = {"own": Cohort, "skin-too": SkinTooCohort, "every-pixel": EveryPixelCohort}


def varied_opener(project: Project, params: Params, task: Task, variant: Variant) -> Opener:
    """Opens splits of the task's prepared cohort as the variant has it.

    Raises:
        UsageError: The variant takes the candidates away from a task whose value is no sum of pixels' areas, or gives the
            skin's back to one whose rule leaves none out.
    """
    if variant.candidates == "every-pixel" and task.rule == "lesions":
        raise UsageError(
            f"{task.name} has no value without candidates: a pixel's part of the Agatston score exists only in a lesion "
            "(the density factor of its brightest pixel); choose a task that is an area"
        )
    if variant.candidates == "skin-too" and not task.skin_mm:
        raise UsageError(f"{task.name} leaves no candidates out for lying in the skin: choose a task that does")
    kind = _KINDS[variant.candidates]
    grid, folders = params.task(task.name).grid, (project.cohort(task.name), project.candidates(task.name))

    def open_splits(splits: list[str]) -> Cohort:
        cohort = kind(task, grid, *folders, splits)
        if variant.patients is not None:
            cohort.table = fewer_patients(cohort.table, variant.patients, params.seed)
        if variant.value_noise:
            cohort.table = noisy_values(cohort.table, variant.value_noise, params.seed)
        return cohort

    return open_splits


def fewer_patients(table: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """The table with `count` training patients, other splits untouched; the fewer are always among the more.

    Raises:
        UsageError: There are not so many.
    """
    train = table["split"] == "train"
    patients = sorted(
        table.loc[train, "patient_id"].unique(), key=lambda patient: (zlib.crc32(f"{seed}/{patient}".encode()), patient)
    )
    if train.any() and len(patients) < count:
        raise UsageError(
            f"a variant asks for {count} training patients, and the cohort has {len(patients)}: leave it out of the grid"
        )
    return table[~train | table["patient_id"].isin(patients[:count])].reset_index(drop=True)


def noisy_values(table: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """The table with lognormal factors of mean 1 on the values that a training sees.

    A factor is exp(s * z - s²/2), s² = ln(1 + share²): its standard deviation is `share` of the value, no value falls below
    0, and none that is 0 changes. z comes from the case's name, so that all shares push a case the same way (our choice:
    readers' errors grow with what they measure).

    Args:
        table: Rows with case_id, split and value.
        share: Coefficient of variation, 0 to 1.
        seed: Of the study.
    """
    spread = np.sqrt(np.log1p(share**2))
    normal = np.array([np.random.default_rng([seed, zlib.crc32(case.encode())]).normal() for case in table["case_id"]])
    seen = table["split"].isin(LEARNT_FROM).to_numpy()
    return table.assign(value=table["value"] * np.where(seen, np.exp(spread * normal - spread**2 / 2), 1.0))
