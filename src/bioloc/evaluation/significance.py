"""Whether a difference between two methods is more than chance: a paired test, and Holm's correction for many of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


def patient_means(values: Array, patients: Sequence[str]) -> Array:
    """(P,) mean of each patient's cases; cases that are not a number do not count, nor patients with only such."""
    there = np.isfinite(values)
    _, owner = np.unique(np.asarray(patients)[there], return_inverse=True)
    return np.asarray(np.bincount(owner, weights=values[there]) / np.bincount(owner), np.float64)


def signed_rank_p(differences: Array) -> float:
    """Two-sided p of Wilcoxon's signed-rank test (1945) that the differences are symmetric about 0.

    Our choice, because if two methods are equally good their names can be exchanged, and then the differences are
    symmetric: the test's only assumption. It does not hang on the few largest errors, and its p has no lower bound
    set by a number of resamples. Zeros keep their ranks (Pratt, 1959): cases that both methods get equally right
    are evidence of no difference. scipy takes the exact distribution for 50 patients or fewer without ties.

    Args:
        differences: (P,) one number per patient.

    Returns:
        1 where all differences are 0; not-a-number where there are none.
    """
    if not len(differences):
        return float("nan")
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences, zero_method="pratt").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values, in their order, corrected so that the chance of any false claim among them is kept (Holm, 1979).

    The k-th smallest of m is multiplied by m - k + 1, and none is below a smaller one's.
    """
    found = np.asarray(p_values, np.float64)
    order = np.argsort(found, kind="stable")
    corrected = np.empty_like(found)
    corrected[order] = np.minimum(np.maximum.accumulate(found[order] * np.arange(len(found), 0, -1)), 1)
    return [float(p) for p in corrected]
