"""One scan through a trained model, from HU to value, map and mask on the scan's own grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioloc.biomarkers.candidates import Candidates
from bioloc.calibration import Uncertainty, features_of
from bioloc.cohorts.build import Scan
from bioloc.cohorts.load import Sample
from bioloc.ct.depth import depths_mm
from bioloc.inference.maps import predict_sample
from bioloc.inference.native import on_native_grid
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
        uncertainty: How sure the value is.
        features: (F,) what the input is like, from which its novelty is.
    """

    value: float
    unit: str
    map: NDArray[np.float32]
    mask: NDArray[np.bool_]
    candidates: Candidates
    uncertainty: Uncertainty
    features: NDArray[np.float64]


def grid_of(package: Package) -> Grid:
    """The working grid that the package's network was trained on."""
    spec = package.spec
    return Grid(size=spec.size, pixel_mm=spec.pixel_mm, patch=spec.patch)


def predict_scan(package: Package, scan: Scan) -> Prediction:
    """Value, map and mask of a scan that lies on the package's grid (`grid_of`).

    A package that was recalibrated corrects the value, not the map or the mask.

    Raises:
        ImageError: The task needs a region, and it is missing or empty.
    """
    network, task = package.network, package.network.task
    candidates = scan.candidates(task)
    worth = scan.placement.pool_worth(candidates.factor * np.float32(candidates.unit_worth))
    hu = scan.placement.pool(scan.hu)
    depth = depths_mm(hu, scan.placement.pixel_mm) if task.depth else None
    sample = Sample("", hu, worth, float("nan"), depth)
    value, grid_map = predict_sample(network, sample)
    found = on_native_grid(package, value, scan.placement.upsample(grid_map), candidates)
    value, features = package.calibration.corrected(found.value), features_of(task, sample)
    uncertainty = package.calibration.uncertainty(value, features)
    return Prediction(value, task.unit, found.map, found.mask, candidates, uncertainty, features)
