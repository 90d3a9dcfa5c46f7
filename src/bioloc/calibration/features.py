"""A few numbers that describe an input: how much could count, what HU there are, how noisy and where.

They are of the working grid, as the network sees it, and need no network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioloc.calibration.conformal import Array
from bioloc.cohorts.load import Sample
from bioloc.ct.body import BODY_HU
from bioloc.tasks import Task

FEATURES = (
    "candidates",
    *(f"candidate_hu_{share}" for share in (10, 50, 90)),
    *(f"body_hu_{share}" for share in (5, 25, 50, 75, 95)),
    "body_share",
    "texture_50",
    "texture_90",
    "candidates_row",
    "candidates_height",
    "candidates_width",
    "dense_row",
)
_MOST_SLICES = 12
"""Of a volume so many are looked at, evenly spread: enough for quantiles."""
_DENSE_HU = 150
"""Bone, mostly: the spine tells front from back."""


def features_of(task: Task, sample: Sample) -> Array:
    """(F,) numbers in the order of `FEATURES`.

    Amounts are log(1 + amount), HU are HU, textures are log(1 + HU) of second differences along the rows inside the body,
    places and sizes are shares of the grid.
    """
    hu = sample.hu[:: -(-len(sample.hu) // _MOST_SLICES)]
    body = hu > BODY_HU
    inside = sample.hu[sample.worth > 0]
    return np.concatenate(
        [
            [np.log1p(sample.worth.sum(dtype=np.float64))],
            _quantiles(inside, (0.1, 0.5, 0.9), task.hu_range[0]),
            _quantiles(hu[body], (0.05, 0.25, 0.5, 0.75, 0.95), BODY_HU),
            [body.mean()],
            np.log1p(_quantiles(_texture(hu, body), (0.5, 0.9), 0.0)),
            _place(sample.worth.sum(axis=0, dtype=np.float64)),
            _place((hu > _DENSE_HU).sum(axis=0, dtype=np.float64))[:1],
        ]
    )


def _quantiles(values: NDArray[Any], shares: tuple[float, ...], otherwise: float) -> Array:
    return np.quantile(values, shares) if values.size else np.full(len(shares), otherwise)


def _texture(hu: NDArray[np.int16], body: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Second differences along the rows where all three pixels are of the body: noise and sharpness, not gradients."""
    whole = body[..., :-2] & body[..., 1:-1] & body[..., 2:]
    wide = hu.astype(np.int32)
    return np.asarray(np.abs(wide[..., :-2] - 2 * wide[..., 1:-1] + wide[..., 2:])[whole])


def _place(weights: Array) -> Array:
    """Row of the middle of (H, W) weights, and how far they spread down and across; the grid's middle without any."""
    total = weights.sum()
    if total == 0:
        return np.array([0.5, 0.0, 0.0])
    shares = [weights.sum(axis=1) / total, weights.sum(axis=0) / total]
    places = [(np.arange(len(share)) + 0.5) / len(share) for share in shares]
    middles = [float(share @ place) for share, place in zip(shares, places, strict=True)]
    spreads = [np.sqrt(share @ (place - middle) ** 2) for share, place, middle in zip(shares, places, middles, strict=True)]
    return np.array([middles[0], *spreads])
