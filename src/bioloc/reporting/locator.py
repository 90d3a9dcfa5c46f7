"""Where in a volume something was found by itself: a coronal and a sagittal view with the slice and the region drawn."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

_HEAD, _FOOT, _LINE = 0.36, 0.1, 0.2  # inches
_TALL = 3.6
_SLAB_MM = 12.0
_WINDOW = (-900, 300)
_COLOUR = "#39ff6a"
_CHARACTERS = 150


@dataclass(frozen=True)
class Locator:
    """A volume and what was found in it.

    Attributes:
        hu: (S, R, C) int16, HU.
        spacing_mm: Slice increment, row and column spacing.
        slice_number: The slice that is measured, from the feet; None where the volume is.
        region: (S, R, C) bool, the region that was found; None where it was given or is not needed.
        rules: How each was found, in sentences.
    """

    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float, float]
    slice_number: int | None
    region: NDArray[np.bool_] | None
    rules: tuple[str, ...]

    def height(self) -> float:
        """Inches that the drawing takes."""
        return _HEAD + _LINE * len(self.lines()) + _TALL + _FOOT

    def lines(self) -> list[str]:
        """The rules, wrapped."""
        return [line for rule in self.rules for line in textwrap.wrap(rule, _CHARACTERS)]


def draw_locator(figure: Figure, locator: Locator, lefts: tuple[float, float], width: float) -> None:
    """Draw at the foot of a figure; `lefts` and `width` of the two views are in inches."""
    across, tall = figure.get_size_inches()
    top = locator.height()
    figure.text(lefts[0] / across, (top - 0.1) / tall, "found automatically", fontsize=11, weight="bold", va="top")
    for number, line in enumerate(locator.lines()):
        figure.text(lefts[0] / across, (top - _HEAD - _LINE * number) / tall, line, fontsize=9, va="top")
    middle = _middle(locator)
    for axis, left in ((1, lefts[0]), (2, lefts[1])):
        axes = figure.add_axes((left / across, _FOOT / tall, width / across, (_TALL - 0.2) / tall))
        _view(axes, locator, axis, middle[axis - 1])


def _middle(locator: Locator) -> tuple[int, int]:
    """Row and column through the region's middle; without one, through the image's."""
    if locator.region is None:
        return locator.hu.shape[1] // 2, locator.hu.shape[2] // 2
    rows, columns = (np.flatnonzero(locator.region.any(axis=(0, axis))) for axis in (2, 1))
    return int(rows.mean()), int(columns.mean())


def _view(axes: Axes, locator: Locator, axis: int, at: int) -> None:
    """A slab seen from the front (axis 1) or from the side (axis 2), feet below."""
    half = max(round(_SLAB_MM / 2 / locator.spacing_mm[axis]), 0)
    slab = np.take(locator.hu, range(max(at - half, 0), min(at + half + 1, locator.hu.shape[axis])), axis=axis)
    across = locator.spacing_mm[3 - axis]
    up = locator.spacing_mm[0]
    seen = slab.mean(axis=axis, dtype=np.float32)
    extent = (0, seen.shape[1] * across, 0, seen.shape[0] * up)
    axes.imshow(seen, cmap="gray", vmin=_WINDOW[0], vmax=_WINDOW[1], extent=extent, origin="lower", interpolation="bilinear")
    title = "from the front" if axis == 1 else "from the side, chest to the left"
    axes.set_title(title, fontsize=10, loc="left", pad=3)
    axes.set(xticks=[], yticks=[], facecolor="black", anchor="C")
    axes.spines[:].set_visible(False)
    if locator.slice_number is not None:
        axes.axhline((locator.slice_number + 0.5) * up, color=_COLOUR, linewidth=1.2)
    if locator.region is not None:
        outline = np.pad(locator.region.any(axis=axis), 1).astype(np.float32)
        x, y = ((np.arange(size) - 0.5) * step for size, step in ((outline.shape[1], across), (outline.shape[0], up)))
        axes.contour(x, y, outline, levels=[0.5], colors=[_COLOUR], linewidths=[1.2])
