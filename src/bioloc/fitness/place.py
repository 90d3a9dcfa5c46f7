"""Whether the right part of the body is seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bioloc.ct.body import body_mask
from bioloc.fitness.finding import Finding
from bioloc.fitness.sample import Sample, middle_of

LUNG_HU = (-960, -500)
"""Aerated lung. Room air and bowel gas lie below it, fat far above."""
LEAST_LUNG = 0.12
"""Share of lung in all that is not air: our choice, since chests have some times as much and abdomens hardly any."""
LEAST_BODY_CM2 = 30.0
"""A smaller thing is no trunk, not even a newborn's."""
_SLICES = 7
"""A volume is looked at on so many slices."""


def check_place(sample: Sample, named: bool) -> Iterator[Finding]:
    """A body, lungs where the task lies among them, and plausible HU of the region.

    The header's body part is not asked: 15 % of these entries were wrong where it was looked into (Güld 2002).

    Args:
        sample: What is measured.
        named: A person chose the slice: the wrong place is only warned of. So it is in a volume, whose region was given or
            found, or which a person cut to the heart.
    """
    needs = sample.task.needs
    trusted = sample.task.volume or named
    planes = sample.hu[_spread(sample.box[0])]
    bodies = np.stack([body_mask(plane) for plane in planes])
    area = float(bodies.sum(axis=(1, 2)).max()) * sample.spacing_mm[1] * sample.spacing_mm[2] / 100
    if area < LEAST_BODY_CM2:
        yield Finding(
            "no-body",
            "refuse",
            f"no body is seen, the largest thing denser than fat covers {area:.0f} cm2: use another slice or scan",
        )
        return
    share = lung_share(planes, bodies)
    if needs.lungs is not None and share < LEAST_LUNG:
        yield Finding(
            "body-part",
            "warn" if trusted else needs.lungs,
            f"lungs are {share:.1%} of what is seen, where at least {LEAST_LUNG:.0%} are expected, since "
            f"{sample.task.title} is measured in the chest: use another slice or scan",
        )
    if needs.region_hu is not None and sample.region is not None:
        low, high = needs.region_hu
        median = float(np.median(sample.hu[sample.region]))
        if not low <= median <= high:
            yield Finding(
                "body-part",
                "warn" if trusted else "refuse",
                f"the region of interest has a median of {median:.0f} HU, where {low:g} to {high:g} are expected: "
                "check that the mask outlines the right organ of this scan",
            )


def lung_share(planes: NDArray[np.int16], bodies: NDArray[np.bool_]) -> float:
    """The share of aerated lung in (S, R, C) slices, of all that is not air, in the middle of the body's height and width.

    Table and mattress, whose foam has the HU of lung, lie outside the middle.
    """
    rows, columns = ndimage.find_objects(bodies.any(axis=0).view(np.uint8))[0]
    middle = planes[:, middle_of(rows), columns]
    lung = (middle >= LUNG_HU[0]) & (middle <= LUNG_HU[1])
    return float(lung.sum()) / max(int((middle >= LUNG_HU[0]).sum()), 1)


def _spread(slices: slice) -> list[int]:
    return sorted({int(number) for number in np.linspace(slices.start, slices.stop - 1, _SLICES)})
