"""The study's cohort with its organ regions made wrong: what a model says when the outline it is given is poor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from bioloc.cohorts.build import build_cohort
from bioloc.cohorts.candidates import build_candidates
from bioloc.cohorts.load import Cohort, ReferenceMasks
from bioloc.cohorts.manifest import Case, by_scan, read_manifest
from bioloc.ct.image import CT
from bioloc.ct.read import labels_in, read_ct, read_mask
from bioloc.ct.write import write_nifti
from bioloc.errors import DataError, UsageError
from bioloc.params import Params
from bioloc.project import Project
from bioloc.stages.study_variants import RegionChange
from bioloc.tasks import Task

Mask = NDArray[np.bool_]


def cohort_with_regions(
    project: Project, params: Params, task: Task, change: RegionChange, splits: list[str], folder: Path
) -> Cohort:
    """Splits of the raw cohort, prepared anew in `folder` with every region changed: grid, candidates and worth follow it.

    A case whose region is gone from the slice that is measured is left out.

    Raises:
        UsageError: The task has no region.
        DataError: No case is left.
    """
    if task.region == "none":
        raise UsageError(f"{task.name} has no region of interest that could be wrong: choose another task for study regions")
    raw = read_manifest(project.raw(task.name) / "manifest.csv", task)
    scans = by_scan([case for case in raw if case.split in splits and case.region is not None])
    cases = [
        case for number, scan in enumerate(scans) for case in _changed(scan, change, folder / "regions" / f"{number}.nii.gz")
    ]
    if not cases:
        raise DataError(f"{task.name}: no case of {', '.join(splits)} has a region left: make the change smaller")
    grid = params.task(task.name).grid
    build_cohort(cases, task, grid, folder / "cohort", params.threads)
    build_candidates(cases, task, grid, folder / "candidates", params.threads)
    return Cohort(task, grid, folder / "cohort", folder / "candidates", splits)


def changed_region(region: Mask, spacing_mm: tuple[float, float, float], change: RegionChange) -> Mask:
    """(S, R, C) region with its rim moved, then shifted by whole pixels; what leaves the image is lost."""
    if change.grow_mm > 0 and region.any():
        region = ndimage.distance_transform_edt(~region, sampling=spacing_mm) <= change.grow_mm
    elif change.grow_mm < 0 and not region.all():
        region = ndimage.distance_transform_edt(region, sampling=spacing_mm) > -change.grow_mm
    columns = round(change.left_mm / spacing_mm[2])
    if columns:
        region = np.roll(region, columns, axis=2)
        region[:, :, slice(None, columns) if columns > 0 else slice(columns, None)] = False
    return region


def dice_whole(table: pd.DataFrame, cohort: Cohort, masks: ReferenceMasks) -> NDArray[np.float64]:
    """(N,) Dice against the whole reference, also what the changed region has lost of it; not-a-number for an empty one.

    The evaluation's own Dice is against what may count of the reference. Its precision and recall give the overlap
    back: with p and r inside n of N reference pixels the mask holds r * n / p pixels, r * n of them right.

    Args:
        table: From `predict_cohort` of this cohort.
        cohort: The cohort with changed regions.
        masks: The study's reference masks.
    """
    found = []
    for number, (case, precision, recall) in enumerate(zip(table["case_id"], table["precision"], table["recall"], strict=True)):
        reference = masks.mask(str(case), cohort.shape(number))
        if reference is None or not reference.any():
            found.append(np.nan)
            continue
        right = recall * int((reference & cohort.candidates(number).countable).sum())
        found.append(2 * right / (right / precision + int(reference.sum())) if right > 0 else 0.0)
    return np.array(found)


def _changed(scan: list[Case], change: RegionChange, path: Path) -> list[Case]:
    """The cases of one scan with the changed region, which is written to `path`; none where it is gone."""
    first = scan[0]
    ct = read_ct(first.image)
    region = changed_region(_region(first, ct), ct.spacing_mm, change)
    write_nifti(path, region.astype(np.uint8), ct)
    left = [case for case in scan if (region if case.slice_number is None else region[case.slice_number]).any()]
    return [replace(case, region=path, region_labels=()) for case in left]


def _region(case: Case, ct: CT) -> Mask:
    assert case.region is not None  # noqa: S101  # cohort_with_regions chose those that have one
    return labels_in(read_mask(case.region, ct), case.region_labels)
