"""Whether voxels are fine enough, and slices many enough."""

from __future__ import annotations

from collections.abc import Iterator

from bioloc.fitness.finding import Finding
from bioloc.fitness.sample import Sample

_GAP = 0.8
"""A slice thinner than this share of the increment leaves a gap; our choice, since headers round."""


def check_sampling(sample: Sample) -> Iterator[Finding]:
    """Slice increment and gaps, pixel size, and how much of the organ's height was scanned."""
    needs, (_, row, column) = sample.task.needs, sample.spacing_mm
    yield from _slices(sample)
    if max(row, column) > needs.pixel_mm:
        yield Finding(
            "pixels",
            "warn",
            f"pixels of {row:.3g} x {column:.3g} mm are larger than {needs.pixel_mm:g} mm: edges are uncertain by as much, "
            "so use a finer reconstruction, if there is one",
        )
    least, span = needs.height_mm, sample.box[0]
    height = (span.stop - span.start) * sample.spacing_mm[0]
    if least is not None and height < least and (span.start == 0 or span.stop == len(sample.hu)):
        yield Finding(
            "coverage",
            "warn",
            f"the scan ends after {height:.0f} mm of the organ's height, and a whole one has at least {least:g} mm: "
            "what lies beyond the last slice is not counted",
        )


def _slices(sample: Sample) -> Iterator[Finding]:
    if sample.task.needs.increment_mm is None:
        return
    low, high, limit = sample.task.needs.increment_mm
    increment, thickness = sample.spacing_mm[0], sample.thickness_mm
    seen = f"slices are {increment:.3g} mm apart, and {sample.task.title} is defined for about 3 mm"
    if increment > limit:
        yield Finding("slices", "refuse", f"{seen}: lesions between the slices are missed, so use thinner slices")
    elif increment > high:
        yield Finding("slices", "warn", f"{seen}: small lesions may be missed, so use thinner slices, if there are any")
    elif max(increment, thickness or 0) < low:
        yield Finding("slices", "warn", f"{seen}: the noise of thin slices counts too, so use slices of 3 mm, if there are any")
    if thickness is not None and thickness < _GAP * increment:
        yield Finding(
            "gaps",
            "warn",
            f"slices of {thickness:.3g} mm are {increment:.3g} mm apart: what lies in the gaps is not seen but guessed",
        )
