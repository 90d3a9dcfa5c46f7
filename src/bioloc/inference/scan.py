"""One scan through a trained model, from HU to value, map and mask on the scan's own grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioloc.biomarkers.candidates import Candidates
from bioloc.cohorts.build import Scan
from bioloc.cohorts.load import Sample
from bioloc.inference.binarise import binarise
from bioloc.inference.maps import predict_sample
from bioloc.inference.package import Package
from bioloc.params import Grid


@dataclass(frozen=True)
class Prediction:
    """What a model says of a scan.

    Attributes:
        value: The biomarker, in the task's unit.
        unit: That unit.
        map: (S, R, C) float32, 0..1, on the scan's own grid; 0 outside the candidates, where it says nothing.
        mask: (S, R, C) the candidates that the map keeps.
        candidates: The pixels that could have counted.
    """

    value: float
    unit: str
    map: NDArray[np.float32]
    mask: NDArray[np.bool_]
    candidates: Candidates


def grid_of(package: Package) -> Grid:
    """The working grid that the package's network was trained on."""
    spec = package.spec
    return Grid(size=spec.size, pixel_mm=spec.pixel_mm, patch=spec.patch)


def predict_scan(package: Package, scan: Scan) -> Prediction:
    """Value, map and mask of a scan that lies on the package's grid (`grid_of`).

    A segmenter's value is what its mask measures, as a reader's would be.

    Raises:
        ImageError: The task needs a region, and it is missing or empty.
    """
    network, task = package.network, package.network.task
    candidates = scan.candidates(task)
    worth = scan.placement.pool_worth(candidates.factor * np.float32(candidates.unit_worth))
    value, grid_map = predict_sample(network, Sample("", scan.placement.pool(scan.hu), worth, float("nan")))
    native = scan.placement.upsample(grid_map)
    mask = binarise(native, candidates, package.threshold)
    if network.method.supervision == "mask":
        value = candidates.value(mask)
    return Prediction(value, task.unit, native * candidates.mask, mask, candidates)
