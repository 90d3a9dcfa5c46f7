"""Coronary lesions as a reader outlined them: the property list of OsiriX and Horos, drawn on the grid of its scan."""

from __future__ import annotations

import ast
import plistlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import numpy as np
from numpy.typing import NDArray

from bioloc.ct.image import CT, upright
from bioloc.errors import ImageError

ARTERIES = {
    "Left Anterior Descending Artery": 1,
    "Left Circumflex Artery": 2,
    "Right Coronary Artery": 3,
    "Left Coronary Artery": 4,
}
_UNREADABLE = (OSError, plistlib.InvalidFileException, ExpatError, LookupError, TypeError, ValueError, SyntaxError)


@dataclass(frozen=True)
class _Outline:
    label: int
    points: list[tuple[int, int]]
    height_mm: float


def read_rois(path: Path, ct: CT) -> NDArray[np.uint16]:
    """The outlines at `path` as labels on the grid of `ct`: (S, R, C), 1 LAD, 2 LCX, 3 RCA, 4 left main.

    An outline lies on the slice whose height is that of its `Point_mm`: what `ImageIndex` counts differs between
    scans. Its corners are pixels of the DICOM image (column, row), rounded to the nearest; the border belongs to
    it, since readers draw around a lesion (our choice). One or two points are those pixels; no points are nothing.

    Raises:
        ImageError: The file is no such list, names an unknown artery, or does not fit the scan.
    """
    from PIL import Image, ImageDraw

    labels = np.zeros(ct.to_file_axes(ct.hu).shape, np.uint16)
    empty = np.zeros_like(labels[:, :, 0].T, np.uint8)
    drawn: dict[int, Any] = {}
    for outline in _outlines(path):
        plane = drawn.setdefault(_slice_at(outline.height_mm, ct, path), Image.fromarray(empty))
        pen = ImageDraw.Draw(plane)
        if len(outline.points) > 2:
            pen.polygon(outline.points, fill=outline.label, outline=outline.label)
        else:
            pen.point(outline.points, fill=outline.label)
    for number, plane in drawn.items():
        labels[:, :, number] = np.asarray(plane).T
    return np.ascontiguousarray(upright(labels, ct.affine, ct.source).voxels)


def _slice_at(height_mm: float, ct: CT, path: Path) -> int:
    """Number along the file's third axis of the slice at a height, patient coordinates."""
    step = ct.affine[2, 2]
    if abs(step) < 0.9 * np.linalg.norm(ct.affine[:3, 2]):
        raise ImageError(f"{path}: outlines of axial slices, but {ct.source} is no stack of axial slices")
    number = float((height_mm - ct.affine[2, 3]) / step)
    if not -0.5 <= number <= len(ct.hu) - 0.5:
        raise ImageError(f"{path}: an outline at {height_mm:.1f} mm is above or below {ct.source}: outlines of another scan?")
    return min(max(round(number), 0), len(ct.hu) - 1)


def _outlines(path: Path) -> Iterator[_Outline]:
    try:
        with path.open("rb") as stream:
            images = plistlib.load(stream)["Images"]
        regions = [region for image in images for region in image["ROIs"]]
        for region in regions:
            points = [_numbers(text, 2) for text in region.get("Point_px", ())]
            if points:
                places = [_numbers(text, 3) for text in region["Point_mm"]]
                corners = [(round(x), round(y)) for x, y in points]
                yield _Outline(_artery(region["Name"], path), corners, places[0][2])
    except _UNREADABLE as error:
        raise ImageError(f"{path}: not a list of outlines as OsiriX writes it ({type(error).__name__}: {error})") from error


def _numbers(text: str, count: int) -> tuple[float, ...]:
    """The numbers of "(x, y)"."""
    numbers = tuple(float(value) for value in ast.literal_eval(text))
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise ValueError(f"{count} numbers are expected in {text}")
    return numbers


def _artery(name: str, path: Path) -> int:
    try:
        return ARTERIES[name.strip()]
    except KeyError:
        raise ImageError(f"{path}: an outline of '{name}': the arteries are {', '.join(ARTERIES)}") from None
