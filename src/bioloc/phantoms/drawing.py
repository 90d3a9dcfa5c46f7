"""Shapes on a pixel grid in millimetres: what anatomy is drawn with.

A shape is a *level*: an array that is negative inside, positive outside, and about the distance to
the edge in mm. Axes are (row, column); rows run from anterior to posterior, columns from the
patient's right to the left, so an image looks as radiologists view it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Level = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Canvas:
    """A square-pixel grid centred on (0, 0); `x` grows to the patient's left, `y` to the back, in mm."""

    rows: int
    columns: int
    pixel_mm: float

    @cached_property
    def x(self) -> Level:
        """(1, C) column positions, mm."""
        at = (np.arange(self.columns) - (self.columns - 1) / 2) * self.pixel_mm
        return np.asarray(at, np.float32)[None, :]

    @cached_property
    def y(self) -> Level:
        """(R, 1) row positions, mm."""
        at = (np.arange(self.rows) - (self.rows - 1) / 2) * self.pixel_mm
        return np.asarray(at, np.float32)[:, None]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    def turned(self, x: float, y: float, degrees: float) -> tuple[Level, Level]:
        """Coordinates relative to (x, y) in axes turned by `degrees`."""
        c, s = np.float32(np.cos(np.deg2rad(degrees))), np.float32(np.sin(np.deg2rad(degrees)))
        dx, dy = self.x - np.float32(x), self.y - np.float32(y)
        return c * dx + s * dy, -s * dx + c * dy

    def ellipse(self, x: float, y: float, rx: float, ry: float, degrees: float = 0.0) -> Level:
        """An ellipse with half axes `rx`, `ry`."""
        u, v = self.turned(x, y, degrees)
        radius = np.sqrt((u / np.float32(rx)) ** 2 + (v / np.float32(ry)) ** 2)
        return (radius - 1) * np.float32(min(rx, ry))

    def superellipse(self, x: float, y: float, rx: float, ry: float, power: float, degrees: float = 0.0) -> Level:
        """Between an ellipse (`power` 2) and a box (`power` large)."""
        u, v = self.turned(x, y, degrees)
        p = np.float32(power)
        radius = ((np.abs(u) / np.float32(rx)) ** p + (np.abs(v) / np.float32(ry)) ** p) ** (1 / p)
        return np.asarray((radius - 1) * np.float32(min(rx, ry)), np.float32)

    def blob(
        self, x: float, y: float, radius: float, waves: NDArray[np.float64], stretch: float = 1.0, degrees: float = 0.0
    ) -> Level:
        """A round shape whose radius varies with the angle by `waves` (see `radial_waves`)."""
        u, v = self.turned(x, y, degrees)
        u, v = u / np.float32(np.sqrt(stretch)), v * np.float32(np.sqrt(stretch))
        angle = np.arctan2(v, u)
        edge = np.full_like(angle, radius)
        for k, (cosine, sine) in enumerate(waves, start=2):
            edge += np.float32(radius) * (np.float32(cosine) * np.cos(k * angle) + np.float32(sine) * np.sin(k * angle))
        return np.hypot(u, v) - edge

    def distance_to_line(self, points: NDArray[np.float64]) -> tuple[Level, Level]:
        """Distance in mm to a polyline of (x, y) points, and the nearest place along it from 0 to 1."""
        best = np.full(self.shape, np.inf, np.float32)
        along = np.zeros(self.shape, np.float32)
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        total, done = max(float(steps.sum()), 1e-6), 0.0
        for (ax, ay), (bx, by), length in zip(points[:-1], points[1:], steps, strict=True):
            ux, uy = float(bx - ax), float(by - ay)
            square = max(ux * ux + uy * uy, 1e-9)
            t = np.clip(
                ((self.x - np.float32(ax)) * np.float32(ux) + (self.y - np.float32(ay)) * np.float32(uy)) / np.float32(square),
                0,
                1,
            )
            distance = np.hypot(self.x - np.float32(ax) - t * np.float32(ux), self.y - np.float32(ay) - t * np.float32(uy))
            nearer = distance < best
            best = np.where(nearer, distance, best)
            along = np.where(nearer, (done + t * length) / total, along).astype(np.float32)
            done += float(length)
        return best, along

    def texture(self, rng: np.random.Generator, grain_mm: float) -> Level:
        """Smooth random field of unit variance whose blobs are about `grain_mm` wide."""
        step = max(grain_mm / self.pixel_mm, 1.0)
        coarse = [max(int(np.ceil(n / step)) + 3, 4) for n in self.shape]
        field = ndimage.zoom(
            rng.standard_normal(coarse),
            [(n + 2 * step) / c for n, c in zip(self.shape, coarse, strict=True)],
            order=3 if step > 1.5 else 1,
            grid_mode=True,
            mode="nearest",
        )
        cut = field[: self.rows, : self.columns]
        if cut.shape != self.shape:
            cut = np.pad(cut, [(0, self.rows - cut.shape[0]), (0, self.columns - cut.shape[1])], mode="edge")
        return np.asarray(cut / max(float(cut.std()), 1e-6), np.float32)


def radial_waves(rng: np.random.Generator, count: int, amount: float) -> NDArray[np.float64]:
    """Random harmonics 2, 3, ... of a blob's radius, (count, 2), falling off with their order."""
    return rng.normal(0, amount, (count, 2)) / np.arange(1, count + 1)[:, None]


def inside(level: Level) -> Mask:
    """The pixels whose centre lies in the shape."""
    return np.asarray(level < 0)


def paint(
    hu: NDArray[np.float32], level: NDArray[np.floating[Any]], value: float | NDArray[np.float32], edge_mm: float = 0.8
) -> None:
    """Lay a tissue over an image in place; the edge mixes both over about `edge_mm`, as partial volume does."""
    share = np.clip(0.5 - level / np.float32(2 * edge_mm), 0, 1)
    hu += share * (np.asarray(value, np.float32) - hu)


def smooth_line(points: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """`count` points on a smooth curve through `points`, (N, D) of any dimension."""
    from scipy.interpolate import CubicSpline

    steps = np.r_[0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1) + 1e-6)]
    return np.asarray(CubicSpline(steps, points)(np.linspace(0, steps[-1], count)))
