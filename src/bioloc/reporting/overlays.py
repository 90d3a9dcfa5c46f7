"""A slice beside its map and its mask, so that a reader sees where a value comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy import ndimage

from bioloc.reporting.canvas import new_figure, save
from bioloc.reporting.locator import Locator, draw_locator

MAX_ROWS = 6
_WIDTH = 13.64  # inches: 1500 pixels
_PANEL = 4.2
_LEFTS = (0.08, 4.44, 9.34)
_HEAD, _FOOT = 0.56, 0.3
_FAINT = 0.05
_BODY_HU = -500
_MARGIN_MM = 8.0
_ZOOM_MM = 70.0
_SMALL_HOLE_MM2 = 25.0
_MASK, _REFERENCE = "#ff8c1a", "#22d3ee"
_COLOURS = "plasma"


@dataclass(frozen=True)
class Picture:
    """One slice and what a method found in it.

    Attributes:
        hu: (R, C) int16, HU.
        spacing_mm: Row and column spacing.
        map: (R, C) float32, the share of each pixel that counts, 0 to 1.
        mask: (R, C) bool, the method's mask.
        reference: (R, C) bool, a reader's mask; None where there is none.
        window: Lowest and highest HU that are shown as grey.
        title: Which case, and the value.
    """

    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float]
    map: NDArray[np.float32]
    mask: NDArray[np.bool_]
    reference: NDArray[np.bool_] | None
    window: tuple[float, float]
    title: str


@dataclass(frozen=True)
class _Box:
    """Part of a slice in pixels, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def at(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def size_mm(self, spacing: tuple[float, float]) -> tuple[float, float]:
        return (self.bottom - self.top) * spacing[0], (self.right - self.left) * spacing[1]

    def extent_mm(self, spacing: tuple[float, float]) -> tuple[float, float, float, float]:
        """Left, right, bottom, top, for imshow."""
        return self.left * spacing[1], self.right * spacing[1], self.bottom * spacing[0], self.top * spacing[0]


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
    views = [_view(picture) for picture in shown]
    heights = [_panel_height(picture, view) + _HEAD + _FOOT for picture, view in zip(shown, views, strict=True)]
    below = sum(heights) + (locator.height() if locator else 0)
    figure = new_figure(_WIDTH, below)
    if locator:
        draw_locator(figure, locator, (_LEFTS[0], _LEFTS[1]), _PANEL)
    for picture, view, height in zip(shown, views, heights, strict=True):
        below -= height
        _row(figure, picture, view, below, height)
    return save(figure, path)


def _row(figure: Figure, picture: Picture, view: _Box, below: float, height: float) -> None:
    zoom = _zoom(picture, view)
    across, tall = _WIDTH, figure.get_figheight()

    def panel(left: float, width: float) -> Axes:
        return figure.add_axes((left / across, (below + _FOOT) / tall, width / across, (height - _HEAD - _FOOT) / tall))

    figure.text(_LEFTS[0] / across, (below + height - 0.1) / tall, picture.title, fontsize=13, weight="bold", va="top")
    plain, coloured, outlined = (panel(left, _PANEL) for left in _LEFTS)
    low, high = picture.window
    _ct(plain, picture, view, f"CT, {low:g} to {high:g} HU")
    if zoom != view:
        left, right, bottom, top = zoom.extent_mm(picture.spacing_mm)
        plain.add_patch(
            Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor="white", linewidth=1, linestyle=":")
        )
    name = "map" if zoom == view else "map, the dotted part enlarged"
    _ct(coloured, picture, zoom, name)
    _map(coloured, picture, zoom)
    bar = figure.colorbar(ScalarMappable(cmap=colormaps[_COLOURS]), cax=panel(_LEFTS[1] + _PANEL + 0.06, 0.12))
    bar.set_ticks([0, 0.5, 1])
    bar.ax.tick_params(labelsize=9)
    _ct(outlined, picture, zoom, "mask" if picture.reference is None else "mask and reference")
    _outline(outlined, picture.mask, picture, zoom, _MASK, "-", 1.6)
    lines = [Line2D([], [], color=_MASK, linewidth=2, label="mask" if picture.mask.any() else "mask (empty)")]
    if picture.reference is not None:
        _outline(outlined, picture.reference, picture, zoom, _REFERENCE, "--", 1.1)
        label = "reference" if picture.reference.any() else "reference (empty)"
        lines.append(Line2D([], [], color=_REFERENCE, linewidth=1.5, linestyle="--", label=label))
    outlined.legend(
        handles=lines, loc="upper right", bbox_to_anchor=(1, 0), ncol=2, fontsize=10, frameon=False, borderaxespad=0.2
    )


def _ct(axes: Axes, picture: Picture, box: _Box, title: str) -> None:
    extent = box.extent_mm(picture.spacing_mm)
    low, high = picture.window
    axes.imshow(picture.hu[box.at], cmap="gray", vmin=low, vmax=high, extent=extent, interpolation="bilinear")
    axes.set_title(title, fontsize=10, loc="left", pad=3)
    axes.set(xlim=extent[:2], ylim=extent[2:], xticks=[], yticks=[], facecolor="black", anchor="C")
    axes.spines[:].set_visible(False)
    _scale_bar(axes, extent)
    for name, at in (("R", 0.02), ("L", 0.98)):  # columns go to the patient's left
        axes.text(at, 0.98, name, color="white", fontsize=8, va="top", ha="center", transform=axes.transAxes)


def _scale_bar(axes: Axes, extent: tuple[float, float, float, float]) -> None:
    width, height = extent[1] - extent[0], extent[2] - extent[3]
    length = next((mm for mm in (100, 50, 20, 10, 5) if mm <= 0.35 * width), 1)
    left, bottom = extent[0] + 0.03 * width, extent[2] - 0.04 * height
    axes.plot([left, left + length], [bottom, bottom], color="white", linewidth=2.5, solid_capstyle="butt")
    axes.text(left, bottom - 0.02 * height, f"{length} mm", color="white", fontsize=8, va="bottom")


def _map(axes: Axes, picture: Picture, box: _Box) -> None:
    values = np.nan_to_num(np.clip(picture.map[box.at], 0, 1))
    colours = colormaps[_COLOURS](values)
    colours[..., 3] = np.where(values < _FAINT, 0.0, 0.45 + 0.4 * values)
    axes.imshow(colours, extent=box.extent_mm(picture.spacing_mm), interpolation="nearest")


def _outline(axes: Axes, mask: NDArray[np.bool_], picture: Picture, box: _Box, colour: str, style: str, width: float) -> None:
    part = np.pad(_without_small_holes(mask[box.at], picture.spacing_mm), 1).astype(np.float32)
    if not part.any():
        return
    rows, columns = picture.spacing_mm
    y = (np.arange(part.shape[0]) + box.top - 0.5) * rows
    x = (np.arange(part.shape[1]) + box.left - 0.5) * columns
    axes.contour(x, y, part, levels=[0.5], colors=[colour], linestyles=[style], linewidths=[width])


def _without_small_holes(mask: NDArray[np.bool_], spacing: tuple[float, float]) -> NDArray[np.bool_]:
    """For outlines only: noise makes holes in what is bounded by HU, and their outlines would hide the image."""
    holes, count = ndimage.label(~mask)
    sizes = np.bincount(holes.ravel(), minlength=count + 1) * spacing[0] * spacing[1]
    return np.asarray(mask | (sizes[holes] < _SMALL_HOLE_MM2))


def _panel_height(picture: Picture, view: _Box) -> float:
    high, wide = view.size_mm(picture.spacing_mm)
    return float(np.clip(_PANEL * high / wide, 1.5, 6.0))


def _view(picture: Picture) -> _Box:
    """The body with a margin; the whole slice where no body is seen."""
    return _around(picture.hu > _BODY_HU, picture.spacing_mm, _MARGIN_MM) or _Box(0, picture.hu.shape[0], 0, picture.hu.shape[1])


def _zoom(picture: Picture, view: _Box) -> _Box:
    """The part around map, mask and reference in the view's proportions, where it is less than half the view."""
    shown = picture.mask.copy() if picture.reference is None else picture.mask | picture.reference
    if not shown.any():
        shown = picture.map >= _FAINT
    target = _around(shown, picture.spacing_mm, _MARGIN_MM)
    if target is None:
        return view
    (high, wide), (all_high, all_wide) = target.size_mm(picture.spacing_mm), view.size_mm(picture.spacing_mm)
    share = max(high / all_high, wide / all_wide, _ZOOM_MM / max(all_high, all_wide))
    if share > 0.5:
        return view
    size = round(share * (view.bottom - view.top)), round(share * (view.right - view.left))
    top = int(np.clip((target.top + target.bottom - size[0]) // 2, view.top, view.bottom - size[0]))
    left = int(np.clip((target.left + target.right - size[1]) // 2, view.left, view.right - size[1]))
    return _Box(top, top + size[0], left, left + size[1])


def _around(mask: NDArray[np.bool_], spacing: tuple[float, float], margin_mm: float) -> _Box | None:
    if not mask.any():
        return None
    ends = []
    for axis in (0, 1):
        found, margin = np.flatnonzero(mask.any(axis=1 - axis)), round(margin_mm / spacing[axis])
        ends += [max(int(found[0]) - margin, 0), min(int(found[-1]) + 1 + margin, mask.shape[axis])]
    return _Box(*ends)
