"""Candidates of a whole cohort: packed masks on the native grid, and their worth on the working grid."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioloc.cohorts.build import open_case
from bioloc.cohorts.manifest import Case
from bioloc.cohorts.packed import pack, write_concatenated
from bioloc.cohorts.workers import for_each
from bioloc.files import folder_written_aside
from bioloc.params import Grid
from bioloc.tasks import Task


def build_candidates(cases: list[Case], task: Task, grid: Grid, folder: Path, workers: int) -> None:
    """Write candidates.csv, bits.npy, and the working grid's worth as worth_index.npy (int32) and worth_value.npy (float32).

    Lesions' density factors, one byte a candidate pixel, go to factors.npy.
    """
    with folder_written_aside(folder) as aside:
        found: list[Any] = list(for_each(partial(_candidates, task=task, grid=grid), cases, workers, f"candidates {task.name}"))
        table = pd.DataFrame([row for row, *_ in found])
        for name, column, place in (
            ("bits", "bits", 1),
            ("worth_index", "worth", 2),
            ("worth_value", "worth", 3),
            ("factors", "factors", 4),
        ):
            ends = write_concatenated(aside / f"{name}.npy", [parts[place] for parts in found])
            table[f"{column}_first"], table[f"{column}_end"] = ends[:-1], ends[1:]
        table.to_csv(aside / "candidates.csv", index=False, lineterminator="\n")


def _candidates(
    case: Case, task: Task, grid: Grid
) -> tuple[dict[str, Any], NDArray[np.uint8], NDArray[np.int32], NDArray[np.float32], NDArray[np.uint8]]:
    scan, _ = open_case(case, task, grid)
    candidates = scan.candidates(task)
    worth = scan.placement.pool_worth(candidates.factor * np.float32(candidates.unit_worth)).ravel()
    index = np.flatnonzero(worth).astype(np.int32)
    mask = candidates.mask
    row = {
        "case_id": case.case_id,
        "total": candidates.total(),
        "on_grid": float(worth.sum(dtype=np.float64)),
        "fraction": float(mask.mean()),
        "unit_worth": candidates.unit_worth,
    }
    factors = candidates.factor[mask] if task.rule == "lesions" else np.zeros(0, np.uint8)
    return row, pack(mask), index, worth[index], factors
