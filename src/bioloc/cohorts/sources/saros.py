"""Subcutaneous fat: SAROS, sparse annotation of body regions on 900 CTs.

Koitka et al., Sci Data 2024, doi 10.1038/s41597-024-03337-6.

Every fifth 5 mm slice is annotated; elsewhere the label is 255, to be ignored.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bioloc.cohorts.manifest import Case
from bioloc.cohorts.sources.found import Found, Opened, Skipped, listed
from bioloc.cohorts.tables import read_text_table
from bioloc.errors import DataError, ImageError
from bioloc.tasks import Task

SUBCUTANEOUS, THORACIC_CAVITY, PERICARDIUM, IGNORED = 1, 4, 7, 255
ABNORMAL_HU = ("case_609", "case_623", "case_816")
SPLIT = {"test": "test", "fold-4": "val", "fold-5": "gate"}
"""The data set's own test split stays test; two of its five folds are val and gate, the others train: our choice."""
RISE_MM, TOLERANCE_MM = 45.0, 15.0


def find(folder: Path, task: Task) -> Found:
    """Every case that has its image beside its labels, and a row in the table.

    Raises:
        DataError: The table Segmentation-Info_*.csv is not there.
    """
    tables = listed(folder, "Segmentation-Info*.csv", "*/Segmentation-Info*.csv")
    if not tables:
        raise DataError(f"{folder}: no Segmentation-Info_*.csv in it, which names patients and splits")
    rows = {row["id"]: row for row in read_text_table(tables[0]).to_dict("records")}
    split_of_patient: dict[str, str] = {}
    cases, skipped = [], []
    for labels in listed(folder, "**/body-regions.nii.gz"):
        name, image, row = labels.parent.name, labels.with_name("image.nii.gz"), rows.get(labels.parent.name)
        if name in ABNORMAL_HU:
            skipped.append(Skipped(name, "known for abnormal HU"))
        elif row is None:
            skipped.append(Skipped(name, f"no row in {tables[0].name}"))
        elif not image.is_file():
            skipped.append(Skipped(name, "no image.nii.gz beside its labels: the images are downloaded separately"))
        else:
            patient = str(row.get("tcia_case_id") or name)
            split = split_of_patient.setdefault(patient, SPLIT.get(row.get("split", ""), "train"))  # one patient, one split
            cases.append(Case(name, patient, image, None, task.unit, split, mask=labels, mask_labels=(SUBCUTANEOUS,)))
    return Found(cases, skipped)


def above_the_heart(case: Case, scan: Opened) -> list[Case]:
    """The annotated slice nearest 45 mm above the topmost annotated slice with pericardium.

    Our choice, for the level just above the aortic arch, which is not annotated: the true top of the pericardium lies
    some 12 mm (half a step of 25 mm) above that slice, and the arch's some 3 cm above that.

    Raises:
        ImageError: No annotated slice with thoracic cavity lies within 15 mm of that level.
    """
    labels = np.zeros((0, 1, 1), np.uint16) if scan.labels is None else scan.labels
    annotated = ~(labels == IGNORED).any(axis=(1, 2))
    heart, thorax = (np.flatnonzero(annotated & (labels == label).any(axis=(1, 2))) for label in (PERICARDIUM, THORACIC_CAVITY))
    if len(heart) == 0:
        raise ImageError(f"{case.mask}: no annotated slice shows the pericardium: the level of the aortic arch is unknown")
    off_mm = np.abs((thorax - heart[-1]) * scan.ct.spacing_mm[0] - RISE_MM)
    if len(thorax) == 0 or off_mm.min() > TOLERANCE_MM:
        raise ImageError(f"{case.mask}: no annotated slice through the chest just above the aortic arch")
    return [replace(case, slice_number=int(thorax[off_mm.argmin()]))]
