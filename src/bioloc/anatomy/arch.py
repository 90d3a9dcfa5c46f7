"""The axial slice just above the aortic arch, where muscle and fat of the chest are measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioloc.anatomy.airway import find_airway, top_of_lungs
from bioloc.anatomy.coarse import Spacing
from bioloc.anatomy.lungs import find_chest
from bioloc.anatomy.region import giving_up
from bioloc.errors import AnatomyError

CARINA_TO_ARCH_MM = 42
"""Median height of the left subclavian artery's origin, at the top of the arch, above the carina: 42 mm, range 30 to 63, and 35
to 55 in 95 % of 150 people on CT (J. T. Kim et al., Anesth Analg 2007;105:735-8)."""
THICKEST_MM = 8
"""Our choice: thicker slices place carina and arch no better than the arch's height varies between people."""
LEAST_ABOVE_MM = 10
"""Our choice: lungs reach so far above the arch at least; where they do not, lungs or carina are mistaken or cut off."""


@dataclass(frozen=True)
class Level:
    """An axial slice found in a volume.

    Attributes:
        slice_number: From the feet, from 0.
        rule: One sentence: how it was found.
        landmarks: Slices of what it was found by.
    """

    slice_number: int
    rule: str
    landmarks: dict[str, int]


def arch_slice(hu: NDArray[np.int16], spacing_mm: Spacing) -> Level:
    """The slice just above the aortic arch lies 42 mm above the carina, where the trachea divides.

    Args:
        hu: (S, R, C) int16 HU, slices from the feet, columns to the patient's left.
        spacing_mm: Slice increment, row and column spacing.

    Raises:
        AnatomyError: There are no lungs, the airway is not found, the scan ends too low, or slices are too thick.
    """
    with giving_up("the slice above the aortic arch", "name the slice with --slice"):
        return _arch_slice(hu, spacing_mm)


def _arch_slice(hu: NDArray[np.int16], spacing_mm: Spacing) -> Level:
    if spacing_mm[0] > THICKEST_MM:
        raise AnatomyError(f"slices are {spacing_mm[0]:.3g} mm apart, and at most {THICKEST_MM} mm will do")
    chest = find_chest(hu, spacing_mm)
    coarse = chest.coarse
    airway = find_airway(coarse, chest.enclosed, chest.lungs)
    carina = coarse.slice_in_scan(airway.carina)
    lung_top = coarse.slice_in_scan(top_of_lungs(coarse, chest.lungs))
    number = carina + round(CARINA_TO_ARCH_MM / spacing_mm[0])
    above = (lung_top - number) * spacing_mm[0]
    if above < LEAST_ABOVE_MM:
        where = "the scan" if lung_top >= len(hu) - coarse.factors[0] else "lung"
        raise AnatomyError(f"{where} ends {(lung_top - carina) * spacing_mm[0]:.0f} mm above the carina in slice {carina}")
    rule = f"{CARINA_TO_ARCH_MM} mm above the carina (slice {carina}), the median height of the left subclavian artery's origin"
    return Level(number, rule, {"carina": carina, "lung_top": lung_top})
