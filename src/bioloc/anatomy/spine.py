"""The front of the spine: the back of what lies in the mediastinum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bioloc.anatomy.airway import Airway
from bioloc.anatomy.coarse import Coarse
from bioloc.errors import AnatomyError

BONE_HU = 150
BEHIND_AIRWAY_MM = 5
"""Our choice: between trachea and vertebra lies the gullet."""
BESIDE_AIRWAY_MM = 30
WIDE_MM = 12
"""Our choice: a row with less bone than this is a calcified vessel or a spur, not yet the vertebra."""
SMOOTH_MM = 60
"""Our choice: two vertebrae with their discs."""
CORTEX_MM = 3
"""Our choice: the front edge is round, and its middle lies this far before a row of that width."""


def front_of_spine(coarse: Coarse, airway: Airway) -> NDArray[np.float64]:
    """(S,) the row of blocks, in each slice, where the vertebral bodies begin behind the airway.

    Raises:
        AnatomyError: No bone is seen there.
    """
    first_row = int(airway.row + BEHIND_AIRWAY_MM / coarse.spacing_mm[1])
    half = BESIDE_AIRWAY_MM / coarse.spacing_mm[2]
    columns = slice(max(0, round(airway.column - half)), round(airway.column + half) + 1)
    bone = coarse.hu[:, first_row:, columns] > BONE_HU
    solid = bone.sum(axis=2) * coarse.spacing_mm[2] >= WIDE_MM
    seen = np.flatnonzero(solid.any(axis=1))
    if not len(seen):
        raise AnatomyError("no vertebrae are seen behind the airway")
    rows = np.interp(np.arange(len(solid)), seen, solid[seen].argmax(axis=1) + first_row)
    smooth = ndimage.median_filter(rows, max(1, round(SMOOTH_MM / coarse.spacing_mm[0])), mode="nearest")
    return np.asarray(smooth - CORTEX_MM / coarse.spacing_mm[1])
