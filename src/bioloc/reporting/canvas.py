"""Figures without pyplot's global state, so that threads can draw; saved small, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from bioloc.files import written_aside

DPI = 110
MAX_BYTES = 700_000
_GREYS = (64, 32)
_SHRINK = (1.0, 0.85, 0.7, 0.55, 0.4)
_COLOURED = 12
_COMPRESSION = 6  # 9 takes four times as long for a few percent


def new_figure(width: float, height: float) -> Figure:
    """A white figure of this size in inches on an Agg canvas."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the figure as `to_png` gives it."""
    content = to_png(figure)
    with written_aside(path) as aside:
        aside.write_bytes(content)


def to_png(figure: Figure) -> bytes:
    """The figure as a PNG below MAX_BYTES: in full colour, or else with fewer greys, or else smaller.

    Noise of CT does not compress: six rows of it in full colour take several megabytes. Colours are kept.
    """
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return _small_png(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))


def _small_png(image: Image.Image) -> bytes:
    found = _png(image)
    for shrink in _SHRINK:
        if len(found) < MAX_BYTES:
            return found
        size = (round(image.width * shrink), round(image.height * shrink))
        smaller = image if shrink == 1 else image.resize(size, Image.Resampling.LANCZOS)
        for greys in _GREYS:
            found = _png(_with_palette(np.asarray(smaller), greys))
            if len(found) < MAX_BYTES:
                return found
    return found


def _with_palette(pixels: NDArray[np.uint8], greys: int) -> Image.Image:
    """The picture in so many evenly spaced greys, and the rest of 256 colours for what is coloured."""
    coloured = np.ptp(pixels, axis=-1) > _COLOURED
    levels = np.linspace(0, 255, greys).round().astype(np.uint8)
    index = np.rint(pixels[..., 1] * ((greys - 1) / 255)).astype(np.uint8)
    palette = np.repeat(levels, 3).tolist()
    if coloured.any():
        part = Image.fromarray(pixels[coloured][None]).quantize(256 - greys, method=Image.Quantize.MEDIANCUT)
        index[coloured] = np.asarray(part)[0] + greys
        palette += part.getpalette() or []
    image = Image.frombytes("P", index.shape[::-1], index.tobytes())
    image.putpalette(palette[: 3 * 256])
    return image


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format="PNG", compress_level=_COMPRESSION)
    return stream.getvalue()
