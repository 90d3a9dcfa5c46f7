"""What a model says on the scan's own grid: value, map and mask, by one rule for single scans and for cohorts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioloc.biomarkers.candidates import Candidates
from bioloc.inference.binarise import binarise
from bioloc.inference.package import Package


@dataclass(frozen=True)
class Native:
    """Value in the task's unit, (S, R, C) float32 map inside the candidates, and the candidates that it keeps."""

    value: float
    map: NDArray[np.float32]
    mask: NDArray[np.bool_]


def on_native_grid(package: Package, value: float, native_map: NDArray[np.float32], candidates: Candidates) -> Native:
    """The result for a scan, before any local correction of the value.

    A segmenter's value is what its mask measures, as a reader's would be. Where a lesion counts as a whole or not at all
    the map is the mask, and the value, still the sum of worth times map, is exactly the mask's.

    Args:
        package: The model.
        value: Its network's value.
        native_map: Its network's map, brought to the scan's own grid.
        candidates: The scan's candidates.
    """
    mask = binarise(native_map, candidates, package.threshold)
    if package.spec.whole_lesions:
        return Native(candidates.value(mask), mask.astype(np.float32), mask)
    measured = candidates.value(mask) if package.network.method.supervision == "mask" else value
    return Native(measured, native_map * candidates.mask, mask)
