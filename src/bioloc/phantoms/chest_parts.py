"""Building blocks of the chest slice: a turned body frame, layers stacked by area, small local shapes.

The chest wall is a stack of layers around the middle of the thorax. A layer's thickness is kept as an
*area density*: half the difference of its squared radii, so that scaling it scales its area exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .drawing import Canvas, Level, paint

Table = NDArray[np.float64]
Image = NDArray[np.float32]
Place = tuple[float, float]
"""Body coordinates (u, v), mm."""

ANGLES = 4096
PHI: Table = (np.arange(ANGLES) + 0.5) / ANGLES * 2 * np.pi - np.pi
"""Angles of every table, radians: 0 is anterior, positive is the patient's left."""
_ORDERS = np.arange(1, 41)
_COSINES, _SINES = np.cos(_ORDERS[:, None] * PHI), np.sin(_ORDERS[:, None] * PHI)


@dataclass(frozen=True)
class Frame:
    """The body's axes on a canvas: `u` to the patient's left, `v` to the back, mm from the thorax's middle."""

    canvas: Canvas
    x: float
    y: float
    degrees: float

    @cached_property
    def uv(self) -> tuple[Level, Level]:
        """Body coordinates of each pixel."""
        return self.canvas.turned(self.x, self.y, self.degrees)

    @cached_property
    def radius(self) -> Level:
        """Distance from the middle of the thorax, mm."""
        u, v = self.uv
        return np.asarray(np.hypot(u, v), np.float32)

    @cached_property
    def angle(self) -> NDArray[np.intp]:
        """Index of each pixel's direction in a table over PHI."""
        u, v = self.uv
        return np.clip((np.arctan2(u, -v) + np.pi) * (ANGLES / (2 * np.pi)), 0, ANGLES - 1).astype(np.intp)

    def spread(self, table: Table) -> Level:
        """A table over PHI looked up at every pixel."""
        return np.take(np.asarray(table, np.float32), self.angle)

    def to_canvas(self, u: float, v: float) -> tuple[float, float]:
        """Canvas position of a place in the body."""
        c, s = np.cos(np.deg2rad(self.degrees)), np.sin(np.deg2rad(self.degrees))
        return float(self.x + c * u - s * v), float(self.y + s * u + c * v)

    def halved(self) -> Frame:
        """The same frame on a canvas whose pixels are blocks of 2 x 2 of this one's."""
        fine = self.canvas
        return replace(self, canvas=Canvas(fine.rows // 2, fine.columns // 2, 2 * fine.pixel_mm))

    def window(self, u: float, v: float, reach: float) -> tuple[tuple[slice, slice], Level, Level]:
        """The pixels within `reach` mm of a place, and their body coordinates relative to it."""
        x, y = self.to_canvas(u, v)
        p = self.canvas.pixel_mm
        row, column = (y - float(self.canvas.y[0, 0])) / p, (x - float(self.canvas.x[0, 0])) / p
        n = reach / p + 2
        rows = slice(max(int(row - n), 0), max(int(row + n) + 1, 0))
        columns = slice(max(int(column - n), 0), max(int(column + n) + 1, 0))
        dx, dy = self.canvas.x[:, columns] - np.float32(x), self.canvas.y[rows] - np.float32(y)
        c, s = np.float32(np.cos(np.deg2rad(self.degrees))), np.float32(np.sin(np.deg2rad(self.degrees)))
        return (rows, columns), c * dx + s * dy, -s * dx + c * dy


def blocks_of_two(image: NDArray[Any]) -> Image:
    """(R, C) means of blocks of 2 x 2 of a (2R, 2C) image."""
    rows, columns = image.shape
    return np.asarray(image.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3)), np.float32)


def oval(
    hu: Image, frame: Frame, at: Place, half: tuple[float, float], value: float, degrees: float = 0.0, edge: float = 0.8
) -> None:
    """Paint an ellipse with half axes `half` at body place `at`."""
    where, u, v = frame.window(*at, max(half))
    patch = hu[where]
    if patch.size == 0:
        return
    c, s = np.float32(np.cos(np.deg2rad(degrees))), np.float32(np.sin(np.deg2rad(degrees)))
    a, b = (c * u + s * v) / np.float32(half[0]), (-s * u + c * v) / np.float32(half[1])
    paint(patch, (np.hypot(a, b) - 1) * np.float32(min(half)), value, edge)


def bone(
    hu: Image, frame: Frame, at: Place, half: tuple[float, float], cortex: float, marrow: float, degrees: float = 0.0
) -> None:
    """Paint an oval bone: a cortical shell of about 1.5 mm around marrow."""
    oval(hu, frame, at, half, cortex, degrees)
    if min(half) > 2.5:
        oval(hu, frame, at, (half[0] - 1.5, half[1] - 1.5), marrow, degrees)


def rod(hu: Image, frame: Frame, start: Place, end: Place, half: float, value: float) -> None:
    """Paint a straight rod with round ends, `half` mm to each side of its axis."""
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    du, dv = (end[0] - start[0]) / 2, (end[1] - start[1]) / 2
    square = max(du * du + dv * dv, 1e-6)
    where, u, v = frame.window(*middle, float(np.sqrt(square)) + half)
    patch = hu[where]
    if patch.size == 0:
        return
    t = np.clip((u * np.float32(du) + v * np.float32(dv)) / np.float32(square), -1, 1)
    paint(patch, np.hypot(u - t * np.float32(du), v - t * np.float32(dv)) - np.float32(half), value)


def bump(centre: float, half: float, power: float = 2.0, roundness: float = 0.6) -> Table:
    """A lens over the angles (degrees): 1 at `centre`, 0 beyond `half` from it; PHI is taken as a circle."""
    away = np.abs((PHI - np.deg2rad(centre) + np.pi) % (2 * np.pi) - np.pi) / np.deg2rad(half)
    return np.asarray(np.clip(1 - away**power, 0, None) ** roundness)


def pair(
    rng: np.random.Generator, centre: float, half: float, power: float = 2.0, roundness: float = 0.6, jitter: float = 2.0
) -> Table:
    """The same lens on both sides, a little unlike in place, width and size."""
    right, left = rng.normal(0, 1, (2, 3))
    total = np.zeros(ANGLES)
    for side, (place, width, size) in ((-1, right), (1, left)):
        lens = bump(
            side * (centre + jitter * float(np.clip(place, -2, 2))),
            half * float(np.exp(0.05 * np.clip(width, -2, 2))),
            power,
            roundness,
        )
        total += lens * float(np.exp(0.08 * size))
    return total


def wobble(rng: np.random.Generator, orders: tuple[int, int], amount: float) -> Table:
    """A positive random factor over the angles, of harmonics `orders[0]` up to but not `orders[1]`, at most 40."""
    low, high = orders[0] - 1, orders[1] - 1
    cosine, sine = rng.normal(0, amount / np.sqrt(high - low), (2, high - low))
    return np.asarray(np.exp(cosine @ _COSINES[low:high] + sine @ _SINES[low:high]))


def smooth(table: Table, degrees: float) -> Table:
    """A table smoothed over the angles."""
    return np.asarray(ndimage.gaussian_filter1d(table, degrees / 360 * ANGLES, mode="wrap"))


def integral(table: Table) -> float:
    """Integral of a table over the circle."""
    return float(table.mean() * 2 * np.pi)


def grain(rng: np.random.Generator, canvas: Canvas, width_mm: float) -> Level:
    """A smooth random field of unit variance; like Canvas.texture, but a product of two thin matrices, so fast."""

    def weights(n: int) -> Image:
        nodes = np.arange(-1, n * canvas.pixel_mm / width_mm + 2)
        away = np.arange(n)[:, None] * canvas.pixel_mm / width_mm - nodes
        return np.asarray(np.exp(-2 * away**2), np.float32)

    rows, columns = weights(canvas.rows), weights(canvas.columns)
    field = rows @ rng.standard_normal((rows.shape[1], columns.shape[1]), dtype=np.float32) @ columns.T
    return np.asarray(field / field.std(), np.float32)


def with_area(profile: Table, area_cm2: float) -> Table:
    """The area density, mm2 per radian, of a layer with this profile and area."""
    return profile * (100 * area_cm2 / max(integral(profile), 1e-9))


def of_thickness(thickness_mm: Table | float, inner_mm: Table) -> Table:
    """The area density of a layer this thick on a shape of radius `inner_mm`."""
    return np.asarray(inner_mm * thickness_mm + np.square(thickness_mm) / 2)


def stack(inner_mm: Table, densities: list[Table]) -> list[Table]:
    """Outer radius of each layer, mm, from the inside out; the first is `inner_mm` itself."""
    half_squares = inner_mm**2 / 2 + np.cumsum([np.zeros(ANGLES), *densities], axis=0)
    return [np.asarray(np.sqrt(2 * q)) for q in half_squares]


def compose(hu: Image, frame: Frame, radii: list[Level], values: list[Image | float], edge_mm: float = 0.8) -> None:
    """Lay nested layers over an image in place; `values[i]` fills the layer that ends at `radii[i]`, the first one its inside.

    Shares of neighbouring layers add up to one, so a layer without thickness leaves no trace.
    """
    shares = [np.clip(0.5 - (frame.radius - radius) / np.float32(2 * edge_mm), 0, 1) for radius in radii]
    hu *= 1 - shares[-1]
    inner: Image | float = 0.0
    for share, value in zip(shares, values, strict=True):
        hu += (share - inner) * value
        inner = share
