"""What every fit here shares: the conformal quantile, cases held out in turn, and the space of the loss."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Space = Literal["linear", "log1p"]

LEAST_CASES = 10
"""Fewer say nothing: a 90 % interval takes at least 9 cases, 9 being the least n with ceil(0.9 (n + 1)) <= n."""


def conformal_quantile(scores: Array, level: float) -> float:
    """The ceil((n + 1) * level)-th smallest of n scores: a new, exchangeable score is at most that with probability `level`.

    Vovk et al., Algorithmic Learning in a Random World, 2005; Lei et al., J Am Stat Assoc 113:1094, 2018. Where there
    are too few scores for the level it is the largest, which a new score exceeds with probability 1 / (n + 1).
    """
    rank = math.ceil(round((len(scores) + 1) * level, 9))
    return float(np.sort(scores)[min(rank, len(scores)) - 1])


def folds(count: int, most: int) -> list[NDArray[np.int64]]:
    """The numbers 0 to `count` - 1 in at most `most` groups of equal size, shuffled the same way each time."""
    return np.array_split(np.random.default_rng(0).permutation(count), min(count, most))


def to_space(space: Space, values: Array) -> Array:
    """Values as they are compared: as they are, or log(1 + value) for heavy tails."""
    return np.log1p(np.maximum(values, 0)) if space == "log1p" else values


def from_space(space: Space, values: Array) -> Array:
    """Back from `to_space` to the task's unit, never below 0."""
    return np.maximum(np.expm1(values) if space == "log1p" else values, 0)
