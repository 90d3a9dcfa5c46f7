"""Phantom cohorts on disk: NIfTI and manifest, exactly the form of a user's own cohort."""

from __future__ import annotations

import importlib
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bioloc.biomarkers.candidates import find_candidates
from bioloc.cohorts.manifest import write_manifest
from bioloc.cohorts.workers import for_each
from bioloc.ct.write import axial_affine, write_array
from bioloc.phantoms.patient import Change, Patient
from bioloc.tasks import Task

NO_CHANGE = Change()


@dataclass(frozen=True)
class Order:
    """One phantom patient to draw; the same order gives the same bytes anywhere."""

    task: Task
    seed: int
    split: str
    number: int
    change: Change = NO_CHANGE

    @property
    def case_id(self) -> str:
        """Name of the case and of its patient."""
        return f"{self.task.name}-{self.split}-{self.number:04d}"

    def draw(self) -> tuple[Patient, float]:
        """The patient and the value that a reader's mask measures on it, in the task's unit."""
        module, target = self.task.phantom
        draw = importlib.import_module(f"bioloc.phantoms.{module}").draw
        key = [self.seed, zlib.crc32(target.encode()), zlib.crc32(self.split.encode()), self.number]
        patient: Patient = draw(np.random.default_rng(key), target, self.split == "shift", self.change)
        return patient, find_candidates(self.task, patient.hu, patient.spacing_mm, patient.region).value(patient.mask)


def orders(task: Task, seed: int, patients: dict[str, int]) -> list[Order]:
    """Orders for a cohort of so many patients in each split."""
    return [Order(task, seed, split, number) for split, count in patients.items() for number in range(count)]


def write_phantoms(wanted: list[Order], folder: Path, workers: int) -> None:
    """Draw and write patients: manifest.csv, images/, masks/ and, where the task has them, regions/."""
    for name in ("images", "masks", "regions"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows = list(for_each(partial(_write, folder=folder), wanted, workers, "phantom"))
    write_manifest(folder / "manifest.csv", rows)


def _write(order: Order, folder: Path) -> dict[str, Any]:
    patient, value = order.draw()
    name, affine = f"{order.case_id}.nii.gz", axial_affine(patient.spacing_mm)
    counted = patient.mask & find_candidates(order.task, patient.hu, patient.spacing_mm, patient.region).mask
    row: dict[str, Any] = {
        "case_id": order.case_id,
        "patient_id": order.case_id,
        "image": f"images/{name}",
        "value": value,
        "unit": order.task.unit,
        "split": order.split,
        "mask": f"masks/{name}",
    }
    write_array(folder / "images" / name, patient.hu.transpose(2, 1, 0), affine)
    write_array(folder / "masks" / name, counted.transpose(2, 1, 0).astype(np.uint8), affine)
    if patient.region is not None:
        row["region"] = f"regions/{name}"
        write_array(folder / "regions" / name, patient.region.transpose(2, 1, 0).astype(np.uint8), affine)
    return row
