"""From a trained network to a package: threshold, intervals and novelty, from values and images alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bioloc.calibration import Calibration, features_of, fit_interval, fit_novelty
from bioloc.cohorts.load import Cohort
from bioloc.inference.binarise import THRESHOLDS, best_threshold, values_at_thresholds
from bioloc.inference.maps import predict_samples
from bioloc.inference.package import Package
from bioloc.networks.network import Network
from bioloc.training.losses import to_loss_space

_AT_ONCE = 16


def finish(network: Network, train: Cohort, val: Cohort, facts: dict[str, Any]) -> Package:
    """The package of a trained network.

    The threshold is one at which validation masks fit validation values (`best_threshold`); the intervals are of the
    validation errors, which is a little optimistic, since the checkpoint was chosen by them (`bioloc-cli calibrate` takes
    cases of its own). What is usual of an input is learnt of both splits. No mask is looked at.

    Args:
        network: The network, on the processor.
        train: The cases that it learnt from.
        val: The cases that its checkpoint was chosen by.
        facts: Data md5 and the like, recorded in the package.
    """
    values, curves = _on(network, val)
    threshold = best_threshold(_in_loss_space(network, curves), _in_loss_space(network, val.values))
    if network.method.supervision == "mask" or network.spec.whole_lesions:  # as `on_native_grid` does
        values = curves[:, np.flatnonzero(threshold == THRESHOLDS)[0]]
    samples = (cohort.sample(number) for cohort in (train, val) for number in range(len(cohort)))
    features = np.array([features_of(val.task, sample) for sample in samples])
    md5 = facts.get("cohort_md5")
    return Package(
        network, threshold, facts, Calibration(fit_interval(val.task, val.values, values, md5), fit_novelty(features, md5))
    )


def _on(network: Network, cohort: Cohort) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) values and (N, T) values of the masks at each threshold."""
    values, curves = [], []
    for first in range(0, len(cohort), _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, len(cohort)))
        found = predict_samples(network, [cohort.sample(number) for number in numbers])
        for number, (value, grid_map) in zip(numbers, found, strict=True):
            values.append(value)
            curves.append(values_at_thresholds(cohort.placement(number).upsample(grid_map), cohort.candidates(number)))
    return np.array(values), np.array(curves)


def _in_loss_space(network: Network, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return to_loss_space(network.task, torch.tensor(values)).numpy()
