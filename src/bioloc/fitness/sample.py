"""The part of a scan that a task measures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bioloc.ct.image import CT
from bioloc.tasks import Task

Box = tuple[slice, slice, slice]
_MIDDLE = 0.6


@dataclass(frozen=True)
class Sample:
    """The measured slice of a scan, or all of its slices, as the checks look at it.

    Attributes:
        task: The biomarker.
        hu: (S, R, C) int16, HU.
        spacing_mm: Slice increment, row and column spacing.
        thickness_mm: Nominal thickness of a slice, where the header tells it.
        region: (S, R, C) region of interest; None where there is none, or none of it on the slice.
    """

    task: Task
    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float, float]
    thickness_mm: float | None
    region: NDArray[np.bool_] | None

    @classmethod
    def of(cls, task: Task, ct: CT, region: NDArray[np.bool_] | None, slice_number: int | None) -> Sample:
        """What `task` measures of `ct`; `slice_number` may be None for a volume, or where there is one slice.

        Raises:
            ImageError: The scan has no such slice.
        """
        number = None if task.volume else ct.number_of_slice(slice_number or 0)
        part = slice(None) if number is None else slice(number, number + 1)
        inside = None if region is None or not region[part].any() else region[part]
        return cls(task, ct.hu[part], ct.spacing_mm, ct.acquisition.slice_thickness_mm, inside)

    @cached_property
    def box(self) -> Box:
        """Bounding box of the region; all there is, where there is no region."""
        if self.region is None:
            return slice(0, self.hu.shape[0]), slice(0, self.hu.shape[1]), slice(0, self.hu.shape[2])
        slices, rows, columns = ndimage.find_objects(self.region.astype(np.uint8))[0]
        return slices, rows, columns


def middle_of(span: slice, most: float = np.inf) -> slice:
    """The middle three fifths of a span, or less of it where that is more than `most`."""
    length = span.stop - span.start
    margin = round((length - min(_MIDDLE * length, most)) / 2)
    return slice(span.start + margin, span.stop - margin)
