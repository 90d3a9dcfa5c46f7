"""Bring a cohort to the working grid once: samples.csv and a memory-mapped stack of slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioloc.biomarkers.candidates import Candidates, find_candidates
from bioloc.cohorts.grid import Placement
from bioloc.cohorts.manifest import Case, by_scan
from bioloc.cohorts.packed import Pile, squeeze
from bioloc.cohorts.workers import for_each
from bioloc.ct.body import body_mask, middle, under_skin
from bioloc.ct.depth import depths_mm
from bioloc.ct.image import CT
from bioloc.ct.read import labels_in, read_ct, read_mask
from bioloc.errors import ImageError
from bioloc.files import folder_written_aside
from bioloc.params import Grid
from bioloc.tasks import Task


@dataclass(frozen=True)
class Scan:
    """A scan as a task sees it: the slice or volume in question, with its region and place on the grid."""

    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float, float]
    region: NDArray[np.bool_] | None
    placement: Placement
    body_mm2: float
    slice_number: int | None

    def candidates(self, task: Task) -> Candidates:
        """The scan's candidates, without those in the skin where the task knows of it."""
        found = find_candidates(task, self.hu, self.spacing_mm, self.region)
        return found.without_skin(under_skin(self.hu, self.spacing_mm, task.skin_mm)) if task.skin_mm else found


def open_scan(task: Task, grid: Grid, ct: CT, region: NDArray[np.bool_] | None, slice_number: int | None) -> Scan:
    """Cut what the task measures out of a scan and place the working grid on it.

    Args:
        task: The biomarker.
        grid: Its working grid.
        ct: The whole scan.
        region: (S, R, C) region of interest or None.
        slice_number: The slice of a one-slice task; may be None when the scan has one slice.

    Raises:
        ImageError: A slice is needed, or a region that is missing or empty.
    """
    region = None if task.region == "none" else region
    if not task.volume:
        if slice_number is None and len(ct.hu) > 1:
            raise ImageError(
                f"{ct.source}: {task.title} is measured on one slice of this scan's {len(ct.hu)}: name it with --slice"
            )
        slice_number = ct.number_of_slice(slice_number or 0)
    else:
        slice_number = None
    part = slice(None) if slice_number is None else slice(slice_number, slice_number + 1)
    return place_scan(task, grid, ct.hu[part], ct.spacing_mm, None if region is None else region[part], slice_number)


def place_scan(
    task: Task,
    grid: Grid,
    hu: NDArray[np.int16],
    spacing_mm: tuple[float, float, float],
    region: NDArray[np.bool_] | None,
    slice_number: int | None = None,
) -> Scan:
    """Lay the working grid over the slices that a task measures.

    Raises:
        ImageError: The task needs a region, and it is missing or empty.
    """
    if task.region == "required" and (region is None or not region.any()):
        raise ImageError(
            f"{task.title} needs the organ's region of interest on the slice that is measured: there is none, or it is empty"
        )
    body = body_mask(hu[len(hu) // 2])
    anchor = region if task.anchor == "region" and region is not None else body if task.anchor == "body" else np.ones_like(body)
    center = middle(anchor) or ((hu.shape[1] - 1) / 2, (hu.shape[2] - 1) / 2)
    placement = Placement(grid.size, grid.pixel_mm, (hu.shape[1], hu.shape[2]), (spacing_mm[1], spacing_mm[2]), center)
    body_mm2 = float(body.sum()) * spacing_mm[1] * spacing_mm[2]
    return Scan(hu, spacing_mm, region, placement, body_mm2, slice_number)


def open_cases(cases: Sequence[Case], task: Task, grid: Grid) -> Iterator[tuple[Scan, CT]]:
    """Read a manifest's cases of one scan. Their reference mask, if any, is not touched."""
    first = cases[0]
    ct = read_ct(first.image)
    region = None
    if first.region is not None and task.region != "none":
        region = labels_in(read_mask(first.region, ct), first.region_labels)
    for case in cases:
        yield open_scan(task, grid, ct, region, case.slice_number), ct


def open_case(case: Case, task: Task, grid: Grid) -> tuple[Scan, CT]:
    """Read one case of a manifest."""
    return next(open_cases([case], task, grid))


def build_cohort(cases: list[Case], task: Task, grid: Grid, folder: Path, workers: int) -> None:
    """Write samples.csv, images.npy (N, size, size) int16 HU and, where the task has them, regions.npy and depth.npy.

    regions.npy (N, size, ceil(size / 8)) uint8 holds the pixels that lie at least half in the region, eight to a byte along a row
    (`numpy.packbits`); depth.npy the depths of `ct/depth.py`, (2, size, size) uint8 a slice, squeezed (`cohorts/packed.py`)
    case by case: `depth_first` and `depth_end` of samples.csv say which bytes are a case's.
    """
    with folder_written_aside(folder) as aside:
        rows = []
        names = ["images", *(["regions"] if task.region != "none" else []), *(["depth"] if task.depth else [])]
        with ExitStack() as stack:
            piles = {name: stack.enter_context(Pile(aside / f"{name}.npy")) for name in names}
            one = partial(_of_scan, task=task, grid=grid)
            for found in for_each(one, by_scan(cases), workers, f"cohort {task.name}"):
                for row, arrays in found:
                    rows.append({**row, "first": piles["images"].ends[-1]})
                    for name, pile in piles.items():
                        pile.add(arrays[name])
                    if task.depth:
                        rows[-1]["depth_first"], rows[-1]["depth_end"] = piles["depth"].ends[-2:]
        pd.DataFrame(rows).to_csv(aside / "samples.csv", index=False, lineterminator="\n")


Row = tuple[dict[str, Any], dict[str, NDArray[Any]]]


def _of_scan(cases: list[Case], task: Task, grid: Grid) -> list[Row]:
    opened = open_cases(cases, task, grid)
    return [_sample(case, scan, ct, task, grid) for case, (scan, ct) in zip(cases, opened, strict=True)]


def _sample(case: Case, scan: Scan, ct: CT, task: Task, grid: Grid) -> Row:
    row = {
        "case_id": case.case_id,
        "patient_id": case.patient_id,
        "value": case.value,
        "unit": case.unit,
        "split": case.split,
        "image": case.image.name,
        "slices": len(scan.hu),
        "rows": scan.hu.shape[1],
        "columns": scan.hu.shape[2],
        "file_slices": len(ct.hu),
        "slice": scan.slice_number,
        "increment_mm": scan.spacing_mm[0],
        "row_mm": scan.spacing_mm[1],
        "column_mm": scan.spacing_mm[2],
        "center_row": scan.placement.center[0],
        "center_column": scan.placement.center[1],
        "hu_min": int(scan.hu.min()),
        "hu_max": int(scan.hu.max()),
        "body_cm2": scan.body_mm2 / 100,
    }
    images = scan.placement.pool(scan.hu)
    arrays: dict[str, NDArray[Any]] = {"images": images}
    if task.depth:
        arrays["depth"] = squeeze(depths_mm(images, grid.pixel_mm))
    if task.region != "none":
        arrays["regions"] = _packed_region(scan, grid)
    return row, arrays


def _packed_region(scan: Scan, grid: Grid) -> NDArray[np.uint8]:
    """(S, size, ceil(size / 8)) bits of the working grid's pixels that lie at least half in the region; all without one."""
    inside = np.ones(scan.hu.shape, np.float32) if scan.region is None else scan.region.astype(np.float32)
    whole = grid.pixel_mm**2 / (scan.spacing_mm[1] * scan.spacing_mm[2])  # native pixels in one of the grid
    return np.packbits(scan.placement.pool_worth(inside) >= whole / 2, axis=-1)
