"""A prepared cohort in memory: images mapped from disk, candidates' worth, and on request the reference masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioloc.biomarkers.agatston import in_slice_components
from bioloc.biomarkers.candidates import Candidates
from bioloc.cohorts.grid import Placement
from bioloc.cohorts.packed import spread, unpack
from bioloc.errors import DataError
from bioloc.files import read_table
from bioloc.params import Grid
from bioloc.tasks import Task


@dataclass(frozen=True)
class Sample:
    """One case on the working grid: (S, H, W) int16 HU, float32 worth in the task's unit, and on demand uint8 depths in mm."""

    case_id: str
    hu: NDArray[np.int16]
    worth: NDArray[np.float32]
    value: float
    depth: NDArray[np.uint8] | None = None


class Cohort:
    """The samples of some splits; `table` has a row for each, in order."""

    def __init__(self, task: Task, grid: Grid, cohort: Path, candidates: Path, splits: Sequence[str]) -> None:
        """Open the folders that the stages `cohort` and `candidates` wrote.

        Raises:
            DataError: A folder is missing, or both are not of the same cases.
        """
        try:
            samples = read_table(cohort / "samples.csv")
            found = read_table(candidates / "candidates.csv")
            self._images = np.load(cohort / "images.npy", mmap_mode="r")
            self._arrays = {
                name: np.load(candidates / f"{name}.npy", mmap_mode="r")
                for name in ("bits", "skin", "worth_bits", "worth_value", "factors")
            }
            if task.depth:
                self._arrays["depth"] = np.load(cohort / "depth.npy", mmap_mode="r")
        except FileNotFoundError as error:
            missing = f"{error.filename} is missing: run the stages cohort and candidates of {task.name} first"
            raise DataError(f"{missing} (`dvc repro candidates@{task.name}`)") from None
        if samples["case_id"].tolist() != found["case_id"].tolist():
            raise DataError(f"{cohort} and {candidates} hold different cases: rerun `dvc repro candidates@{task.name}`")
        table = samples.join(found.drop(columns="case_id"))
        self.task, self.grid = task, grid
        self.table = table[table["split"].isin(splits)].reset_index(drop=True)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def values(self) -> NDArray[np.float64]:
        """(N,) known values, in the task's unit."""
        return self.table["value"].to_numpy(np.float64)

    def sample(self, number: int) -> Sample:
        """Case `number` on the working grid."""
        row = self._row(number)
        shape = (row["slices"], self.grid.size, self.grid.size)
        worth = np.zeros(shape, np.float32)
        worth[unpack(self._part("worth_bits", row), shape)] = spread(self._part("worth_value", row), np.float32, (-1,))
        rows = slice(row["first"], row["first"] + row["slices"])
        depth = None
        if self.task.depth:
            depth = spread(self._part("depth", row), np.uint8, (row["slices"], 2, self.grid.size, self.grid.size))
        return Sample(row["case_id"], np.asarray(self._images[rows]), worth, float(row["value"]), depth)

    def placement(self, number: int) -> Placement:
        """Where the working grid lies on case `number`."""
        row = self._row(number)
        return Placement(
            self.grid.size,
            self.grid.pixel_mm,
            (row["rows"], row["columns"]),
            (row["row_mm"], row["column_mm"]),
            (row["center_row"], row["center_column"]),
        )

    def spacing_mm(self, number: int) -> tuple[float, float, float]:
        """Slice increment, row and column spacing of case `number`."""
        row = self._row(number)
        return row["increment_mm"], row["row_mm"], row["column_mm"]

    def candidates(self, number: int) -> Candidates:
        """Candidates of case `number` on its native grid."""
        row = self._row(number)
        mask = unpack(self._part("bits", row), self.shape(number))
        factor = mask.astype(np.uint8)
        if self.task.rule != "lesions":
            skin = self._part("skin", row)
            return Candidates(factor, None, row["unit_worth"], unpack(skin, self.shape(number)) if len(skin) else None)
        factor[mask] = self._part("factors", row)
        # Components of the kept pixels are the kept components: they do not touch within a slice.
        return Candidates(factor, in_slice_components(mask), row["unit_worth"])

    def shape(self, number: int) -> tuple[int, int, int]:
        """Native (slices, rows, columns) of case `number`."""
        row = self._row(number)
        return row["slices"], row["rows"], row["columns"]

    def _part(self, name: str, row: Any) -> NDArray[Any]:
        part: NDArray[Any] = self._arrays[name][row[f"{name}_first"] : row[f"{name}_end"]]
        return part

    def _row(self, number: int) -> Any:
        return self.table.iloc[number].to_dict()


Opener = Callable[[list[str]], Cohort]
"""Opens some splits of a prepared cohort."""


class ReferenceMasks:
    """The packed masks that the stage `masks` wrote."""

    def __init__(self, folder: Path) -> None:
        """Open the folder.

        Raises:
            DataError: It is missing.
        """
        try:
            table = read_table(folder / "masks.csv")
            self._table = table.set_index("case_id")
            self._bits = np.load(folder / "bits.npy", mmap_mode="r")
        except FileNotFoundError as error:
            raise DataError(f"{error.filename} is missing: run the stage masks first") from None

    def mask(self, case_id: str, shape: tuple[int, int, int]) -> NDArray[np.bool_] | None:
        """(S, R, C) reference of a case on its native grid; None where the cohort has none."""
        row: Any = self._table.loc[case_id]
        return unpack(self._bits[int(row["bits_first"]) : int(row["bits_end"])], shape) if row["has_mask"] else None
