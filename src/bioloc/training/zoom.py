"""Images stretched or shrunk, and their values with them: an area grows with the determinant of what is done to the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bioloc.ct.image import AIR
from bioloc.networks.views import Views


def zoomed(views: Views, share: float, rng: np.random.Generator) -> tuple[Views, float]:
    """The views made larger or smaller, rows and columns each by a factor of its own, and what this multiplies areas with.

    The nearest pixel is taken, so that each keeps its HU, its noise and its worth; the image moves by a random part of a pixel,
    so that areas are right in the mean. Beyond the image there is air. No candidate is pushed off the grid: what has no
    room becomes no larger.

    Args:
        views: Whole slices, (V, h, w).
        share: Factors lie between 1 - `share` and 1 + `share`.
        rng: Of this step.
    """
    held = (views.worth > 0).any(dim=0)
    down, across = (min(rng.uniform(1 - share, 1 + share), _room(held.any(dim=axis))) for axis in (1, 0))
    moved = rng.uniform(-1, 1, 2) / held.shape  # half a pixel at most: the image is 2 wide
    back = torch.tensor([[[1 / across, 0, moved[1]], [0, 1 / down, moved[0]]]], dtype=torch.float32)
    at = functional.affine_grid(back, [1, 1, *held.shape], align_corners=False).to(held.device)
    above_air = replace(views, planes=views.planes.int() - AIR)  # 0 is what lies beyond the image
    changed = above_air.changed(lambda grid: _sampled(grid, at))
    growth = down * across
    deeper = (changed.depth * growth**0.5).round().clamp(0, 255).to(changed.depth.dtype)  # millimetres grow, too
    return replace(changed, planes=(changed.planes + AIR).to(views.planes.dtype), depth=deeper), growth


def _room(held: Tensor) -> float:
    """The largest factor that leaves what is held within its side, wherever it is moved; 1 where it is at the edge already."""
    middle = (len(held) - 1) / 2
    farthest = float((torch.nonzero(held)[:, 0] - middle).abs().max()) if held.any() else 0.0
    return max(middle / (farthest + 1), 1.0)


def _sampled(grid: Tensor, at: Tensor) -> Tensor:
    """(V, ..., h, w) pixels at (1, h, w, 2) places of torch's affine grid; 0 beyond the image. In float32 HU are exact."""
    channels = grid.float().reshape(1, -1, *grid.shape[-2:])
    return functional.grid_sample(channels, at, mode="nearest", align_corners=False).view_as(grid).to(grid.dtype)
