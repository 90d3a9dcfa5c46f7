"""All rows of the study grid in one document, reports/study/<profile>.json, and as runs in MLflow.

No stage of DVC: a report that depends on the document would otherwise bring the whole grid into `dvc repro`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioloc.errors import DataError
from bioloc.files import read_json, write_json
from bioloc.project import Project
from bioloc.tracking.study_rows import record_rows

Row = dict[str, Any]


@dataclass(frozen=True)
class Profile:
    """A size of the study, with a grid of its own.

    Attributes:
        root: Folder of params.yaml and data, from the repository's root.
        grid: Folder of the grid's dvc.yaml and of results/, likewise.
        document: Name below reports/study.
    """

    root: str
    grid: str
    document: str


PROFILES = {
    "default": Profile(".", "study", "results.json"),
    "paper": Profile("study/paper", "study/paper", "paper.json"),
}
_COLUMNS = ("study", "task", "method", "variant", "x", "seed", "metrics", "seconds")
_HAS_OWN_START = ("structures", "regions")


def collect(project: Project, profile: str) -> Path:
    """Write the document of a profile, record its rows, and return the document's path.

    Raises:
        DataError: No row has been made yet.
    """
    results = project.root / PROFILES[profile].grid / "results"
    rows = [read_json(path) for path in sorted(results.rglob("*.json"))]
    if not rows:
        raise DataError(f"{results} has no rows: run `make study` first")
    record_rows(project.root, rows, profile)
    path = project.root / "reports" / "study" / PROFILES[profile].document
    content = {"machine": _machine(rows), "rows": [_shown(row) for row in [*rows, *starting_points(rows), *shifts(rows)]]}
    write_json(path, content)
    return path


def starting_points(rows: list[Row]) -> list[Row]:
    """The study's own setting as a row of each study that varies it: it is trained only once."""
    varied = {(row["study"], row["task"], row["method"]) for row in rows if row["study"] not in _HAS_OWN_START}
    return [
        {**row, "study": study, "variant": "default", "x": _start(study, row)}
        for study, task, method in sorted(varied)
        for row in rows
        if _as_in_params(row) and (row["task"], row["method"]) == (task, method)
    ]


def shifts(rows: list[Row]) -> list[Row]:
    """For each method as params.yaml has it, a row of the test split beside one of the shift split, under the same names."""
    found = []
    for row in rows:
        moved = {name.removeprefix("shift_"): value for name, value in row["metrics"].items() if name.startswith("shift_")}
        if _as_in_params(row) and moved.get("n_cases"):
            test = {name: value for name, value in row["metrics"].items() if not name.startswith("shift_")}
            found += [
                {**row, "study": "shift", "variant": split, "metrics": part} for split, part in (("test", test), ("shift", moved))
            ]
    return found


def _as_in_params(row: Row) -> bool:
    """Whether a row is of the study's own setting: each method has one among the structures."""
    return bool(row["default"] and row["study"] == "structures")


def _start(study: str, row: Row) -> float | None:
    if study == "label-noise":
        return 0.0
    return row["train_patients"] if study == "learning-curve" else None


def _shown(row: Row) -> Row:
    numbers = {name: value for name, value in row["metrics"].items() if value is not None}
    return {name: row[name] for name in _COLUMNS} | {"metrics": numbers}


def _machine(rows: list[Row]) -> Row:
    """What the rows were made on; where it was not one machine, all that was, in the order of the rows."""
    found: Row = {}
    for name in rows[0]["machine"]:
        values = list(dict.fromkeys(str(row["machine"].get(name)) for row in rows))
        found[name] = rows[0]["machine"][name] if len(values) == 1 else ", ".join(values)
    return found
