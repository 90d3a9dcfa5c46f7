"""Reference masks of a cohort, packed on the native grid: for evaluation and for the segmenter, never for value-only training."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioloc.cohorts.manifest import Case, by_scan
from bioloc.cohorts.packed import Pile, pack
from bioloc.cohorts.workers import for_each
from bioloc.ct.read import labels_in, read_ct, read_mask
from bioloc.files import folder_written_aside
from bioloc.tasks import Task


def build_masks(cases: list[Case], task: Task, folder: Path, workers: int) -> None:
    """Write masks.csv and bits.npy; a case without a mask has an empty entry and `has_mask` False."""
    with folder_written_aside(folder) as aside:
        with Pile(aside / "bits.npy") as bits:
            for found in for_each(partial(_masks, task=task), by_scan(cases), workers, f"masks {task.name}"):
                for part in found:
                    bits.add(part)
        table = pd.DataFrame({"case_id": [case.case_id for case in cases], "has_mask": [case.mask is not None for case in cases]})
        table["bits_first"], table["bits_end"] = bits.ends[:-1], bits.ends[1:]
        table.to_csv(aside / "masks.csv", index=False, lineterminator="\n")


def _masks(cases: list[Case], task: Task) -> list[NDArray[np.uint8]]:
    """The packed masks of the cases of one scan."""
    path = cases[0].mask
    if path is None:
        return [np.zeros(0, np.uint8) for _ in cases]
    labels = read_mask(path, read_ct(cases[0].image))
    return [pack(labels_in(labels[_part(case, task)], case.mask_labels)) for case in cases]


def _part(case: Case, task: Task) -> slice:
    number = None if task.volume else case.slice_number
    return slice(None) if number is None else slice(number, number + 1)
