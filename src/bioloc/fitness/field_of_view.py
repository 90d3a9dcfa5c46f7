"""Whether the field of view cuts off a part of the body."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bioloc.ct.body import body_mask
from bioloc.ct.image import AIR
from bioloc.fitness.finding import Finding
from bioloc.fitness.place import LUNG_HU
from bioloc.fitness.sample import Sample

SOME_CUT, MUCH_CUT = 0.05, 0.4
"""Shares of the trunk's outline: our choice. More than a touch of the edge, and both sides down to the ribs."""
_ARM_MM = 35.0
"""An arm hangs on the trunk by less than twice this width; arms do not count and may be cut."""
_STEP_MM = 2.0
"""The outline is followed at about this distance."""
_LEAST_OUTSIDE = 0.01
"""Of the image: a few dark pixels in its corners are no sign of a circle."""


def check_field_of_view(sample: Sample) -> Iterator[Finding]:
    """What the image's edge or the reconstruction circle cuts off is missing from an area; often so in screening (Xu 2023)."""
    if not sample.task.needs.whole_outline:
        return
    cut = cut_share(sample.hu[0], (sample.spacing_mm[1], sample.spacing_mm[2]))
    if cut >= SOME_CUT:
        yield Finding(
            "field-of-view",
            "refuse" if cut >= MUCH_CUT else "warn",
            f"the field of view cuts off {cut:.0%} of the trunk's outline, and what lies outside is missing from the area: "
            "use a reconstruction with a larger field of view",
        )


def cut_share(hu: NDArray[np.int16], pixel_mm: tuple[float, float]) -> float:
    """The share of the trunk's outline in a (R, C) slice that is not skin but the end of the image; 0 without a trunk."""
    steps = [max(1, round(_STEP_MM / size)) for size in pixel_mm]
    hu = hu[:: steps[0], :: steps[1]]
    mm = pixel_mm[0] * steps[0], pixel_mm[1] * steps[1]
    seen = reconstructed(hu)
    trunk = _trunk(_whole_body(hu) & seen, seen, mm)
    outline = trunk & ~ndimage.binary_erosion(trunk)
    end = seen & ~ndimage.binary_erosion(seen)
    return float((outline & end).sum()) / max(int(outline.sum()), 1)


def reconstructed(hu: NDArray[np.int16]) -> NDArray[np.bool_]:
    """(R, C) pixels inside the scanner's reconstruction circle; all, where no circle is seen.

    Outside the circle is padding, and padding is exactly -1024 HU here. Room air may be clipped to the same value: so
    a circle is believed only where rings around the image's middle go at once from little padding to nothing else.
    """
    rows, columns = np.indices(hu.shape, np.float32)
    ring = np.hypot(rows - (hu.shape[0] - 1) / 2, columns - (hu.shape[1] - 1) / 2).astype(np.intp)
    padding = np.bincount(ring.ravel(), (hu <= AIR).ravel()) / np.maximum(np.bincount(ring.ravel()), 1)
    edge = int(np.flatnonzero(padding < 0.5).max(initial=-1)) + 1
    outside = np.bincount(ring.ravel())[edge:].sum() >= _LEAST_OUTSIDE * ring.size
    is_circle = edge > 4 and padding[edge - 4 : edge - 1].mean() < 0.5 and padding[edge + 2 :].min(initial=1) > 0.98
    return np.asarray(ring < edge) if is_circle and outside else np.ones(hu.shape, bool)


def _whole_body(hu: NDArray[np.int16]) -> NDArray[np.bool_]:
    """The body with its lungs, also where the image's end cuts a lung open: there it has body on three of its four sides."""
    body = body_mask(hu)
    sides = np.zeros(body.shape, np.uint8)
    for axis in (0, 1):
        sides += np.logical_or.accumulate(body, axis)
        sides += np.flip(np.logical_or.accumulate(np.flip(body, axis), axis), axis)
    return np.asarray(ndimage.binary_fill_holes(body | ((sides >= 3) & (hu >= LUNG_HU[0]))))


def _trunk(body: NDArray[np.bool_], seen: NDArray[np.bool_], mm: tuple[float, float]) -> NDArray[np.bool_]:
    """The body without arms: what is left of it when all narrow bridges are cut. The image's end is no bridge."""
    air = seen & ~body
    if not air.any():
        return body
    labels, count = ndimage.label(body & (ndimage.distance_transform_edt(~air, mm) > _ARM_MM))
    if count == 0:
        return np.zeros_like(body)
    core = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    return np.asarray(body & (ndimage.distance_transform_edt(~core, mm) <= _ARM_MM + max(mm)))
