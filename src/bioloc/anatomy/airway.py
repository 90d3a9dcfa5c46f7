"""The trachea, followed from the lungs' apices down to where it divides.

The lumen is followed from slice to slice with the highest threshold at which it does not leak into the lung, as its shape tells:
an idea of airway segmentation (Mori et al., Recognition of bronchus in three-dimensional X-ray CT images, ICPR 1996).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bioloc.anatomy.coarse import IN_PLANE, Coarse, Mask
from bioloc.errors import AnatomyError

THRESHOLDS_HU = (-600, -700, -800, -870, -920, -950)
LUMEN_MM2 = (60, 900)
"""Cross-sections that are followed. A trachea has 194 (SD 35) mm² in women and 272 (33) in men (J Comput Assist Tomogr
1984;8:1076-82); where it divides it is about twice as wide."""
LEAST_BRANCH_MM2 = 30
FROM_MIDDLE_MM = 30
"""Our choice: a trachea lies within this of the middle of both lungs, and an apex of a lung beyond."""
LEAST_APEX_MM2 = 100
BELOW_TOP_MM = 30
"""Our choice: within this of the lungs' top the trachea is seen apart from the lungs."""
LEAST_LENGTH_MM = 45
"""Our choice: what divides sooner below where it was found may be a main bronchus, in a scan that ends at the carina."""
BRANCHES_APART_MM = 12
"""Our choice: main bronchi part by more than a trachea's radius; the walls of a tube in it do not."""
BRANCHES_LONG_MM = 8
"""Our choice: what joins again within this was slime, noise or a tube."""


@dataclass(frozen=True)
class Airway:
    """Trachea and the beginning of the main bronchi, in blocks.

    Attributes:
        mask: (S, R, C) the lumen.
        carina: The highest slice where there are two main bronchi.
        row: Middle of the trachea just above.
        column: The same.
    """

    mask: Mask
    carina: int
    row: float
    column: float


def find_airway(coarse: Coarse, enclosed: Mask, lungs: Mask) -> Airway:
    """Find the trachea between the lungs' apices and follow it to its division.

    Raises:
        AnatomyError: There is no trachea to be seen, it is lost on the way, or the scan ends before it divides.
    """
    start, lumen = _highest_lumen(coarse, enclosed, lungs)
    mask = np.zeros(enclosed.shape, bool)
    mask[start] = lumen
    carina, above, before = None, lumen, [lumen]
    for number in range(start - 1, -1, -1):
        parts = _continued(coarse.hu[number], enclosed[number], lumen, coarse.pixel_mm2)
        if not parts:
            break
        if carina is None and _two_branches(parts, coarse.spacing_mm[2]):
            carina, above = number, lumen
        elif carina is not None and _joined(parts, before):
            carina = None
        before = parts
        mask[number] = lumen = np.any(parts, axis=0)
        if carina is not None and (carina - number) * coarse.spacing_mm[0] >= BRANCHES_LONG_MM:
            break
    if carina is None:
        raise AnatomyError("the scan ends above the carina" if mask[0].any() else "the airway is lost above the carina")
    if (start - carina) * coarse.spacing_mm[0] < LEAST_LENGTH_MM:
        raise AnatomyError(f"less than {LEAST_LENGTH_MM} mm of the trachea is in the scan")
    row, column = ndimage.center_of_mass(above)
    return Airway(mask, carina, float(row), float(column))


def top_of_lungs(coarse: Coarse, lungs: Mask) -> int:
    """The highest slice of blocks with lung at the side: the trachea, which goes on to the neck, is not meant.

    Raises:
        AnatomyError: There is none.
    """
    labels, sizes, beside = _cross_sections(lungs, _middle(lungs), coarse)
    apex = (sizes >= LEAST_APEX_MM2) & (beside > FROM_MIDDLE_MM)
    found = np.flatnonzero(apex[labels].any(axis=(1, 2)))
    if not len(found):
        raise AnatomyError("no lung is seen beside the middle")
    return int(found[-1])


def _middle(lungs: Mask) -> float:
    return float(np.average(np.arange(lungs.shape[2]), weights=lungs.sum(axis=(0, 1))))


def _cross_sections(air: Mask, middle: float, coarse: Coarse) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Labels of the connected parts of each slice, and by label their area in mm² and distance in mm from the middle column."""
    labels, count = ndimage.label(air, IN_PLANE)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    columns = np.broadcast_to(np.arange(air.shape[2]), air.shape)
    middles = np.bincount(labels.ravel(), columns.ravel(), minlength=count + 1) / np.maximum(sizes, 1)
    sizes[0] = 0  # what is no air
    return np.asarray(labels), np.asarray(sizes * coarse.pixel_mm2), np.abs(middles - middle) * coarse.spacing_mm[2]


def _highest_lumen(coarse: Coarse, enclosed: Mask, lungs: Mask) -> tuple[int, Mask]:
    """The slice where the trachea begins to be followed, and its lumen there.

    It belongs to the longest pile of cross-sections near the middle, among those that reach the lungs' top.
    """
    labels, sizes, beside = _cross_sections(enclosed & (coarse.hu < THRESHOLDS_HU[0]), _middle(lungs), coarse)
    piles, _ = ndimage.label(((sizes >= LUMEN_MM2[0]) & (sizes <= LUMEN_MM2[1]) & (beside <= FROM_MIDDLE_MM))[labels])
    top = top_of_lungs(coarse, lungs)
    found = [
        (place[0].stop - place[0].start, label)
        for label, place in enumerate(ndimage.find_objects(piles), start=1)
        if place[0].start <= top < place[0].stop + BELOW_TOP_MM / coarse.spacing_mm[0]
    ]
    if not found:
        raise AnatomyError("no trachea is seen between the lungs' apices")
    pile = piles == max(found)[1]
    slices = np.flatnonzero(pile.any(axis=(1, 2)))
    start = int(slices[slices <= top][-1])
    return start, pile[start]


def _continued(plane: NDArray[np.int16], enclosed: Mask, lumen: Mask, pixel_mm2: float) -> list[Mask]:
    """The parts of the lumen one slice further, with the highest threshold that does not leak; none when all do."""
    for threshold in THRESHOLDS_HU:
        labels, _ = ndimage.label(enclosed & (plane < threshold))
        sizes = np.bincount(labels.ravel()) * pixel_mm2
        touched = [label for label in np.unique(labels[lumen]) if label and sizes[label] >= LEAST_BRANCH_MM2]
        if touched and sizes[touched].sum() <= LUMEN_MM2[1]:
            return [labels == label for label in touched]
    return []


def _two_branches(parts: list[Mask], column_mm: float) -> bool:
    middles = [ndimage.center_of_mass(part)[1] * column_mm for part in parts]
    return bool(max(middles) - min(middles) >= BRANCHES_APART_MM)


def _joined(parts: list[Mask], branches: list[Mask]) -> bool:
    return any(sum(bool((part & branch).any()) for branch in branches) > 1 for part in parts)
