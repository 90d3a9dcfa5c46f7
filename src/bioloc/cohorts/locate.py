"""Which slice and region of a scan a task measures: as named, or found, with a sentence on how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioloc.anatomy import arch_slice, covers_chest_width, find_liver, heart_region
from bioloc.ct.image import CT
from bioloc.errors import AnatomyError, ImageError
from bioloc.tasks import Task

_LARGEST = "the slice where the region of interest is largest"


@dataclass(frozen=True)
class Place:
    """What of a scan a task measures.

    Attributes:
        slice_number: The slice, from the feet; None for a task that takes volumes.
        region: (S, R, C) region of interest, or None.
        found_slice: How the slice was found, in a sentence; None when a person named it.
        found_region: How the region was found, in a sentence; None when a person gave it.
    """

    slice_number: int | None
    region: NDArray[np.bool_] | None
    found_slice: str | None = None
    found_region: str | None = None


def locate(task: Task, ct: CT, region: NDArray[np.bool_] | None, slice_number: int | None, auto: bool) -> Place:
    """The slice and the region of a scan.

    Args:
        task: The biomarker.
        ct: The whole scan.
        region: (S, R, C) region of interest that a person gave, or None to find it.
        slice_number: The slice that a person named, from the feet, or None.
        auto: Whether the slice may be found.

    Raises:
        ImageError: There is no such slice; or a slice or region that is needed is neither named nor found.
    """
    try:
        return _located(task, ct, region, slice_number, auto)
    except AnatomyError as error:
        raise AnatomyError(f"{ct.source}: {error}") from error


def _located(task: Task, ct: CT, region: NDArray[np.bool_] | None, slice_number: int | None, auto: bool) -> Place:
    region, found_region = _region(task, ct, region)
    if task.volume:
        return Place(None, region, None, found_region)
    if slice_number is not None:
        return Place(ct.number_of_slice(slice_number), region, None, found_region)
    if len(ct.hu) == 1:
        return Place(0, region, None, found_region)
    if not auto:
        raise ImageError(
            f"{ct.source}: {task.title} is measured on one slice of this scan's {len(ct.hu)}: "
            "name it with --slice (from the feet, from 0), or let --slice auto find it"
        )
    number, rule = _slice(task, ct, region)
    return Place(number, region, rule, found_region)


def _region(task: Task, ct: CT, given: NDArray[np.bool_] | None) -> tuple[NDArray[np.bool_] | None, str | None]:
    if task.region == "none":
        return None, None
    if given is not None:
        if not given.any():
            raise ImageError(f"{ct.source}: the region of interest is empty: give the organ's mask")
        return given, None
    if task.region_finder == "heart":
        if not covers_chest_width(ct.hu, ct.spacing_mm):
            return None, None
        found = heart_region(ct.hu, ct.spacing_mm)
    else:
        found = find_liver(ct.hu, ct.spacing_mm)
    return found.mask, found.rule


def _slice(task: Task, ct: CT, region: NDArray[np.bool_] | None) -> tuple[int, str]:
    if task.slice_finder == "arch":
        level = arch_slice(ct.hu, ct.spacing_mm)
        return level.slice_number, level.rule
    if region is None:
        raise ImageError(f"{ct.source}: --slice auto takes {_LARGEST}, and there is none: name the slice")
    return int(region.sum(axis=(1, 2)).argmax()), _LARGEST
