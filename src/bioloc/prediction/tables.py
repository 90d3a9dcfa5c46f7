"""What a batch ends in: results.json, results.csv, results.parquet, and run.json on how it was made.

They are written from the journal row by row, so their number does not matter to memory.
"""

from __future__ import annotations

import csv
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from bioloc import __version__
from bioloc.files import to_json, write_json, written_aside
from bioloc.prediction.journal import Journal
from bioloc.tasks import Task

_AT_ONCE = 1000
_NUMBERS = (
    *("value", "interval_low", "interval_high", "interval_level", "novelty", "mask_value", "candidates_value"),
    *("seconds", "seconds_read", "seconds_network", "seconds_write"),
)
_COLUMNS = (
    *("case_id", "input", "value", "unit", "category", "interval_low", "interval_high", "interval_level"),
    *("unlike_training", "novelty", "status", "error", "warnings", "found", "slice"),
    *("mask_value", "candidates_value", "map", "mask", "overlay", "dicom_seg", "dicom_map", "dicom_report"),
    *("model", "seconds", "seconds_read", "seconds_network", "seconds_write"),
)
_PACKAGES = ("torch", "timm", "segmentation-models-pytorch", "numpy", "scipy", "nibabel", "simpleitk", "pydicom", "highdicom")


def write_tables(journal: Journal, case_ids: list[str], task: Task, model: str, output: Path) -> Path:
    """Write results.json, results.csv and results.parquet; returns the path of the first."""
    columns = [name for name in _COLUMNS if name != "category" or task.categories is not None]
    _write_json(output / "results.json", journal.rows(case_ids), task, model)
    with written_aside(output / "results.csv") as aside, aside.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(_flat(row, columns) for row in journal.rows(case_ids))
    with written_aside(output / "results.parquet") as aside:
        _write_parquet(aside, (_flat(row, columns) for row in journal.rows(case_ids)), columns)
    return output / "results.json"


def write_run(
    journal: Journal, case_ids: list[str], made_with: dict[str, Any], begun: datetime, model_facts: dict[str, Any], output: Path
) -> None:
    """Write run.json: versions, model, options, and the time of each case."""
    rows = [(row["case_id"], row["status"], row["seconds"]) for row in journal.rows(case_ids)]
    content = {
        **made_with,
        "model_facts": model_facts,
        "versions": {"bioloc": __version__, "python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "machine": {"system": platform.system(), "processor": platform.machine()},
        "begun": begun.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "cases": len(rows),
        "failed": sum(status == "failed" for _, status, _ in rows),
        "seconds_of_case": {case_id: seconds for case_id, _, seconds in rows},
    }
    write_json(output / "run.json", content)


def _write_json(path: Path, rows: Iterator[dict[str, Any]], task: Task, model: str) -> None:
    """The document {"task", "model", "results": [...]}, a row to a line."""
    with written_aside(path) as aside, aside.open("w", encoding="utf-8") as stream:
        stream.write(f'{{"task": {to_json(task.name)}, "model": {to_json(model)}, "results": [')
        for number, row in enumerate(rows):
            stream.write((",\n  " if number else "\n  ") + to_json(row))
        stream.write("\n]}\n")


def _write_parquet(path: Path, rows: Iterator[dict[str, Any]], columns: list[str]) -> None:
    types = {**dict.fromkeys(columns, pa.string()), **dict.fromkeys(_NUMBERS, pa.float64())}
    types |= {"slice": pa.int64(), "unlike_training": pa.bool_()}
    schema = pa.schema([(name, types[name]) for name in columns])
    with parquet.ParquetWriter(path, schema) as writer:
        waiting: list[dict[str, Any]] = []
        for row in rows:
            waiting.append(row)
            if len(waiting) == _AT_ONCE:
                writer.write_table(pa.Table.from_pylist(waiting, schema))
                waiting.clear()
        writer.write_table(pa.Table.from_pylist(waiting, schema))


def _flat(row: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    """A row for tables: lists of sentences become one field."""
    return {name: "; ".join(row[name]) if isinstance(row[name], list) else row[name] for name in columns}
