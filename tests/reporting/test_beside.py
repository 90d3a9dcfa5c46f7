"""All methods on the same cases in one picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from bioloc.reporting.beside import Beside, side_by_side
from bioloc.reporting.canvas import MAX_BYTES
from bioloc.reporting.panels import Picture

ORANGE, CYAN = (0xFF, 0x8C, 0x1A), (0x22, 0xD3, 0xEE)
METHODS = ("localizer", "regressor (CAM)", "segmenter")


def _picture(at: tuple[int, int], reference: bool = True) -> Picture:
    y, x = np.mgrid[:96, :128]
    hu = np.where(((y - 48) / 44) ** 2 + ((x - 64) / 58) ** 2 < 1, 40, -1000).astype(np.int16)
    mask, truth = (np.hypot(y - row, x - column) < 6 for row, column in (at, (30, 40)))
    return Picture(hu, (2.0, 2.0), mask.astype(np.float32), mask, truth if reference else None, (-160, 240), "3 cm2, Dice 0.9")


def _columns_with(path: Path, colour: tuple[int, int, int]) -> np.ndarray:
    assert 0 < path.stat().st_size < MAX_BYTES
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)[:-40]  # the legend is below
    return np.flatnonzero((np.abs(pixels - colour).sum(-1) < 40).any(axis=0)) / pixels.shape[1]


def test_every_method_has_its_panel_and_the_truth_is_the_last(tmp_path: Path) -> None:
    pictures = dict.fromkeys(METHODS, _picture((30, 40)))
    side_by_side([Beside("a", pictures), Beside("b, WORST", pictures)], tmp_path / "a.png")
    masks, truth = _columns_with(tmp_path / "a.png", ORANGE), _columns_with(tmp_path / "a.png", CYAN)
    assert {int(5 * at) for at in masks} == {1, 2, 3}
    assert {int(5 * at) for at in truth} == {4}


def test_all_panels_of_a_row_show_the_same_part(tmp_path: Path) -> None:
    near, far = _picture((30, 40)), _picture((70, 100))
    side_by_side([Beside("a", {"localizer": near, "regressor (CAM)": far})], tmp_path / "a.png")
    masks = _columns_with(tmp_path / "a.png", ORANGE)
    assert {int(4 * at) for at in masks} == {1}  # what lies outside the enlarged part is not drawn elsewhere


def test_a_case_without_reference_or_map(tmp_path: Path) -> None:
    empty = replace(_picture((30, 40), reference=False), map=np.zeros((96, 128), np.float32), mask=np.zeros((96, 128), bool))
    side_by_side([Beside("a", {"localizer": empty})], tmp_path / "a.png")
    assert not len(_columns_with(tmp_path / "a.png", CYAN))
