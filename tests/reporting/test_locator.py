"""What was found automatically is drawn below the overlay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from bioloc.reporting.locator import Locator
from bioloc.reporting.overlays import overlay
from bioloc.reporting.panels import Picture

GREEN = (0x39, 0xFF, 0x6A)


def _greenest_rows(path: Path) -> np.ndarray:
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    return np.flatnonzero((np.abs(pixels - GREEN).sum(-1) < 90).sum(axis=1) > 50)


def _draw(path: Path, slice_number: int | None, region: np.ndarray | None) -> None:
    hu = np.full((20, 64, 80), -1000, np.int16)
    hu[:, 8:56, 8:72] = 40
    empty = np.zeros((64, 80), bool)
    picture = Picture(hu[5], (2.0, 2.0), empty.astype(np.float32), empty, None, (-160, 240), "a")
    overlay(picture, path, Locator(hu, (5.0, 2.0, 2.0), slice_number, region, ("the slice above the arch",)))


def test_the_slice_is_a_line_that_rises_with_it(tmp_path: Path) -> None:
    lines = []
    for number in (3, 16):
        _draw(tmp_path / f"{number}.png", number, None)
        lines.append(_greenest_rows(tmp_path / f"{number}.png"))
    assert all(len(line) for line in lines)
    assert lines[1].max() < lines[0].min()


def test_the_region_is_outlined(tmp_path: Path) -> None:
    region = np.zeros((20, 64, 80), bool)
    region[4:12, 20:40, 20:50] = True
    _draw(tmp_path / "a.png", None, region)
    rows = _greenest_rows(tmp_path / "a.png")
    assert len(rows) >= 2
    assert rows.max() - rows.min() > 30
