"""All methods on the same cases, side by side: the CT, what each method found, and the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bioloc.reporting.canvas import new_figure, save
from bioloc.reporting.panels import MASK, REFERENCE, Box, Picture, body_box, draw_box, draw_ct, draw_map, draw_outline, target_box

_PANEL, _GAP = 2.5, 0.07  # inches
_HEAD, _TITLE, _FOOT = 0.3, 0.36, 0.34
_LOWEST, _HIGHEST = 1.2, 3.6


@dataclass(frozen=True)
class Beside:
    """One case as every method sees it.

    Attributes:
        title: Which case, its known value, and why it is shown.
        pictures: What each method found on the same slice, by the method's heading; their titles are the panels'.
    """

    title: str
    pictures: dict[str, Picture]


def side_by_side(cases: Sequence[Beside], path: Path) -> None:
    """One row per case: the CT; the map and the mask of each method; the reference. Every row shows the same part.

    The first method's mask and the reference choose the part that is enlarged.

    Args:
        cases: At least one; all with the same methods.
        path: The PNG to write.
    """
    parts = [_parts(case) for case in cases]
    heights = [_height(case, view) for case, (view, _) in zip(cases, parts, strict=True)]
    across = _GAP + (len(cases[0].pictures) + 2) * (_PANEL + _GAP)
    below = _FOOT + sum(height + _HEAD + _TITLE + _GAP for height in heights)
    figure = new_figure(across, below)
    _legend(figure)
    for case, (view, part), height in zip(cases, parts, heights, strict=True):
        below -= height + _HEAD + _TITLE + _GAP
        _row(figure, case, view, part, below, height)
    save(figure, path)


def _parts(case: Beside) -> tuple[Box, Box]:
    """The body, and the part of it that is enlarged."""
    first = next(iter(case.pictures.values()))
    view = body_box(first)
    return view, target_box(first, view)


def _height(case: Beside, view: Box) -> float:
    high, wide = view.size_mm(next(iter(case.pictures.values())).spacing_mm)
    return float(np.clip(_PANEL * high / wide, _LOWEST, _HIGHEST))


def _row(figure: Figure, case: Beside, view: Box, part: Box, below: float, height: float) -> None:
    across, tall = figure.get_size_inches()
    first = next(iter(case.pictures.values()))

    def panel(number: int) -> Axes:
        left = _GAP + number * (_PANEL + _GAP)
        return figure.add_axes((left / across, below / tall, _PANEL / across, height / tall))

    top = (below + height + _HEAD + _TITLE - 0.06) / tall
    figure.text(_GAP / across, top, case.title, fontsize=12, weight="bold", va="top")
    low, high = first.window
    plain = panel(0)
    draw_ct(plain, first, view, f"CT\n{low:g} to {high:g} HU")
    if part != view:
        draw_box(plain, first, part)
    for number, (name, picture) in enumerate(case.pictures.items(), 1):
        axes = panel(number)
        draw_ct(axes, picture, part, f"{name}\n{picture.title}")
        draw_map(axes, picture, part)
        draw_outline(axes, picture.mask, picture, part, MASK, "-", 1.2)
    truth = panel(len(case.pictures) + 1)
    draw_ct(truth, first, part, ("no reference" if first.reference is None else "reference") + "\n")
    if first.reference is not None:
        draw_outline(truth, first.reference, first, part, REFERENCE, "-", 1.2)


def _legend(figure: Figure) -> None:
    across, tall = figure.get_size_inches()
    handles = [
        Patch(color="#e16462", label="map (violet to yellow: 0 to 1)"),
        Line2D([], [], color=MASK, linewidth=2, label="the method's mask"),
        Line2D([], [], color=REFERENCE, linewidth=2, label="reference"),
        Line2D([], [], color="0.4", linestyle=":", label="the part that is enlarged"),
    ]
    figure.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(_GAP / across, 0.02 / tall), ncol=4, fontsize=10, frameon=False
    )
