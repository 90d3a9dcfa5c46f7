"""Coronary calcium: chests of the National Lung Screening Trial with scores from a table.

The table is any CSV with the columns PID and CAC_manual; the public repository of DeepCAC (Zeleznik et al., Nat Commun
2021;12:715) has one of 396 patients, stats/Results_NLST.csv, and the rule by which a series is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bioloc.cohorts.manifest import Case, split_of
from bioloc.cohorts.sources.found import Found, Skipped, dicom_folders, listed
from bioloc.cohorts.tables import number_in, read_text_table
from bioloc.errors import DataError
from bioloc.tasks import Task

WANTED_MM = 2.5
SOFT_KERNELS = ("B31F", "B30F", "B20F", "C", "FC10", "FC11", "FC02", "STANDARD", "BODY")
FEWEST_SLICES = 20
"""A series of fewer is a localizer or a part: our choice."""
_TAGS = ["StudyDate", "SliceThickness", "ConvolutionKernel", "ImageType", "Modality"]


def find(folder: Path, task: Task) -> Found:
    """One series of each patient in the table that has a folder.

    Raises:
        DataError: No table with the columns PID and CAC_manual is in the folder.
    """
    cases, skipped = [], []
    for pid, score in _scores(folder).items():
        name, series, value = f"nlst-{pid}", _best_series(folder / pid), number_in(score)
        if not (folder / pid).is_dir():
            skipped.append(Skipped(name, "a score, but no folder with its scans"))
        elif value is None:
            skipped.append(Skipped(name, f"its CAC_manual is '{score}', which is no score"))
        elif series is None:
            skipped.append(Skipped(name, f"no CT series of {FEWEST_SLICES} slices or more"))
        else:
            cases.append(Case(name, name, series, value, task.unit, split_of(name)))
    return Found(cases, skipped)


def _scores(folder: Path) -> dict[str, str]:
    for path in listed(folder, "*.csv", "*/*.csv"):
        table = read_text_table(path)
        if {"PID", "CAC_manual"} <= set(table):
            return dict(zip(table["PID"], table["CAC_manual"], strict=True))
    raise DataError(f"{folder}: no CSV with the columns PID and CAC_manual in it: put DeepCAC's Results_NLST.csv there")


@dataclass(frozen=True)
class _Series:
    folder: Path
    date: str
    thickness_mm: float
    kernel: str

    def rank(self) -> tuple[bool, float, int]:
        """Soft kernels first, then the thickness nearest 2.5 mm, then the kernel's place in the list."""
        kernel = self.kernel.upper()
        soft = kernel in SOFT_KERNELS
        return not soft, round(abs(self.thickness_mm - WANTED_MM), 1), SOFT_KERNELS.index(kernel) if soft else 0


def _best_series(patient: Path) -> Path | None:
    """The series of the first year (T0) that the rule prefers; None when there is none."""
    series = [header for folder in dicom_folders(patient) if (header := _series(folder)) is not None]
    first = min((one.date for one in series), default="")
    return min((one for one in series if one.date == first), key=_Series.rank).folder if series else None


def _series(folder: Path) -> _Series | None:
    """What one file's header says of its series; None where it is no CT volume. The date is compared, never shown."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    files = listed(folder, "*.dcm", "*.DCM")
    if len(files) < FEWEST_SLICES:
        return None
    try:
        header = pydicom.dcmread(files[0], stop_before_pixels=True, specific_tags=_TAGS)
    except (InvalidDicomError, OSError):
        return None
    if header.get("Modality") != "CT" or "LOCALIZER" in header.get("ImageType", ()):
        return None
    kernel = str(header.get("ConvolutionKernel", ""))
    return _Series(folder, str(header.get("StudyDate", "")), float(header.get("SliceThickness") or 0), kernel)
