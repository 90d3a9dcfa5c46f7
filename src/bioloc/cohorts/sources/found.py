"""What a source gives, and what the sources share: finding folders, files and series in what people downloaded."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioloc.cohorts.manifest import Case
from bioloc.ct.image import CT
from bioloc.errors import DataError


@dataclass(frozen=True)
class Skipped:
    """Something of a source that is not used, and the reason in words."""

    what: str
    reason: str


@dataclass(frozen=True)
class Found:
    """The scans of a source as cases, unopened, and what of it cannot be used."""

    cases: list[Case]
    skipped: list[Skipped]


@dataclass(frozen=True)
class Opened:
    """An opened scan: all labels of its mask file (S, R, C), and its region of interest, where it has them."""

    ct: CT
    labels: NDArray[np.uint16] | None
    region: NDArray[np.bool_] | None


def located(folder: Path, name: str) -> Path:
    """The folder called `name`: this one, one in it, or one a level further down.

    Raises:
        DataError: There is none.
    """
    if folder.name == name:
        return folder
    found = [place for place in (folder / name, *sorted(folder.glob(f"*/{name}"))) if place.is_dir()]
    if not found:
        raise DataError(f"{folder}: no folder {name} in it: name the folder that the data set was unpacked to")
    return found[0]


def listed(folder: Path, *patterns: str) -> list[Path]:
    """Paths that match, `**` included, in the order of the numbers in their names; macOS's `._` files are none."""
    found = {path for pattern in patterns for path in folder.glob(pattern) if not path.name.startswith("._")}
    return in_order(found)


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Sorted so that 2 stands before 10."""
    return sorted(paths, key=lambda path: [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", str(path))])


def dicom_folders(folder: Path) -> list[Path]:
    """The folders that hold .dcm files, at any depth."""
    return in_order({file.parent for file in listed(folder, "**/*.dcm", "**/*.DCM")})


def slices_with(mask: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Numbers of the slices where a (S, R, C) mask is not empty."""
    return np.zeros(0, np.int64) if mask is None else np.flatnonzero(mask.any(axis=(1, 2)))
