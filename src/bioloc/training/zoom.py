"""Images stretched or shrunk, and their values with them: an area grows with the determinant of what is done to the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from bioloc.ct.image import AIR
from bioloc.networks.views import Views


def zoomed(views: Views, share: float, rng: np.random.Generator) -> tuple[Views, float]:
    """The views made larger or smaller, rows and columns each by a factor of its own, and what this multiplies areas with.

    Rows and columns are repeated or left out, so that a pixel keeps its HU, its noise and its worth; which ones hangs on a
    random phase, so that areas are right in the mean. Beyond the image there is air. No candidate is pushed off the grid:
    what has no room becomes no larger.

    Args:
        views: Whole slices, (V, h, w).
        share: Factors lie between 1 - `share` and 1 + `share`.
        rng: Of this step.
    """
    held = (views.worth > 0).any(dim=0)
    taken, factors = [], []
    for axis, side in enumerate(held.shape):
        factor = min(rng.uniform(1 - share, 1 + share), _room(held.any(dim=1 - axis)))
        middle = (side - 1) / 2
        taken.append(((torch.arange(side) - middle) / factor + middle + rng.uniform(-0.5, 0.5)).round().long())
        factors.append(factor)
    growth = float(np.prod(factors))
    changed = views.changed(lambda grid: _taken(_taken(grid, taken[0], -2), taken[1], -1))
    outside = _taken(_taken(torch.ones(held.shape, dtype=torch.bool), taken[0], -2), taken[1], -1).logical_not()
    deeper = (changed.depth * growth**0.5).round().clamp(0, 255).to(changed.depth.dtype)  # millimetres grow, too
    return replace(changed, planes=changed.planes.masked_fill(outside, AIR), depth=deeper), growth


def _room(held: Tensor) -> float:
    """The largest factor that leaves what is held within its side, whatever the phase; 1 where it is at the edge already."""
    middle = (len(held) - 1) / 2
    farthest = float((torch.nonzero(held)[:, 0] - middle).abs().max()) if held.any() else 0.0
    return max(middle / (farthest + 1), 1.0)


def _taken(grid: Tensor, at: Tensor, axis: int) -> Tensor:
    """Rows or columns by number; 0 for those that are not there."""
    side = grid.shape[axis]
    there = ((at >= 0) & (at < side)).view(-1, *[1] * (-axis - 1))
    return grid.index_select(axis, at.clamp(0, side - 1)) * there
