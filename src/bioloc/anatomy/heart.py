"""A box around the heart and the ascending aorta, without the spine: where coronary calcium is looked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from bioloc.anatomy.airway import find_airway
from bioloc.anatomy.coarse import Mask, Spacing, flat, largest, opened
from bioloc.anatomy.lungs import find_chest
from bioloc.anatomy.region import Region, giving_up
from bioloc.anatomy.spine import front_of_spine
from bioloc.errors import AnatomyError

SOFT_HU = -30
"""Above fat, below blood."""
SMOOTH_MM = 3
VESSELS_MM = 12
"""Our choice: the radius that takes away the lungs' vessels and leaves the heart."""
LUNG_LEFT_AT_DOME, LUNG_LEFT_BELOW_HEART = 0.75, 0.3
"""Our choice: shares of the right lung's largest cross-section. At the first the liver's dome has begun to fill its base; at the
second, some 5 cm lower, the heart has ended."""
LEAST_HEIGHT_MM, MOST_HEIGHT_MM = 100, 170
"""Our choice: the heart reaches at least and at most so far below the carina. The coronaries alone take up 72 to 105 mm, and
stand in no fixed relation to the carina (Acad Radiol 2000;7:620-6)."""
LEAST_SEEN_MM = 60
"""Our choice: the heart's width is looked for in this height at least."""
MARGIN_MM = (10, 20)
"""Our choice, to the right and to the left, where the apex comes out lower than the slices that are looked at."""
BESIDE_SPINE_MM, BEHIND_FRONT_MM = 25, 15
"""Our choice: beside the vertebra the left ventricle may lie as far behind its front as this."""


def heart_region(hu: NDArray[np.int16], spacing_mm: Spacing) -> Region:
    """The heart lies between the lungs, from the carina down to the diaphragm, in front of the spine.

    Args:
        hu: (S, R, C) int16 HU, slices from the feet, columns to the patient's left; the chest in its whole width.
        spacing_mm: Slice increment, row and column spacing.

    Raises:
        AnatomyError: There are no lungs, airway or spine to go by, or the scan ends within the heart.
    """
    with giving_up("the heart", "give its region with --roi"):
        chest = find_chest(hu, spacing_mm)
        coarse = chest.coarse
        airway = find_airway(coarse, chest.enclosed, chest.lungs)
        dome, bottom = _dome_and_bottom(chest.lungs, airway.carina, round(airway.column), coarse.spacing_mm[0])
        part = slice(bottom, airway.carina + 1)
        room = _between_lungs(chest.lungs[part])
        room &= ~_spine(room.shape, front_of_spine(coarse, airway)[part], airway.column, coarse.spacing_mm)
        smooth = ndimage.gaussian_filter(
            coarse.hu[part].astype(np.float32), [SMOOTH_MM / step for step in flat(coarse.spacing_mm)]
        )
        soft = room & ~chest.lungs[part] & (smooth > SOFT_HU)
        room &= _columns(soft[dome - bottom :], coarse.spacing_mm)
    whole = np.zeros(coarse.hu.shape, bool)
    whole[part] = room
    high, low = coarse.slice_in_scan(airway.carina), coarse.slice_in_scan(bottom)
    rule = f"between the lungs and before the spine, from the carina (slice {high}) down to the lungs' base (slice {low})"
    return Region(coarse.to_scan(whole), rule)


def _dome_and_bottom(lungs: Mask, carina: int, middle: int, height_mm: float) -> tuple[int, int]:
    """The slice where the heart's width is last looked at and the heart's lowest, from how the right lung dwindles downwards.

    Raises:
        AnatomyError: The scan does not reach as low as the heart.
    """
    area = lungs[: carina + 1, :, :middle].sum(axis=(1, 2))
    widest = int(area.argmax())
    dome, bottom = (
        _above_last_below(area[:widest], share * area[widest]) for share in (LUNG_LEFT_AT_DOME, LUNG_LEFT_BELOW_HEART)
    )
    most, least, seen = (carina - round(mm / height_mm) for mm in (MOST_HEIGHT_MM, LEAST_HEIGHT_MM, LEAST_SEEN_MM))
    if least < 0:
        raise AnatomyError(f"the scan ends {carina * height_mm:.0f} mm below the carina, within the heart")
    bottom = int(np.clip(bottom, max(most, 0), least))
    return max(bottom, min(dome, seen)), bottom


def _above_last_below(area: NDArray[np.int64], least: float) -> int:
    """The slice above the highest whose area is less; 0 when all have more."""
    below = np.flatnonzero(area < least)
    return int(below[-1]) + 1 if len(below) else 0


def _between_lungs(lungs: Mask) -> Mask:
    """The convex hull of both lungs in each slice and those above: the chest widens downwards, and lung gives way to liver."""
    hulls = np.stack([_hull(plane) for plane in lungs])
    return np.asarray(np.logical_or.accumulate(hulls[::-1])[::-1])


def _hull(plane: Mask) -> Mask:
    """The convex hull of a (R, C) mask; nothing where it has no area."""
    points = np.argwhere(plane & ~ndimage.binary_erosion(plane))
    try:
        sides = ConvexHull(points).equations
    except (QhullError, ValueError):
        return np.zeros_like(plane)
    rows, columns = np.arange(plane.shape[0])[:, None], np.arange(plane.shape[1])
    inside = np.ones(plane.shape, bool)
    for along_rows, along_columns, offset in sides:
        inside &= along_rows * rows + (along_columns * columns + offset) <= 1e-6
    return inside


def _spine(shape: tuple[int, ...], front: NDArray[np.float64], column: float, spacing_mm: Spacing) -> Mask:
    """All that lies behind the vertebrae's front; beside them a little further back."""
    rows, columns = np.arange(shape[1])[:, None], np.arange(shape[2])
    beside = np.abs(columns - column) * spacing_mm[2] > BESIDE_SPINE_MM
    return np.asarray(rows >= front[:, None, None] + np.where(beside, BEHIND_FRONT_MM / spacing_mm[1], 0))


def _columns(soft: Mask, spacing_mm: Spacing) -> Mask:
    """(C,) the columns of the largest piece of soft tissue, with their margins.

    Raises:
        AnatomyError: There is none.
    """
    found = np.flatnonzero(largest(opened(soft, VESSELS_MM, flat(spacing_mm))).any(axis=(0, 1)))
    if not len(found):
        raise AnatomyError("no heart is seen between the lungs")
    right, left = (mm / spacing_mm[2] for mm in MARGIN_MM)
    columns = np.arange(soft.shape[2])
    return np.asarray((columns >= found[0] - right) & (columns <= found[-1] + left))
