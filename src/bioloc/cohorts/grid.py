"""The working grid: where a network works, and the linear maps between it and the scan's own pixels.

Pixels' worth goes to the grid by the transpose of the interpolation that brings the map back, so

    sum over grid of worth * map  ==  sum over native candidates of worth * upsampled map

exactly, whatever the map: nothing is lost or won by the resampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioloc.ct.image import AIR


@dataclass(frozen=True)
class Placement:
    """A square grid of `size` pixels of `pixel_mm` laid over native rows and columns.

    Attributes:
        size: Rows and columns of the grid.
        pixel_mm: Its spacing.
        shape: Native (rows, columns).
        spacing_mm: Native (row, column) spacing.
        center: Native pixel (row, column) under the grid's centre.
    """

    size: int
    pixel_mm: float
    shape: tuple[int, int]
    spacing_mm: tuple[float, float]
    center: tuple[float, float]

    def pool(self, hu: NDArray[np.int16]) -> NDArray[np.int16]:
        """(S, R, C) HU as (S, size, size): local means where the grid is coarser, interpolation where finer; air outside."""
        rows, columns = (self._averaging(axis) for axis in (0, 1))
        above_air = hu.astype(np.float32)
        above_air -= AIR
        pooled = rows @ above_air @ columns.T
        return np.asarray(np.rint(pooled) + AIR, np.int16)

    def pool_worth(self, worth: NDArray[np.float32]) -> NDArray[np.float32]:
        """(S, R, C) worth per native pixel as (S, size, size) worth per grid pixel; sums are kept within the grid."""
        rows, columns = (self._interpolation(axis) for axis in (0, 1))
        return np.asarray(rows.T @ worth.astype(np.float32, copy=False) @ columns, np.float32)

    def upsample(self, grid_map: NDArray[np.float32]) -> NDArray[np.float32]:
        """(S, size, size) map as (S, R, C), bilinearly; 0 outside the grid. The transpose of `pool_worth`."""
        rows, columns = (self._interpolation(axis) for axis in (0, 1))
        return np.asarray(rows @ grid_map.astype(np.float32, copy=False) @ columns.T, np.float32)

    def _positions(self, axis: int) -> NDArray[np.float64]:
        """Native pixel centres in grid pixels."""
        native = np.arange(self.shape[axis]) - self.center[axis]
        return np.asarray(native * self.spacing_mm[axis] / self.pixel_mm + (self.size - 1) / 2, np.float64)

    def _interpolation(self, axis: int) -> NDArray[np.float32]:
        """(native, grid) weights of linear interpolation; rows sum to 1 inside the grid."""
        at = self._positions(axis)
        weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(self.size)[None, :]))
        # Half a pixel beyond the outermost centres still belongs to the outermost pixels.
        weights[(at < 0) & (at >= -0.5), 0] = 1
        weights[(at > self.size - 1) & (at <= self.size - 0.5), -1] = 1
        weights[(at < -0.5) | (at > self.size - 0.5)] = 0
        return np.asarray(weights, np.float32)

    def _averaging(self, axis: int) -> NDArray[np.float32]:
        """(grid, native) weights of a triangle as wide as the coarser of both pixels; rows sum to 1 where the image is."""
        width = max(self.spacing_mm[axis] / self.pixel_mm, 1.0)
        weights = np.maximum(0, 1 - np.abs(np.arange(self.size)[:, None] - self._positions(axis)[None, :]) / width)
        total = weights.sum(axis=1, keepdims=True)
        return np.where(total > 1e-3, weights / np.maximum(total, 1e-3), 0).astype(np.float32)
