"""Candidates of a whole cohort: packed masks on the native grid, and their worth on the working grid."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioloc.cohorts.build import Scan, open_cases
from bioloc.cohorts.manifest import Case, by_scan
from bioloc.cohorts.packed import Pile, pack, squeeze
from bioloc.cohorts.workers import for_each
from bioloc.files import folder_written_aside
from bioloc.params import Grid
from bioloc.tasks import Task

_FILES = ("bits", "skin", "worth_bits", "worth_value", "factors")
"""Each has two columns in candidates.csv, `_first` and `_end`, that say which part of it is a case's."""


def build_candidates(cases: list[Case], task: Task, grid: Grid, folder: Path, workers: int) -> None:
    """Write candidates.csv, bits.npy, and the worth on the working grid: where there is any, and how much there.

    They go to worth_bits.npy and worth_value.npy (float32). Lesions' density factors, one byte a candidate pixel, go to
    factors.npy; what is no candidate for lying in the skin to skin.npy. Masks are packed, worth is squeezed
    (`cohorts/packed.py`).
    """
    with folder_written_aside(folder) as aside:
        rows = []
        with ExitStack() as stack:
            piles = {name: stack.enter_context(Pile(aside / f"{name}.npy")) for name in _FILES}
            one = partial(_of_scan, task=task, grid=grid)
            for found in for_each(one, by_scan(cases), workers, f"candidates {task.name}"):
                for row, arrays in found:
                    rows.append(row)
                    for name, array in arrays.items():
                        piles[name].add(array)
        table = pd.DataFrame(rows)
        for name, pile in piles.items():
            table[f"{name}_first"], table[f"{name}_end"] = pile.ends[:-1], pile.ends[1:]
        table.to_csv(aside / "candidates.csv", index=False, lineterminator="\n")


Row = tuple[dict[str, Any], dict[str, NDArray[Any]]]


def _of_scan(cases: list[Case], task: Task, grid: Grid) -> list[Row]:
    return [_candidates(case, scan, task) for case, (scan, _) in zip(cases, open_cases(cases, task, grid), strict=True)]


def _candidates(case: Case, scan: Scan, task: Task) -> Row:
    candidates = scan.candidates(task)
    worth = scan.placement.pool_worth(candidates.factor * np.float32(candidates.unit_worth))
    has_worth = worth != 0
    mask = candidates.mask
    row = {
        "case_id": case.case_id,
        "most": candidates.most(),
        "total": candidates.total(),
        "on_grid": float(worth.sum(dtype=np.float64)),
        "fraction": float(mask.mean()),
        "unit_worth": candidates.unit_worth,
    }
    factors = candidates.factor[mask] if task.rule == "lesions" else np.zeros(0, np.uint8)
    skin = np.zeros(0, np.uint8) if candidates.skin is None else pack(candidates.skin)
    worths = {"worth_bits": pack(has_worth), "worth_value": squeeze(worth[has_worth])}
    return row, {"bits": pack(mask), "skin": skin, **worths, "factors": factors}
