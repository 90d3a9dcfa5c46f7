"""The panels that figures of slices are made of: the CT, a map over it, outlines, and the part of the slice to show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy import ndimage

MASK, REFERENCE = "#ff8c1a", "#22d3ee"
COLOURS = "plasma"
_FAINT = 0.05
_BODY_HU = -500
_MARGIN_MM = 8.0
_ZOOM_MM = 70.0
_SMALL_HOLE_MM2 = 25.0


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
class Box:
    """Part of a slice in pixels, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def at(self) -> tuple[slice, slice]:
        """Rows and columns, as an index."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def size_mm(self, spacing: tuple[float, float]) -> tuple[float, float]:
        """Height and width."""
        return (self.bottom - self.top) * spacing[0], (self.right - self.left) * spacing[1]

    def extent_mm(self, spacing: tuple[float, float]) -> tuple[float, float, float, float]:
        """Left, right, bottom, top, for imshow."""
        return self.left * spacing[1], self.right * spacing[1], self.bottom * spacing[0], self.top * spacing[0]


def draw_ct(axes: Axes, picture: Picture, box: Box, title: str) -> None:
    """The CT in the picture's window, with a scale bar and the patient's sides."""
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


def draw_box(axes: Axes, picture: Picture, box: Box) -> None:
    """A dotted frame around a part of the slice."""
    left, right, bottom, top = box.extent_mm(picture.spacing_mm)
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor="white", linewidth=1, linestyle=":"))


def draw_map(axes: Axes, picture: Picture, box: Box) -> None:
    """The map in colours, the more opaque the higher it is."""
    values = np.nan_to_num(np.clip(picture.map[box.at], 0, 1))
    colours = colormaps[COLOURS](values)
    colours[..., 3] = np.where(values < _FAINT, 0.0, 0.45 + 0.4 * values)
    axes.imshow(colours, extent=box.extent_mm(picture.spacing_mm), interpolation="nearest")


def draw_outline(axes: Axes, mask: NDArray[np.bool_], picture: Picture, box: Box, colour: str, style: str, width: float) -> None:
    """The outline of a mask; holes too small to see are left out."""
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


def body_box(picture: Picture) -> Box:
    """The body with a margin; the whole slice where no body is seen."""
    return _around(picture.hu > _BODY_HU, picture.spacing_mm, _MARGIN_MM) or Box(0, picture.hu.shape[0], 0, picture.hu.shape[1])


def target_box(picture: Picture, view: Box) -> Box:
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
    return Box(top, top + size[0], left, left + size[1])


def _around(mask: NDArray[np.bool_], spacing: tuple[float, float], margin_mm: float) -> Box | None:
    if not mask.any():
        return None
    ends = []
    for axis in (0, 1):
        found, margin = np.flatnonzero(mask.any(axis=1 - axis)), round(margin_mm / spacing[axis])
        ends += [max(int(found[0]) - margin, 0), min(int(found[-1]) + 1 + margin, mask.shape[axis])]
    return Box(*ends)
