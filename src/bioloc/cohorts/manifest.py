"""The manifest: one row per scan with its value, the form of a phantom cohort and of a user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from bioloc.cohorts.tables import read_text_table
from bioloc.errors import ManifestError
from bioloc.files import written_aside
from bioloc.tasks import Task

REQUIRED = ("case_id", "patient_id", "image", "value", "unit")
SPLITS = ("train", "val", "gate", "test", "shift")
_TENTHS = {7: "val", 8: "gate", 9: "test"}
"""Splits of a tenth of the patients each, by the last digit of a number made from their id; the others are `train`."""
LEARNT_FROM = ("train", "val")
"""Splits whose values a training sees."""
AUTO = "auto"


@dataclass(frozen=True)
class Case:
    """One scan of a cohort, or one slice of it.

    Attributes:
        case_id: Its name, and that of its files.
        patient_id: A patient is in one split.
        image: The scan, an absolute path.
        value: Known value in `unit`; None where it is to be measured from the mask.
        unit: The task's unit.
        split: One of SPLITS.
        region: Mask of the region of interest.
        mask: Reference mask.
        slice_number: The slice that is measured, counted from the feet.
        region_labels: Labels of `region` that are the organ; empty for every label but 0.
        mask_labels: Labels of `mask` that are the target; empty for every label but 0.
        slice_auto: The slice is to be found in the scan.
    """

    case_id: str
    patient_id: str
    image: Path
    value: float | None
    unit: str
    split: str
    region: Path | None = None
    mask: Path | None = None
    slice_number: int | None = None
    region_labels: tuple[int, ...] = ()
    mask_labels: tuple[int, ...] = ()
    slice_auto: bool = False


def is_manifest(path: Path) -> bool:
    """Whether a path is a manifest's by its ending: .csv or .parquet."""
    return path.suffix.lower() in (".csv", ".parquet")


def read_manifest(path: Path, task: Task, values_needed: bool = True) -> list[Case]:
    """The cases of a manifest (CSV or Parquet), paths resolved beside it.

    For prediction, with `values_needed` False, only case_id and image must be there. A value may be empty
    where a mask is given: it is measured from the mask when the cohort is taken over.

    A missing `split` column is filled by `splits_of`: 70 % train, 10 % each val, gate and test.

    Raises:
        ManifestError: A column is missing, an id is doubled, a patient is in two splits, a value is no
            number, a unit is not the task's, or a path leaves the manifest's folder.
    """
    if not path.exists():
        raise ManifestError(f"{path}: no such manifest")
    table = read_text_table(path)
    if not values_needed:
        table = _with_defaults(table, task)
    missing = [name for name in REQUIRED if name not in table]
    if missing:
        if len(table.columns) == 1 and ";" in table.columns[0]:
            raise ManifestError(f"{path}: its cells are separated by semicolons: save it with commas")
        wanted = f"a manifest has {', '.join(REQUIRED)} and may have split, region, region_label, mask, mask_label, slice"
        raise ManifestError(f"{path}: no column {', '.join(missing)}: {wanted}")
    if table.empty:
        raise ManifestError(f"{path}: no rows")
    if "split" not in table:
        table["split"] = table["patient_id"].map(splits_of(list(table["patient_id"])))
    _check_table(table, path, task)
    return [_case(row, path, number) for number, row in enumerate(table.to_dict("records"), start=2)]


def _with_defaults(table: pd.DataFrame, task: Task) -> pd.DataFrame:
    """The table with every column that prediction does not look at as if it were in order."""
    return table.assign(patient_id=table.get("case_id", ""), value="0", unit=task.unit, split="test")


def split_of(patient_id: str) -> str:
    """The split of a patient of whom nothing is known but the id: one who is added moves no other."""
    return _TENTHS.get(_number_of(patient_id) % 10, "train")


def splits_of(patients: Sequence[str]) -> dict[str, str]:
    """The split of each patient when the manifest names none: `split_of`, unless that leaves a split without a patient.

    Then, in small cohorts, they are dealt by the order of the same numbers: a tenth, at least one, to each of val, gate and test.
    """
    found = {patient: split_of(patient) for patient in patients}
    wanted = {"train", *_TENTHS.values()}
    if wanted <= set(found.values()) or len(found) < len(wanted):
        return found
    tenth = max(round(len(found) / 10), 1)
    dealt = dict(zip(sorted(found, key=_number_of), [*_TENTHS.values()] * tenth, strict=False))
    return {patient: dealt.get(patient, "train") for patient in found}


def _number_of(patient_id: str) -> int:
    return int(hashlib.md5(patient_id.encode(), usedforsecurity=False).hexdigest(), 16)


def by_scan(cases: Sequence[Case]) -> list[list[Case]]:
    """Neighbouring cases together that are of one scan, its files the same: the scan need be read only once."""
    groups = groupby(cases, key=lambda case: (case.image, case.mask, case.region, case.region_labels))
    return [list(group) for _, group in groups]


def write_manifest(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as manifest.csv; floats keep every digit that matters."""
    with written_aside(path) as aside:
        pd.DataFrame(rows).to_csv(aside, index=False, float_format="%.6g", lineterminator="\n")


def _check_table(table: pd.DataFrame, path: Path, task: Task) -> None:
    for column in ("case_id", "patient_id", "image"):
        empty = table.index[table[column].str.strip() == ""]
        if len(empty):
            raise ManifestError(f"{path}: line {empty[0] + 2} has no {column}")
    doubled = table["case_id"][table["case_id"].duplicated()]
    if len(doubled):
        raise ManifestError(
            f"{path}: case_id {doubled.iloc[0]} stands {int((table['case_id'] == doubled.iloc[0]).sum())} times: ids are unique"
        )
    odd = table.loc[~table["split"].isin(SPLITS), "split"]
    if len(odd):
        raise ManifestError(f"{path}: line {odd.index[0] + 2}: split '{odd.iloc[0]}': choose from {', '.join(SPLITS)}")
    splits = table.groupby("patient_id")["split"].nunique()
    if (splits > 1).any():
        patient = splits.index[splits > 1][0]
        found = ", ".join(sorted(table.loc[table["patient_id"] == patient, "split"].unique()))
        raise ManifestError(f"{path}: patient {patient} is in more than one split ({found}): one patient, one split")
    units = table.loc[table["unit"] != task.unit, "unit"]
    if len(units):
        raise ManifestError(f"{path}: line {units.index[0] + 2}: unit '{units.iloc[0]}': {task.name} is measured in {task.unit}")


def _case(row: dict[Any, Any], path: Path, line: int) -> Case:
    where = f"{path}: line {line}"
    number, value, mask = row.get("slice", ""), row["value"], _optional(path.parent, row.get("mask", ""), where)
    if value == "" and mask is None:
        raise ManifestError(f"{where}: no value, and no mask to measure it from")
    return Case(
        case_id=_safe_name(row["case_id"], where),
        patient_id=row["patient_id"],
        image=_below(path.parent, row["image"], where),
        value=_number(value, where, "value") if value != "" else None,
        unit=row["unit"],
        split=row["split"],
        region=_optional(path.parent, row.get("region") or row.get("roi", ""), where),
        mask=mask,
        slice_number=_whole(number, where, "slice") if number not in ("", AUTO) else None,
        region_labels=_labels(row.get("region_label", ""), where, "region_label"),
        mask_labels=_labels(row.get("mask_label", ""), where, "mask_label"),
        slice_auto=number == AUTO,
    )


def _number(text: str, where: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ManifestError(f"{where}: {name} '{text}' is not a number") from None
    if not 0 <= value < 1e9:
        raise ManifestError(f"{where}: {name} {text}: it must be a finite number of at least 0")
    return value


def _whole(text: str, where: str, name: str) -> int:
    number = _number(text, where, name)
    if number != int(number):
        counted = ", counted from the feet" if name == "slice" else ""
        raise ManifestError(f"{where}: {name} {text}: it must be a whole number{counted}")
    return int(number)


def _labels(text: str, where: str, name: str) -> tuple[int, ...]:
    labels = tuple(_whole(part, where, name) for part in text.split())
    if 0 in labels:
        raise ManifestError(f"{where}: {name} {text}: 0 is the background")
    return labels


def _safe_name(name: str, where: str) -> str:
    if name in (".", "..") or any(sign in name for sign in "/\\\0"):
        raise ManifestError(f"{where}: case_id '{name}' is no file name: use letters, digits, dashes and dots")
    return name


def _optional(folder: Path, name: str, where: str) -> Path | None:
    return _below(folder, name, where) if name else None


def _below(folder: Path, name: str, where: str) -> Path:
    folder = folder.resolve()
    if not Path(folder, name).resolve().is_relative_to(folder):
        raise ManifestError(f"{where}: '{name}' leaves the manifest's folder: put the manifest beside or above its images")
    return folder / name
