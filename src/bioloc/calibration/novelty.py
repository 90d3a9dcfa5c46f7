"""How far an input lies from the cases that a model knows, and the limit that one in a hundred of their kind passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bioloc.calibration.conformal import LEAST_CASES, Array, conformal_quantile, folds
from bioloc.calibration.features import FEATURES
from bioloc.errors import RegistryError

FORMAT = "bioloc-novelty-1"
LEVEL = 0.99
_FOLDS = 10
_MAD_TO_SD = 1.4826
_RIDGE = 0.01
"""Added to the variances, in units of the spread: what hardly varied among the cases does not rule (our choice)."""


@dataclass(frozen=True)
class _Shape:
    """Mahalanobis distance: the length of `whitening` @ (features - `center`)."""

    center: Array
    whitening: Array

    def distances(self, features: Array) -> Array:
        """(N,) distances of (N, F) features."""
        return np.asarray(np.linalg.norm((features - self.center) @ self.whitening.T, axis=1), np.float64)


@dataclass(frozen=True)
class Novelty:
    """The distance of an input in units of its limit.

    Attributes:
        center: (F,) middle of the known cases' features.
        whitening: (F, F) matrix that makes their differences uncorrelated and of variance 1.
        limit: Distance that 1 % of such cases pass.
        cases: How many cases they are.
        cohort_md5: Digest of their cohort.
    """

    center: Array
    whitening: Array
    limit: float
    cases: int
    cohort_md5: str | None

    def of(self, features: Array) -> float:
        """Novelty of an input's (F,) features: above 1 it is unlike the known cases."""
        return float(_Shape(self.center, self.whitening).distances(features[None])[0]) / self.limit

    def to_dict(self) -> dict[str, Any]:
        """The parameters as JSON content."""
        return {
            "format": FORMAT,
            "features": list(FEATURES),
            "center": self.center.tolist(),
            "whitening": self.whitening.tolist(),
            "limit": self.limit,
            "level": LEVEL,
            "cases": self.cases,
            "cohort_md5": self.cohort_md5,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Novelty:
        """The parameters that `to_dict` gave.

        Raises:
            RegistryError: They are of another format or of other features.
        """
        if content.get("format") != FORMAT or content["features"] != list(FEATURES):
            raise RegistryError(
                f"the novelty is of format '{content.get('format')}' or of other features: this version reads '{FORMAT}'"
            )
        center, whitening = (np.array(content[name], np.float64) for name in ("center", "whitening"))
        if center.shape != (len(FEATURES),) or whitening.shape != (len(FEATURES),) * 2:
            raise RegistryError(f"the novelty's numbers are not of {len(FEATURES)} features")
        return cls(center, whitening, content["limit"], content["cases"], content["cohort_md5"])


def fit_novelty(features: Array, cohort_md5: str | None) -> Novelty | None:
    """Centre, shape and limit of known cases; None where there are fewer than 10.

    The distance is Mahalanobis's with the covariance of Ledoit and Wolf (J Multivar Anal 88:365, 2004), which few cases
    suffice for, of features scaled by their median absolute deviation. The limit is the conformal 99 % quantile of
    each case's distance from the others, left out in ten groups in turn; below 99 cases the largest. Cases that trained the
    network do as well as any: the features are none of its own.

    Args:
        features: (N, F) features of the cases that are known.
        cohort_md5: Digest of the cohort.
    """
    if len(features) < LEAST_CASES:
        return None
    parts = folds(len(features), _FOLDS)
    distances = np.concatenate([_fit_shape(np.delete(features, fold, axis=0)).distances(features[fold]) for fold in parts])
    shape, limit = _fit_shape(features), max(conformal_quantile(distances, LEVEL), 1e-9)
    return Novelty(shape.center, shape.whitening, limit, len(features), cohort_md5)


def _fit_shape(features: Array) -> _Shape:
    from sklearn.covariance import LedoitWolf

    median = np.median(features, axis=0)
    scale = _MAD_TO_SD * np.median(np.abs(features - median), axis=0)
    scale = np.where(scale > 0, scale, features.std(axis=0))  # more than half the same: the deviation of all
    scale = np.where(scale > 0, scale, 1.0)
    found = LedoitWolf().fit((features - median) / scale)
    precision = np.linalg.inv(found.covariance_ + _RIDGE * np.eye(len(median)))
    return _Shape(median + scale * found.location_, np.linalg.cholesky(precision).T / scale)
