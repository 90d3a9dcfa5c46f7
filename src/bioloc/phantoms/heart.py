"""Calcium scans of the heart: coronary calcium among aortic, valvular and bony calcium, for the Agatston score.

The one rule for what counts, on the *final* noisy image and slice by slice: candidates are the 8-connected components
of {HU >= 130} inside the region box, of at least 1 mm2. A component is coronary, as a whole, if more than half of
its pixels lie in the coronary territory (the plaques as drawn, 2 mm wider); else no pixel of it counts. So
a component that spans a coronary plaque and the aortic wall belongs to the one that has more of it. The aortic
distractor follows the same rule with the aortic plaques' territory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bioloc.phantoms.drawing import Mask
from bioloc.phantoms.heart_calcium import (
    IN_PLANE,
    THRESHOLD_HU,
    agatston,
    amount_of,
    draw_aortic,
    draw_other_calcium,
    draw_plaques,
    draw_wish,
)
from bioloc.phantoms.heart_chest import draw_chest, draw_metal
from bioloc.phantoms.heart_grid import Grid, Keys, Pose, Volume
from bioloc.phantoms.heart_parts import draw_arteries, draw_heart
from bioloc.phantoms.patient import Change, Patient
from bioloc.phantoms.scanner import Scanner, scan

SIZE = 192
UNDERSIDE_MM = (0, 0.7, 1), (2, 14, 34)
"""Quantiles of how high the heart's underside lies above the lowest slice: most scans end near it, some in the belly."""


def draw(rng: np.random.Generator, target: str, shift: bool, change: Change) -> Patient:
    """Draw one calcium scan.

    Args:
        rng: The patient's randomness; equal seeds give equal bytes.
        target: Must be "coronary_calcium".
        shift: Draw protocol and spacing from ranges that the study never trains on.
        change: `target` scales the coronary plaques, `distractor` the aortic-wall calcium; both by area.

    Returns:
        The patient; `mask` follows the rule at the head of this module.

    Raises:
        ValueError: For another `target`.
    """
    if target != "coronary_calcium":
        raise ValueError(f"heart.draw knows only the target coronary_calcium, not {target!r}")
    noise_rng, body, calcium, others = rng.spawn(4)
    increment = float(body.choice([4.0, 3.5] if shift else [2.5, 3.0, 3.0, 5.0]))
    pixel = float(body.choice([body.uniform(0.60, 0.67), body.uniform(0.91, 0.97)]) if shift else body.uniform(0.68, 0.9))
    slices = int(np.clip(round(body.uniform(102, 122) / increment), 22, 40))
    scanner = Scanner.draw(body, (9, 20), shift)
    size = float(np.clip(body.normal(1, 0.08), 0.82, 1.2))
    pose = Pose(
        body.normal(2, 4),
        body.normal(0, 3),
        float(np.interp(body.random(), *UNDERSIDE_MM)),
        body.normal(0, 7),
        size * float(np.clip(body.normal(1, 0.06), 0.87, 1.14)),
        float(np.clip(body.normal(1, 0.06), 0.88, 1.1)),
    )
    slices += round(0.7 * max(pose.z - 14, 0) / increment)  # what lies below is partly taken from above the coronaries
    grid = Grid.draw(body, slices, increment, pixel, SIZE, (body.normal(6, 4), body.normal(2, 4)))
    front, back = pose.y - 47 * pose.scale - body.uniform(0, 8), pose.y + 62 * pose.scale + body.uniform(2, 8)
    courses = draw_arteries(body, pose)
    hu = draw_chest(body, grid, size, front, back, pose.z)
    keys = draw_heart(body, hu, grid, pose, courses)
    draw_metal(others, hu, grid, pose, front)
    plaques = draw_plaques(calcium, courses, draw_wish(calcium), grid, scanner.blur_mm)
    coronary = amount_of(plaques, grid, change.target)
    aortic = amount_of(draw_aortic(others, keys, pose), grid, change.distractor)
    hu += coronary + aortic + amount_of(draw_other_calcium(others, keys, pose), grid, 1.0)
    image = scan(hu, (increment, pixel, pixel), scanner, change.noise(noise_rng), 300 + 160 * (size - 1) + body.normal(0, 25))
    box = region_box(body, grid, keys)
    region, mask, distractor = (np.zeros(grid.shape, bool) for _ in range(3))
    region[box] = True
    labels, found = ndimage.label(image[box] >= THRESHOLD_HU, IN_PLANE)
    pieces = np.asarray(labels, np.int32), found
    mask[box], numbers, count = components_in(*pieces, territory(coronary[box], grid), None, grid)
    distractor[box] = components_in(*pieces, territory(aortic[box], grid), mask[box], grid)[0]
    facts = {"agatston": agatston(image[box], numbers, count, grid), "pixel": pixel, "increment": increment}
    return Patient(image, mask, (increment, pixel, pixel), region, distractor, facts)


def territory(added: Volume, grid: Grid) -> Mask:
    """The voxels to which calcium was added, 2 mm wider in the plane."""
    reach = int(np.ceil(2 / grid.pixel))
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    wide = np.zeros(added.shape, bool)
    disc = np.hypot(y, x) * grid.pixel <= 2
    rows, columns = added.max(2) > 15, added.max(1) > 15
    for k in np.flatnonzero(rows.any(1)):
        r, c = np.flatnonzero(rows[k]), np.flatnonzero(columns[k])
        near = np.s_[k, max(r[0] - reach, 0) : r[-1] + reach + 1, max(c[0] - reach, 0) : c[-1] + reach + 1]
        wide[near] = ndimage.binary_dilation(added[near] > 15, disc)
    return wide


def region_box(rng: np.random.Generator, grid: Grid, keys: dict[str, Keys]) -> tuple[slice, slice, slice]:
    """The box around heart and ascending aorta: a reader's ends with the heart, a rule's (`anatomy/heart.py`) often lower."""
    outline = keys["pericardium"]
    left, front, back = rng.uniform(1, 10), rng.uniform(0, 8), rng.uniform(6, 18)
    low = outline[0, 0] * min(rng.uniform(0, 2), 1)
    reach = outline[:, 3:5].max(1)
    corner = np.array([(outline[:, 1] - reach).min() - left, (outline[:, 2] - outline[:, 4]).min() - front, low])
    other = np.array([(outline[:, 1] + reach).max() + left, (outline[:, 2] + outline[:, 4]).max() + back, grid.z[-1]])
    ends = np.clip(grid.voxels(np.stack([corner, other])), 0, np.array(grid.shape) - 1)
    return slice(ends[0, 0], ends[1, 0] + 1), slice(ends[0, 1], ends[1, 1] + 1), slice(ends[0, 2], ends[1, 2] + 1)


def components_in(
    labels: NDArray[np.int32], count: int, area: Mask, other: Mask | None, grid: Grid
) -> tuple[Mask, NDArray[np.int32], int]:
    """The whole numbered components that lie for more than half in `area` and not in `other`, and their new numbering."""
    size = np.bincount(labels.ravel(), minlength=count + 1)
    share = np.bincount(labels[area], minlength=count + 1)
    keep = (share * 2 > size) & (size * grid.pixel**2 >= 1)
    keep[0] = False
    if other is not None:
        keep[np.unique(labels[other])] = False
    kept = np.where(keep, np.cumsum(keep), 0).astype(np.int32)[labels]
    return kept > 0, kept, int(keep.sum())
