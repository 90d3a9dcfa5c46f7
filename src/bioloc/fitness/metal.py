"""Whether metal spoils the HU."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bioloc.ct.body import body_mask
from bioloc.fitness.finding import Finding
from bioloc.fitness.sample import Sample

METAL_HU = 2500
"""No bone of the trunk and no calcium is denser."""
SOME_ML, MUCH_ML = 0.05, 4.0
"""In a volume: a stent or a wire; the screws and rods of a spine. Our choice, above what the study's phantoms hold."""
SOME_CM2, MUCH_CM2 = 0.05, 2.0
"""On a slice: a clip; a pacemaker, the head of a joint. Our choice."""
_MARGIN_MM = 20.0
"""Streaks from metal this near to the region reach into it."""


def check_metal(sample: Sample) -> Iterator[Finding]:
    """Voxels above 2500 HU in the body of a slice, or in and near the region: their streaks falsify what is measured."""
    increment, row, column = sample.spacing_mm
    if sample.task.volume:
        amount, some, much, unit = _voxels(sample) * increment * row * column / 1000, SOME_ML, MUCH_ML, "mL"
    else:
        amount, some, much, unit = _voxels(sample) * row * column / 100, SOME_CM2, MUCH_CM2, "cm2"
    if amount < some:
        return
    if amount >= much:
        advice = "so much of it makes the HU around unreliable: use another slice or scan"
    else:
        advice = "look at the overlay whether it, or its streaks, were measured"
    yield Finding(
        "metal", "refuse" if amount >= much else "warn", f"{amount:.2g} {unit} of metal (above {METAL_HU} HU) lie there: {advice}"
    )


def _voxels(sample: Sample) -> int:
    """Metal in the body; where there is a region, only in its box and near it. A table may be of metal, too."""
    slices, *spans = sample.box
    rows, columns = (
        slice(max(span.start - round(_MARGIN_MM / size), 0), span.stop + round(_MARGIN_MM / size))
        for span, size in zip(spans, sample.spacing_mm[1:], strict=True)
    )
    metal = sample.hu[slices] >= METAL_HU
    holding = np.flatnonzero(metal.any(axis=(1, 2)))
    return sum(int((metal[k] & body_mask(sample.hu[slices][k]))[rows, columns].sum()) for k in holding)
