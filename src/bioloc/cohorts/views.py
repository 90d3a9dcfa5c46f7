"""Patches: a network need only run where candidates are, as long as the sum is over the whole volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MARGIN = 4
"""Pixels of context around a patch's core on each side."""


@dataclass(frozen=True)
class View:
    """One window of a sample: the slice, its first row and column, and the worth that it answers for.

    `worth` is (side, side) float32, and over all views of a sample each grid pixel's worth occurs exactly once.
    """

    slice_number: int
    row: int
    column: int
    worth: NDArray[np.float32]


def views_of(worth: NDArray[np.float32], side: int) -> list[View]:
    """Cover a sample's candidates with square windows.

    Args:
        worth: (S, H, W) float32, worth on the working grid.
        side: The windows' side; 0 gives each slice as it is.
    """
    if side == 0:
        return [View(number, 0, 0, slice_worth) for number, slice_worth in enumerate(worth)]
    return [view for number in np.flatnonzero(worth.any(axis=(1, 2))) for view in _cover(int(number), worth[number], side)]


def _cover(number: int, worth: NDArray[np.float32], side: int) -> list[View]:
    """Greedy: a core window around the mean of the points near the first one left, until none is left."""
    core = side - 2 * MARGIN
    last = worth.shape[0] - side
    points = np.argwhere(worth > 0)
    views = []
    while len(points):
        near = points[(np.abs(points - points[0]) < core).all(axis=1)]
        corner = np.clip(np.rint(near.mean(axis=0)).astype(int) - core // 2, points[0] - core + 1, points[0])
        held = ((points >= corner) & (points < corner + core)).all(axis=1)
        row, column = np.clip(corner - MARGIN, 0, max(last, 0))
        mine = points[held]
        part = np.zeros((side, side), np.float32)
        part[mine[:, 0] - row, mine[:, 1] - column] = worth[mine[:, 0], mine[:, 1]]
        views.append(View(number, int(row), int(column), part))
        points = points[~held]
    return views
