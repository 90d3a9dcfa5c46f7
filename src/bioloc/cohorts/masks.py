"""Reference masks of a cohort, packed on the native grid: for evaluation and for the segmenter, never for value-only training."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioloc.cohorts.manifest import Case
from bioloc.cohorts.packed import pack, write_concatenated
from bioloc.cohorts.workers import for_each
from bioloc.ct.read import read_ct, read_mask
from bioloc.files import folder_written_aside
from bioloc.tasks import Task


def build_masks(cases: list[Case], task: Task, folder: Path, workers: int) -> None:
    """Write masks.csv and bits.npy; a case without a mask has an empty entry and `has_mask` False."""
    with folder_written_aside(folder) as aside:
        bits = list(for_each(partial(_mask, task=task), cases, workers, f"masks {task.name}"))
        ends = write_concatenated(aside / "bits.npy", bits)
        table = pd.DataFrame({"case_id": [case.case_id for case in cases], "has_mask": [case.mask is not None for case in cases]})
        table["bits_first"], table["bits_end"] = ends[:-1], ends[1:]
        table.to_csv(aside / "masks.csv", index=False, lineterminator="\n")


def _mask(case: Case, task: Task) -> NDArray[np.uint8]:
    if case.mask is None:
        return np.zeros(0, np.uint8)
    mask = read_mask(case.mask, read_ct(case.image)) > 0
    if not task.volume and case.slice_number is not None:
        mask = mask[case.slice_number : case.slice_number + 1]
    return pack(mask)
