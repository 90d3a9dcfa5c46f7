"""From map to mask: one rule for every method, from the image and a threshold alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bioloc.biomarkers.candidates import Candidates

THRESHOLDS = np.round(np.arange(0.02, 0.981, 0.02), 2)


def binarise(native_map: NDArray[np.float32], candidates: Candidates, threshold: float) -> NDArray[np.bool_]:
    """(S, R, C) the candidates whose map is above `threshold`; lesions are in or out as a whole, by their mean."""
    return candidates.mask & (_scores(native_map, candidates) > np.float32(threshold))


def values_at_thresholds(native_map: NDArray[np.float32], candidates: Candidates) -> NDArray[np.float64]:
    """(T,) value of the mask at each of `THRESHOLDS`, in the task's unit."""
    mask = candidates.mask
    edges = np.concatenate([THRESHOLDS, [np.inf]])
    rounded = THRESHOLDS.astype(np.float32)  # as `binarise` compares
    at = np.searchsorted(rounded, _scores(native_map, candidates)[mask], side="left")  # how many thresholds lie below
    weights = np.bincount(at, weights=candidates.factor[mask], minlength=len(edges))
    return np.asarray(candidates.unit_worth * (weights.sum() - np.cumsum(weights)[:-1]), np.float64)


def best_threshold(curves: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Of the thresholds whose masks fit the known values as well as the best's, the one nearest one half.

    As well means: the mean absolute error is larger by no more than the standard error of the paired difference (after the
    one-standard-error rule of Breiman et al., 1984). The smallest error alone hangs on few cases: one heart of score 0 that is
    given ten points weighs more in log(1 + points) than all that a better threshold does for the others.

    Args:
        curves: (N, T) from `values_at_thresholds`, in the space of the loss.
        values: (N,) known values, in the same space.
    """
    errors = np.abs(curves - values[:, None])
    excess = errors - errors[:, [errors.mean(axis=0).argmin()]]
    slack = excess.std(axis=0) / np.sqrt(max(len(values) - 1, 1))  # scipy's sem, and 0 of a single case
    as_good = THRESHOLDS[excess.mean(axis=0) <= slack]
    return float(as_good[np.abs(as_good - 0.5).argmin()])


def _scores(native_map: NDArray[np.float32], candidates: Candidates) -> NDArray[np.float32]:
    """The map, or where candidates are lesions each lesion's mean of it."""
    if candidates.lesions is None:
        return native_map
    at = np.flatnonzero(candidates.lesions)  # few of a volume's pixels: several times as fast as ndimage.mean
    lesion = candidates.lesions.ravel()[at]
    sums, pixels = np.bincount(lesion, native_map.ravel()[at]), np.bincount(lesion)
    scores = np.zeros(native_map.shape, np.float32)
    scores.ravel()[at] = (sums / np.maximum(pixels, 1))[lesion]
    return scores
