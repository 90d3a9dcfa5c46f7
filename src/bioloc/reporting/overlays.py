"""A slice beside its map and its mask, so that a reader sees where a value comes from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bioloc.reporting.canvas import new_figure, save
from bioloc.reporting.locator import Locator, draw_locator
from bioloc.reporting.panels import (
    COLOURS,
    MASK,
    REFERENCE,
    Box,
    Picture,
    body_box,
    draw_box,
    draw_ct,
    draw_map,
    draw_outline,
    target_box,
)

MAX_ROWS = 6
_WIDTH = 13.64  # inches: 1500 pixels
_PANEL = 4.2
_LEFTS = (0.08, 4.44, 9.34)
_HEAD, _FOOT = 0.56, 0.3


def overlay(picture: Picture, path: Path, locator: Locator | None = None) -> None:
    """One row of panels: the CT; the CT under the map; the CT with the outlines of mask and reference.

    Below them `locator` shows where slice and region lie in the volume, where they were found automatically.
    """
    gallery([picture], path, locator)


def gallery(pictures: Sequence[Picture], path: Path, locator: Locator | None = None) -> None:
    """The first six pictures, one row each; a picture that says so where there is none."""
    shown = list(pictures)[:MAX_ROWS]
    if not shown:
        figure = new_figure(_WIDTH, 1)
        figure.text(0.5, 0.5, "No case to show", ha="center", va="center", fontsize=12)
        return save(figure, path)
    views = [body_box(picture) for picture in shown]
    heights = [_panel_height(picture, view) + _HEAD + _FOOT for picture, view in zip(shown, views, strict=True)]
    below = sum(heights) + (locator.height() if locator else 0)
    figure = new_figure(_WIDTH, below)
    if locator:
        draw_locator(figure, locator, (_LEFTS[0], _LEFTS[1]), _PANEL)
    for picture, view, height in zip(shown, views, heights, strict=True):
        below -= height
        _row(figure, picture, view, below, height)
    return save(figure, path)


def _row(figure: Figure, picture: Picture, view: Box, below: float, height: float) -> None:
    zoom = target_box(picture, view)
    across, tall = _WIDTH, figure.get_figheight()

    def panel(left: float, width: float) -> Axes:
        return figure.add_axes((left / across, (below + _FOOT) / tall, width / across, (height - _HEAD - _FOOT) / tall))

    figure.text(_LEFTS[0] / across, (below + height - 0.1) / tall, picture.title, fontsize=13, weight="bold", va="top")
    plain, coloured, outlined = (panel(left, _PANEL) for left in _LEFTS)
    low, high = picture.window
    draw_ct(plain, picture, view, f"CT, {low:g} to {high:g} HU")
    if zoom != view:
        draw_box(plain, picture, zoom)
    name = "map" if zoom == view else "map, the dotted part enlarged"
    draw_ct(coloured, picture, zoom, name)
    draw_map(coloured, picture, zoom)
    bar = figure.colorbar(ScalarMappable(cmap=colormaps[COLOURS]), cax=panel(_LEFTS[1] + _PANEL + 0.06, 0.12))
    bar.set_ticks([0, 0.5, 1])
    bar.ax.tick_params(labelsize=9)
    draw_ct(outlined, picture, zoom, "mask" if picture.reference is None else "mask and reference")
    draw_outline(outlined, picture.mask, picture, zoom, MASK, "-", 1.6)
    lines = [Line2D([], [], color=MASK, linewidth=2, label="mask" if picture.mask.any() else "mask (empty)")]
    if picture.reference is not None:
        draw_outline(outlined, picture.reference, picture, zoom, REFERENCE, "--", 1.1)
        label = "reference" if picture.reference.any() else "reference (empty)"
        lines.append(Line2D([], [], color=REFERENCE, linewidth=1.5, linestyle="--", label=label))
    outlined.legend(
        handles=lines, loc="upper right", bbox_to_anchor=(1, 0), ncol=2, fontsize=10, frameon=False, borderaxespad=0.2
    )


def _panel_height(picture: Picture, view: Box) -> float:
    high, wide = view.size_mm(picture.spacing_mm)
    return float(np.clip(_PANEL * high / wide, 1.5, 6.0))
