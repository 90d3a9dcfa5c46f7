"""The TotalSegmentator data set: CTs with organ masks, to which a person brings values (Wasserthal et al., Radiology AI 2023).

The data set outlines organs, not tumours, fat or calcium: it gives images and regions of interest. Values come from a table
of one's own, values.csv beside meta.csv: image_id, value and, for areas, slice. Where the tool's own tasks have added a
target mask to a case's segmentations (subcutaneous_fat), its value is measured instead.
"""

from __future__ import annotations

from pathlib import Path

from bioloc.cohorts.manifest import AUTO, Case, split_of
from bioloc.cohorts.sources.found import Found, Skipped, listed
from bioloc.cohorts.tables import number_in, read_text_table
from bioloc.errors import DataError
from bioloc.tasks import Task

REGION = {"liver": "liver", "cac": "heart"}
TARGET = {"sfa": "subcutaneous_fat"}


def find(folder: Path, task: Task) -> Found:
    """Every case with a value in values.csv, or with a target mask.

    Raises:
        DataError: There is neither values.csv with the columns image_id and value nor any target mask.
    """
    values, splits = _values(folder, task), _splits(folder)
    cases, skipped = [], []
    for image in listed(folder, "s*/ct.nii.gz", "*/s*/ct.nii.gz"):
        name, value = image.parent.name, values.pop(image.parent.name, None)
        region, mask = (_structure(image, names.get(task.name)) for names in (REGION, TARGET))
        if value is None and mask is None:
            skipped.append(Skipped(name, "no value in values.csv"))
        elif task.region == "required" and region is None:
            skipped.append(Skipped(name, f"no segmentations/{REGION[task.name]}.nii.gz"))
        else:
            number, slice_text = value or (None, AUTO)
            split = _split(splits.get(name, ""), name)
            given = int(slice_text) if slice_text.isdecimal() and not task.volume else None
            auto = given is None and not task.volume
            cases.append(Case(name, name, image, number, task.unit, split, region, mask, given, slice_auto=auto))
    return Found(cases, skipped + [Skipped(name, "a value, but no ct.nii.gz") for name in values])


def _values(folder: Path, task: Task) -> dict[str, tuple[float, str]]:
    path = folder / "values.csv"
    if not path.is_file():
        if listed(folder, *(f"**/segmentations/{name}.nii.gz" for name in [TARGET.get(task.name)] if name)):
            return {}
        raise DataError(f"{path}: no such table: the data set holds no {task.title}, so bring image_id, value (and slice)")
    table = read_text_table(path)
    if not {"image_id", "value"} <= set(table.columns):
        raise DataError(f"{path}: columns image_id and value are needed, and it has {', '.join(table.columns)}")
    found = {}
    for line, row in enumerate(table.to_dict("records"), start=2):
        value, slice_text = number_in(row["value"]), row.get("slice", "") or AUTO
        if value is None or not (slice_text == AUTO or slice_text.isdecimal()):
            raise DataError(f"{path}: line {line}: value '{row['value']}', slice '{slice_text}': give numbers of at least 0")
        if row.get("unit", task.unit) != task.unit:
            raise DataError(f"{path}: line {line}: unit '{row['unit']}': {task.name} is measured in {task.unit}")
        found[row["image_id"]] = value, slice_text
    return found


def _splits(folder: Path) -> dict[str, str]:
    tables = listed(folder, "meta.csv", "*/meta.csv")
    if not tables:
        return {}
    table = read_text_table(tables[0], separator=";")
    return dict(zip(table["image_id"], table["split"], strict=True)) if {"image_id", "split"} <= set(table) else {}


def _split(own: str, name: str) -> str:
    """The data set's own train, val and test; a tenth of its train is our gate, since it has none."""
    if own in ("val", "test"):
        return own
    return "gate" if own == "train" and split_of(name) == "gate" else "train" if own == "train" else split_of(name)


def _structure(image: Path, name: str | None) -> Path | None:
    path = image.parent / "segmentations" / f"{name}.nii.gz"
    return path if name is not None and path.is_file() else None
