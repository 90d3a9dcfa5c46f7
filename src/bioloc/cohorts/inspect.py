"""Open every scan that a source found, once: what it gives to the cohort, or why it is skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioloc.biomarkers.measure import measure
from bioloc.cohorts.locate import locate
from bioloc.cohorts.manifest import Case, by_scan
from bioloc.cohorts.sources.found import Opened, Skipped
from bioloc.cohorts.workers import for_each
from bioloc.ct.read import labels_in, read_ct, read_mask
from bioloc.ct.write import write_nifti
from bioloc.errors import ImageError, reason_of
from bioloc.tasks import Task

Samples = Callable[[Case, Opened], list[Case]]


@dataclass(frozen=True)
class Usable:
    """A scan that can be used: the case as it was found, and its samples, with slice and value filled in."""

    found: Case
    samples: list[Case]


def inspect(cases: list[Case], task: Task, samples: Samples, workers: int, regions: Path | None) -> Iterator[Usable | Skipped]:
    """What becomes of each case, in order.

    Args:
        cases: As a source found them.
        task: The biomarker.
        samples: The source's rule from an opened scan to samples.
        workers: Processes.
        regions: Folder to write regions to that were found in the scan, or are some labels of a file; None
            writes nothing.
    """
    one = partial(_inspect, task=task, samples=samples, regions=regions)
    for results in for_each(one, by_scan(cases), workers, f"scans {task.name}"):
        yield from results


def _inspect(group: list[Case], task: Task, samples: Samples, regions: Path | None) -> list[Usable | Skipped]:
    """The cases of one image."""
    try:
        scan, region = _open(group[0], task, regions)
    except Exception as error:  # whatever a scan brings about: the others are still to be used
        return [Skipped(case.case_id, reason_of(error)) for case in group]
    results: list[Usable | Skipped] = []
    for case in group:
        try:
            chosen = samples(replace(case, region=region, region_labels=()) if region else case, scan)
            results.append(Usable(case, [_filled_in(sample, scan, task) for sample in chosen]))
        except Exception as error:
            results.append(Skipped(case.case_id, reason_of(error)))
    return results


def _open(case: Case, task: Task, regions: Path | None) -> tuple[Opened, Path | None]:
    """The scan of a case, and where its region of interest was written, if it was."""
    ct = read_ct(case.image)
    labels = None if case.mask is None else read_mask(case.mask, ct)
    given = None
    if case.region is not None and task.region != "none":
        file = labels if labels is not None and case.region == case.mask else read_mask(case.region, ct)
        given = labels_in(file, case.region_labels)
    place = locate(task, ct, given, 0, auto=False)  # of its answer only the region: slices are the samples' own
    written = None
    if regions is not None and place.region is not None and (case.region_labels or place.found_region):
        written = regions / f"{case.case_id}.nii.gz"
        write_nifti(written, place.region.astype(np.uint8), ct)
    return Opened(ct, labels, place.region), written


def _filled_in(case: Case, scan: Opened, task: Task) -> Case:
    """The case with its slice and its value."""
    number = None if task.volume else locate(task, scan.ct, scan.region, case.slice_number, case.slice_auto).slice_number
    part = slice(None) if number is None else slice(number, number + 1)
    if task.region == "required" and (scan.region is None or not scan.region[part].any()):
        raise ImageError(f"{scan.ct.source}: the region of interest is empty on slice {number}")
    value = _measured(case, scan, task, part) if case.value is None else case.value
    return replace(case, value=value, slice_number=number, slice_auto=False)


def _measured(case: Case, scan: Opened, task: Task, part: slice) -> float:
    if scan.labels is None:
        raise ImageError(f"{scan.ct.source}: no value, and no mask to measure it from")
    labels: NDArray[np.uint16] = scan.labels[part]
    counted = np.where(labels_in(labels, case.mask_labels), labels, 0).astype(np.uint16, copy=False)
    return measure(task, scan.ct.hu[part], scan.ct.spacing_mm, counted).value
