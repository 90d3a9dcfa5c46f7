"""How much of the chest a scan's field of view shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bioloc.anatomy.coarse import Spacing, coarsen
from bioloc.ct.image import AIR

NARROWEST_MM = 220
"""Our choice: adults' chests are wider, and fields of view for the heart alone are mostly narrower."""
BLOCK_MM = 4.0
LUNG_HU = (-950, -500)
PADDING_HU = AIR + 5
EDGE_BLOCKS = 4
"""Our choice: the edge of skin or table is in the range of lung in one or two blocks."""
LUNG_AT_EDGE = 0.3
"""Our choice: more of the field's side edge than a table in the picture takes up."""


def covers_chest_width(hu: NDArray[np.int16], spacing_mm: Spacing) -> bool:
    """Whether the chest fits in the field of view: it is wide enough, and its sides do not cut through the lungs.

    False for a volume of the heart alone, which is its own region of interest.

    Args:
        hu: (S, R, C) int16 HU, columns to the patient's left.
        spacing_mm: Slice increment, row and column spacing.
    """
    if hu.shape[2] * spacing_mm[2] < NARROWEST_MM:
        return False
    coarse = coarsen(hu, spacing_mm, BLOCK_MM).hu
    return all(_lung_at_edge(side) < LUNG_AT_EDGE for side in (coarse, coarse[:, :, ::-1]))


def _lung_at_edge(hu: NDArray[np.int16]) -> float:
    """The share of rows that begin with lung, once within the round field that was scanned."""
    first = (hu > PADDING_HU).argmax(axis=2)[:, :, None] + 1  # one on: the rim is padding in part
    near = np.take_along_axis(hu, np.minimum(first + np.arange(EDGE_BLOCKS), hu.shape[2] - 1), axis=2)
    typical = np.median(near, axis=2)
    return float(((typical > LUNG_HU[0]) & (typical < LUNG_HU[1])).mean())
