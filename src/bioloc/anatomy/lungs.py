"""Lungs: the large volumes of air and tissue that the body encloses."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bioloc.anatomy.airway import find_airway, top_of_lungs
from bioloc.anatomy.coarse import IN_PLANE, Coarse, Mask, Spacing, coarsen, grow, largest
from bioloc.anatomy.region import giving_up
from bioloc.ct.body import BODY_HU
from bioloc.errors import AnatomyError

BLOCK_MM = 2.0
"""Our choice: a main bronchus is five or six blocks wide, and a chest of 512 x 512 x 300 voxels fits in 10 MB."""
AIR_HU = -400
"""Between inflated lung (about -850) and soft tissue (about 40)."""
GAS_HU = -960
"""Gas in the bowel lies below, the median of a lung above, also of an emphysematous one."""
LEAST_LUNG_ML = 200
LESS_THAN_A_LUNG = 0.15
"""Our choice: what has less than this share of the largest volume is no lung but gas in the stomach or the bowel."""
WALL_MM = 3.0
"""Our choice: wall of a large airway, with the rim where it is air in part."""


@dataclass(frozen=True)
class Chest:
    """A scan in blocks, with the air in it.

    Attributes:
        coarse: The scan.
        enclosed: (S, R, C) whatever body tissue surrounds in its axial slice.
        lungs: (S, R, C) both lungs, with the airways.
    """

    coarse: Coarse
    enclosed: Mask
    lungs: Mask


def find_chest(hu: NDArray[np.int16], spacing_mm: Spacing) -> Chest:
    """The lungs with their airways, in blocks.

    Raises:
        AnatomyError: There are none.
    """
    coarse = coarsen(hu, spacing_mm, BLOCK_MM)
    enclosed = _enclosed(coarse)
    labels, _ = ndimage.label(enclosed & (coarse.hu < AIR_HU))
    volumes = np.bincount(labels.ravel()) * coarse.voxel_ml
    volumes[0] = 0
    large = np.flatnonzero(volumes >= max(LEAST_LUNG_ML, LESS_THAN_A_LUNG * volumes.max()))
    chosen = [label for label in large if np.median(coarse.hu[labels == label]) > GAS_HU]
    if not chosen:
        raise AnatomyError("there is no lung, or too little of it, in the scan")
    return Chest(coarse, enclosed, np.isin(labels, chosen))


def lungs(hu: NDArray[np.int16], spacing_mm: Spacing) -> Mask:
    """Both lungs; trachea and main bronchi are left out where they can be told from them.

    Args:
        hu: (S, R, C) int16 HU, slices from the feet, columns to the patient's left.
        spacing_mm: Slice increment, row and column spacing.

    Raises:
        AnatomyError: There are no lungs in the scan.
    """
    with giving_up("the lungs", "give a scan of the chest"):
        chest = find_chest(hu, spacing_mm)
    coarse = chest.coarse
    block = max(coarse.spacing_mm[1:])
    near = grow(chest.lungs, block, coarse.spacing_mm)  # blocks that are lung in part
    with suppress(AnatomyError):  # a scan that shows too little of the airway
        near &= ~grow(find_airway(coarse, chest.enclosed, chest.lungs).mask, max(WALL_MM, block), coarse.spacing_mm)
        near[top_of_lungs(coarse, chest.lungs) + 1 :] = False  # there the trachea goes on to the neck
    return np.asarray(coarse.to_scan(near) & (hu < AIR_HU))


def _enclosed(coarse: Coarse) -> Mask:
    """All that the body surrounds within an axial slice: not the air outside, nor what table and clothes surround."""
    solid = coarse.hu > BODY_HU
    if max(coarse.spacing_mm[1:]) < 3:  # the shell of the table is thinner than a coarse voxel
        solid = np.asarray(ndimage.binary_opening(solid, IN_PLANE))
    holes, count = ndimage.label(~largest(solid), IN_PLANE)
    outside = np.zeros(count + 1, bool)
    for edge in (holes[:, 0], holes[:, -1], holes[:, :, 0], holes[:, :, -1]):
        outside[edge] = True
    outside[0] = True  # the body itself
    return np.asarray(~outside[holes])
