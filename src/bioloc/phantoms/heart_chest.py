"""The chest around the heart: wall, bones, lungs with their vessels, liver and stomach, and now and then metal."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from bioloc.phantoms.heart_grid import Grid, Points, Pose, Volume, blend, blend_cloud, paint_swept, swept_level, tube


def draw_chest(rng: np.random.Generator, grid: Grid, size: float, front: float, back: float, under: float) -> Volume:
    """(S, R, C) HU of the chest without the heart: wall, bones, lungs with vessels, liver and stomach under the diaphragm.

    Args:
        rng: Randomness of this patient.
        grid: The voxels.
        size: Scale of the chest, 1 for an average one.
        front: y of the back of the sternum, mm.
        back: y of the front of the spine, mm.
        under: z of the underside of the heart, where the diaphragm is, mm.
    """
    middle, half = (front + back) / 2 + 14, (back - front) / 2 + 16
    u = np.abs((grid.x + 8) / np.float32(118 * size)) ** np.float32(2.3)
    v = np.abs((grid.y - np.float32(middle)) / np.float32(half)) ** np.float32(2.3)
    cavity = ((u + v) ** np.float32(1 / 2.3) - 1) * np.float32(half)
    deep = grid.y > middle
    cavity = np.where(deep, np.maximum(cavity, 26 - np.hypot(grid.x + 8, grid.y - np.float32(back + 22))), cavity).astype(
        np.float32
    )
    taper = ((grid.z - 50) * rng.uniform(0.0, 0.10)).astype(np.float32)
    hu = np.empty(grid.shape, np.float32)
    fat, lung = -100 + 20 * rng.random(), -880 + 70 * rng.random()
    grain = ndimage.zoom(rng.standard_normal((24, 24)), np.array(grid.x.shape) / 24, order=1)
    wall = np.where(np.abs(cavity - 10 - 5 * size) + 4 * grain < 5 + 5 * size, 45, fat)
    wall = np.where((cavity < 11) & (grain < 1.1), 42, wall).astype(np.float32)  # between the ribs
    depth = cavity[None] + taper[:, None, None]
    hu[:] = wall
    blend(hu, 0.5 - depth / 1.8, lung)
    _ribs(rng, hu, grid, depth)
    _sternum_and_spine(rng, hu, grid, front, back)
    _lung_vessels(rng, hu, grid, depth)
    dome = under + rng.uniform(-2, 20)
    for x, y, z, radii, value in (
        (-52, 4, dome - 42, (88, 76, 42), rng.uniform(48, 64)),
        (76, 22, dome - 46 + rng.uniform(-12, 4), (56, 52, 42), rng.uniform(25, 52)),
    ):
        height = np.clip((grid.z - z) / radii[2], -1, 1)
        reach = np.sqrt(1 - height**2).astype(np.float32)[:, None, None]
        low = slice(0, int(np.searchsorted(grid.z, z + radii[2])))
        across = np.hypot((grid.x - x) / radii[0], (grid.y - y) / radii[1])[None] - reach[low]
        blend(hu[low], np.where(depth[low] < 0, 0.5 - across * 30, 0), value)
    return hu


def _ribs(rng: np.random.Generator, hu: Volume, grid: Grid, depth: Volume) -> None:
    """Ribs slope forward and down in the wall; a hard rind around marrow, cartilage beside the sternum."""
    pitch, phase, slope = rng.uniform(26, 32), rng.uniform(0, 30), rng.uniform(0.35, 0.6)
    at = np.nonzero((depth > 0.5) & (depth < 12))
    x, y, z = grid.x[at[1:]], grid.y[at[1:]], at[0] * grid.increment
    lift = (z - slope * y + phase + 0.12 * np.abs(x)) / pitch
    across = (lift - np.rint(lift)) * pitch
    level = (np.hypot((depth[at] - 6) / 4.2, across / 6.5) - 1) * 4.2
    cartilage = (np.abs(x + 8) < rng.uniform(38, 52)) & (y < 0)
    rind = np.where(cartilage, rng.uniform(70, 125), rng.uniform(420, 750))
    marrow = np.where(cartilage, rng.uniform(60, 100), rng.uniform(60, 220))
    value = rind + np.clip(0.5 - (level + 1.8) / 1.4, 0, 1) * (marrow - rind)
    hu[at] += (np.clip(0.5 - level / 1.8, 0, 1) * (value - hu[at])).astype(np.float32)


def _sternum_and_spine(rng: np.random.Generator, hu: Volume, grid: Grid, front: float, back: float) -> None:
    """Sternum in front and vertebral bodies behind, each a rind around marrow; discs are soft."""
    wide = rng.uniform(13, 19)
    tilt = rng.uniform(-0.02, 0.16)  # the sternum leans: its lower end lies further forward
    for inset, value in ((0.0, rng.uniform(380, 650)), (1.8, rng.uniform(60, 180))):
        bone = [
            (z, -8, front - 5.5 - tilt * (60 - z), w - inset, 5.8 - inset, 0)
            for z, w in ((2, wide * 0.5), (40, wide), (90, wide * 1.1), (150, wide * 1.3))
        ]
        paint_swept(hu, grid, np.array(bone), value)
    pitch, phase, shift = rng.uniform(23, 28), rng.uniform(0, 28), rng.uniform(-12, -4)
    rind, marrow = rng.uniform(300, 520), rng.uniform(110, 240)
    disc = np.abs(((grid.z + phase) / pitch) % 1 - 0.5) < 0.13
    for inset in (0.0, 2.0):
        keys = np.array(
            [(-40, shift, back + 17, 19 - inset, 16 - inset, 0), (150, shift - 2, back + 17, 17 - inset, 15 - inset, 0)]
        )
        box, level = swept_level(grid, keys)
        if level.size:
            tissue = np.where(disc[box[0]], 95.0, marrow if inset else rind).astype(np.float32)[:, None, None]
            blend(hu[box], 0.5 - level / 2, tissue)


def _lung_vessels(rng: np.random.Generator, hu: Volume, grid: Grid, depth: Volume) -> None:
    """Vessels run from both hila into the lungs, thinner with distance."""
    clouds = []
    for _ in range(36):
        side = -1 if rng.random() < 0.55 else 1
        start = np.array([side * 38.0 + rng.normal(0, 4), 18 + rng.normal(0, 5), 72 + rng.normal(0, 13)])
        way = np.array([side * abs(rng.normal(0.7, 0.5)), rng.normal(0.1, 0.7), rng.normal(-0.25, 0.8)])
        steps = way / np.linalg.norm(way) + np.cumsum(rng.normal(0, 0.22, (7, 3)), axis=0)
        curve = start + np.cumsum(np.vstack([np.zeros(3), steps * rng.uniform(6, 12)]), axis=0)
        clouds.append(tube(rng, curve, np.linspace(rng.uniform(1.5, 4.5), 0.7, 8), 3.0))
    share = grid.splat(np.concatenate([c[0] for c in clouds]), np.concatenate([c[1] for c in clouds]))
    share[depth > 0] = 0
    blend_cloud(hu, share, 35.0)


def draw_metal(rng: np.random.Generator, hu: Volume, grid: Grid, pose: Pose, front: float) -> None:
    """Now and then a pacemaker lead or the wires of an old sternotomy, with the streaks they throw."""
    lead, wires = rng.random(2) < 0.04
    spots: list[Points] = []
    if lead:
        keys = pose.points(
            np.array([(-27, -2, 125), (-28, 0, 90), (-30, 4, 55), (-18, -6, 30), (8, -18, 22), (34, -26, 14)], float)
            + rng.normal(0, 2, (6, 3))
        )
        spots.append(np.stack([np.interp(np.linspace(0, 5, 900), range(6), keys[:, i]) for i in range(3)], axis=1))
    if wires:
        for z in np.arange(rng.uniform(5, 25), grid.z[-1], rng.uniform(18, 26)):
            turn = np.linspace(0, 2 * np.pi, 90)
            spots.append(np.stack([-8 + 15 * np.cos(turn), front - 5 + 9 * np.sin(turn), z + rng.normal(0, 0.4, 90)], axis=1))
    for points in spots:
        at = grid.voxels(points)
        at = at[np.all((at >= 0) & (at < grid.shape), axis=1)]
        hu[tuple(at.T)] = 2800
        for k in np.unique(at[:, 0]):
            row, column = at[at[:, 0] == k, 1:].mean(0)
            dy, dx = np.arange(hu.shape[1])[:, None] - row, np.arange(hu.shape[2])[None, :] - column
            star = np.cos(rng.integers(5, 9) * np.arctan2(dy, dx) + rng.uniform(0, 6)) ** 9
            hu[k] += (star * 260 * np.exp(-np.hypot(dy, dx) * grid.pixel / 14)).astype(np.float32)
