"""Coronary calcium: Stanford's COCA, gated scans with outlines and non-gated chests with scores."""

from __future__ import annotations

import re
from pathlib import Path

from bioloc.cohorts.manifest import Case, split_of
from bioloc.cohorts.sources.found import Found, Skipped, dicom_folders, listed, located
from bioloc.cohorts.tables import number_in, read_text_table
from bioloc.errors import DataError
from bioloc.tasks import Task


def find_gated(folder: Path, task: Task) -> Found:
    """Gated scans that have an outline file; the value is the Agatston score inside the outlines.

    A scan without an outline file has no annotation, which is not a score of 0: it is skipped.
    """
    root = located(folder, "Gated_release_final")
    cases, skipped = [], []
    for patient in listed(root, "patient/*/"):
        series, outlines = dicom_folders(patient), root / "calcium_xml" / f"{patient.name}.xml"
        name = f"coca-{patient.name}"
        if len(series) != 1:
            skipped.append(Skipped(name, f"{len(series)} folders with DICOM files: one series a patient is expected"))
        elif not outlines.is_file():
            skipped.append(Skipped(name, f"no calcium_xml/{patient.name}.xml: not annotated, which is not a score of 0"))
        else:
            cases.append(Case(name, name, series[0], None, task.unit, split_of(name), mask=outlines))
    return Found(cases, skipped)


def find_nongated(folder: Path, task: Task) -> Found:
    """Non-gated chests, each with the total of scores.xlsx (or scores.csv); there are no outlines.

    Raises:
        DataError: There is no table, or it lacks the columns filename and total.
    """
    root = located(folder, "deidentified_nongated")
    totals, skipped = _totals(root)
    cases = []
    for patient in listed(root, "*/"):
        series, total = dicom_folders(patient), totals.pop(patient.name, None)
        name = f"coca-nongated-{patient.name}"
        if total is None:
            skipped.append(Skipped(name, "the table of scores has no row for it"))
        elif len(series) != 1:
            skipped.append(Skipped(name, f"{len(series)} folders with DICOM files: one series a patient is expected"))
        elif (value := number_in(total)) is None:
            skipped.append(Skipped(name, f"its total is '{total}', which is no score"))
        else:
            cases.append(Case(name, name, series[0], value, task.unit, split_of(name)))
    skipped += [Skipped(f"coca-nongated-{number}", "a score, but no folder with its scan") for number in totals]
    return Found(cases, skipped)


def _totals(root: Path) -> tuple[dict[str, str], list[Skipped]]:
    """Totals by patient: the table calls the scan of patient 12 "12A", and writes its columns in either case."""
    tables = listed(root, "scores.xlsx", "scores.csv")
    if not tables:
        raise DataError(f"{root}: no scores.xlsx (or scores.csv) in it")
    table = read_text_table(tables[0]).rename(columns=str.lower)
    if not {"filename", "total"} <= set(table):
        raise DataError(f"{tables[0]}: columns filename and total are needed, and it has {', '.join(table.columns)}")
    totals, skipped = {}, []
    for filename, total in zip(table["filename"], table["total"], strict=True):
        number = re.fullmatch(r"(\d+)(\.0)?\s*[A-Za-z]?", filename.strip())
        if number is None:
            skipped.append(Skipped(f"{tables[0].name}: '{filename}'", "a name without a patient's number"))
        else:
            totals[number[1]] = total.strip()
    return totals, skipped
