"""What the calcium phantom is drawn with: the voxels, the pose of the heart, swept ellipses and clouds of points.

World coordinates are (x, y, z) in mm: x to the patient's left, y to the back, z to the head. Large organs are
*swept* ellipses: one ellipse per slice, interpolated between keys (z, x, y, half axis, half axis, degrees). Small
things (arteries, lung vessels, calcium) are clouds of points that share out their volume over the voxels, which
gives partial volume in all three directions for little time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioloc.phantoms.drawing import Canvas

Volume = NDArray[np.float32]
Points = NDArray[np.float64]
Keys = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """How the average heart lies in this chest: moved, turned about the body's long axis, and scaled."""

    x: float
    y: float
    z: float
    degrees: float
    scale: float
    tall: float

    def points(self, nominal: Points) -> Points:
        """(N, 3) points of the average heart in world coordinates."""
        c, s = np.cos(np.deg2rad(self.degrees)), np.sin(np.deg2rad(self.degrees))
        x, y, z = (nominal * (self.scale, self.scale, self.tall)).T
        return np.stack([self.x + c * x - s * y, self.y + s * x + c * y, self.z + z], axis=1)

    def keys(self, nominal: Keys) -> Keys:
        """Keys of a swept ellipse in world coordinates."""
        moved = self.points(nominal[:, [1, 2, 0]])
        return np.column_stack(
            [moved[:, 2], moved[:, 0], moved[:, 1], nominal[:, 3:5] * self.scale, nominal[:, 5] + self.degrees]
        )


@dataclass(frozen=True)
class Grid:
    """The voxels: slice k lies at z = k * increment; (x, y) of each pixel carry a small smooth warp, against pure ellipses."""

    slices: int
    increment: float
    pixel: float
    x: Volume
    y: Volume

    @classmethod
    def draw(
        cls, rng: np.random.Generator, slices: int, increment: float, pixel: float, size: int, centre: tuple[float, float]
    ) -> Grid:
        """A grid of `size` x `size` pixels around `centre`, warped by about 1.5 mm."""
        canvas = Canvas(size, size, pixel)
        return cls(
            slices,
            increment,
            pixel,
            canvas.x + np.float32(centre[0]) + 1.5 * canvas.texture(rng, 28.0),
            canvas.y + np.float32(centre[1]) + 1.5 * canvas.texture(rng, 28.0),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        return self.slices, *self.x.shape

    @cached_property
    def frame(self) -> tuple[Points, Volume]:
        """(x, y) of the corner pixel without the warp, and the (R, C, 2) warp."""
        rows, columns = self.x.shape
        origin = np.array([self.x.mean() - (columns - 1) / 2 * self.pixel, self.y.mean() - (rows - 1) / 2 * self.pixel])
        warp = np.stack(
            [self.x - origin[0] - np.arange(columns) * self.pixel, self.y - origin[1] - np.arange(rows)[:, None] * self.pixel], 2
        )
        return origin, warp.astype(np.float32)

    @cached_property
    def z(self) -> NDArray[np.float64]:
        """Position of each slice."""
        return np.arange(self.slices, dtype=np.float64) * self.increment

    def voxels(self, points: Points) -> NDArray[np.intp]:
        """(N, 3) voxel of each point, slice first; it may lie outside the grid."""
        origin, warp = self.frame
        rows, columns = self.x.shape
        x, y = ((points[:, i] - origin[i]) / self.pixel for i in range(2))
        near = np.clip(y, 0, rows - 1).astype(np.intp) * columns + np.clip(x, 0, columns - 1).astype(np.intp)
        # A structure at p is seen where the warped grid reads p: to first order at p minus the warp.
        shift = np.take(warp.reshape(-1, 2), near, axis=0) / self.pixel
        at = np.empty((3, len(points)), np.intp)
        at[0], at[1], at[2] = np.rint(points[:, 2] / self.increment), np.rint(y - shift[:, 1]), np.rint(x - shift[:, 0])
        return at.T

    def splat(self, points: Points, volume_mm3: NDArray[np.float64]) -> Volume:
        """(S, R, C) amount per voxel of points that each stand for `volume_mm3` (times whatever is to be added up)."""
        at = self.voxels(points)
        slices, rows, columns = self.shape
        k, r, c = at.T
        within = (k.view(np.uintp) < slices) & (r.view(np.uintp) < rows) & (c.view(np.uintp) < columns)  # negatives are huge
        total = np.bincount(((k * rows + r) * columns + c)[within], volume_mm3[within], minlength=slices * rows * columns)
        return total.astype(np.float32).reshape(self.shape) / np.float32(self.increment * self.pixel**2)


def ellipse_at(keys: Keys, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """(5, N) x, y, half axes and degrees of a swept ellipse at heights `z`."""
    return np.stack([np.interp(z, keys[:, 0], keys[:, i]) for i in range(1, 6)])


def swept_level(grid: Grid, keys: Keys, cap_mm: float = 6.0, margin_mm: float = 4.0) -> tuple[tuple[slice, slice, slice], Volume]:
    """The level of a swept ellipse and the box of the grid in which it was worked out; its ends are rounded over `cap_mm`."""
    chosen = np.flatnonzero((grid.z > keys[0, 0]) & (grid.z < keys[-1, 0]))
    if chosen.size == 0:
        return (slice(0), slice(0), slice(0)), np.zeros((0, 0, 0), np.float32)
    z = grid.z[chosen]
    x, y, rx, ry, degrees = ellipse_at(keys, z)
    end = np.clip(np.minimum(z - keys[0, 0], keys[-1, 0] - z) / cap_mm, 0.05, 1)
    round_off = np.sqrt(1 - (1 - end) ** 2)
    rx, ry = rx * round_off, ry * round_off
    reach = np.maximum(rx, ry) + margin_mm
    columns = np.flatnonzero((grid.x.max(0) > (x - reach).min()) & (grid.x.min(0) < (x + reach).max()))
    rows = np.flatnonzero((grid.y.max(1) > (y - reach).min()) & (grid.y.min(1) < (y + reach).max()))
    if columns.size == 0 or rows.size == 0:
        return (slice(0), slice(0), slice(0)), np.zeros((0, 0, 0), np.float32)
    box = (slice(chosen[0], chosen[-1] + 1), slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    xs, ys, a, b, turn = (np.asarray(v, np.float32)[:, None, None] for v in (x, y, rx, ry, np.deg2rad(degrees)))
    dx, dy = grid.x[box[1:]] - xs, grid.y[box[1:]] - ys
    u, v = np.cos(turn) * dx, np.cos(turn) * dy
    u += np.sin(turn) * dy
    v -= np.sin(turn) * dx
    for w, half in ((u, a), (v, b)):  # in place: these are large
        w /= half
        w *= w
    u += v
    np.sqrt(u, out=u)
    u -= 1
    u *= np.minimum(a, b)
    return box, u


def blend(hu: Volume, share: NDArray[np.floating[Any]], value: float | Volume) -> None:
    """Replace `share` of each voxel by `value`, in place."""
    hu += np.clip(share, 0, 1) * (np.asarray(value, np.float32) - hu)


def blend_cloud(hu: Volume, share: Volume, value: float) -> None:
    """Like `blend`, for a contiguous `hu` and a `share` that is zero almost everywhere."""
    flat, shares = hu.reshape(-1), share.reshape(-1)
    at = np.flatnonzero(shares)
    blended = flat[at]
    blend(blended, shares[at], value)
    flat[at] = blended


def paint_swept(hu: Volume, grid: Grid, keys: Keys, value: float, within: Volume | None = None, edge_mm: float = 0.9) -> None:
    """Paint a swept ellipse with soft edges, only where the level `within` is negative if one is given."""
    box, level = swept_level(grid, keys)
    if level.size:
        blend(hu[box], 0.5 - (level if within is None else np.maximum(level, within[box])) / np.float32(2 * edge_mm), value)


def tube(
    rng: np.random.Generator, curve: Points, radius_mm: NDArray[np.float64] | float, per_mm3: float
) -> tuple[Points, NDArray[np.float64]]:
    """A cloud that fills a tube around a curve, and the volume each point stands for."""
    steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    along = np.r_[0, np.cumsum(steps)]
    radius = np.broadcast_to(np.asarray(radius_mm, float), along.shape)
    area = np.pi * radius**2
    mass = np.r_[0, np.cumsum(steps * (area[1:] + area[:-1]) / 2)]
    count = max(int(mass[-1] * per_mm3), 8)
    at = np.interp((np.arange(400) + 0.5) / 400 * mass[-1], mass, along)  # places that share the tube's volume evenly
    table = np.stack([np.interp(at, along, c) for c in (*curve.T, radius)], axis=1)[rng.integers(0, 400, count)]
    return table[:, :3] + unit_ball(rng, count) * table[:, 3:], np.full(count, mass[-1] / count)


@cache
def _ball_pool() -> Points:
    rng = np.random.default_rng(0)
    way = rng.standard_normal((65536, 3))
    return np.asarray(way / np.linalg.norm(way, axis=1, keepdims=True) * rng.random((65536, 1)) ** (1 / 3))


def unit_ball(rng: np.random.Generator, count: int) -> Points:
    """(count, 3) points spread evenly in the unit ball; cut from one pool, since drawing them is slow."""
    start = int(rng.integers(0, 65536))
    return np.take(_ball_pool(), np.arange(start, start + count), axis=0, mode="wrap")
