"""Figures are made, are not blank, are small, and survive odd cases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bioloc.reporting.canvas import MAX_BYTES
from bioloc.reporting.figures import bland_altman, scatter
from bioloc.reporting.overlays import gallery, overlay
from bioloc.reporting.panels import Picture
from bioloc.tasks import TASKS


def _picture(rows: int = 96, columns: int = 128, target: int = 6, reference: bool = True) -> Picture:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:rows, :columns]
    body = ((y - rows / 2) / (0.45 * rows)) ** 2 + ((x - columns / 2) / (0.45 * columns)) ** 2 < 1
    mask = np.hypot(y - rows / 3, x - columns / 2) < target
    hu = np.where(body, 40, -1000) + rng.normal(0, 30, body.shape)
    return Picture(
        hu.astype(np.int16),
        (2.0, 1.5),
        (mask * 0.8).astype(np.float32),
        mask,
        mask if reference else None,
        (-160, 240),
        "a: 3 cm2",
    )


def _pixels(path: Path) -> np.ndarray:
    assert 0 < path.stat().st_size < MAX_BYTES
    return np.asarray(Image.open(path).convert("RGB"))


def _has(pixels: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((np.abs(pixels.astype(int) - colour).sum(-1) < 40).any())


@pytest.mark.parametrize("task", ["pma", "cac"])
@pytest.mark.parametrize("draw", [scatter, bland_altman])
def test_value_figures(tmp_path: Path, task: str, draw: object) -> None:
    rng = np.random.default_rng(1)
    known = rng.lognormal(3, 1, 60) * (rng.random(60) > 0.2)
    table = pd.DataFrame({"value": known, "predicted": known * 1.1 + rng.normal(0, 2, 60)})
    table.loc[3, "predicted"] = np.nan
    path = tmp_path / "there" / "figure.png"
    draw(TASKS[task], table, "title", path)
    assert _has(_pixels(path), (0xC2, 0x41, 0x0C))
    draw(TASKS[task], table.iloc[:0], "nothing", path)
    assert _pixels(path).std() > 1
    assert [file.name for file in path.parent.iterdir()] == ["figure.png"]


@pytest.mark.parametrize("task", ["pma", "cac"])
def test_intervals_of_the_limits_are_bands(tmp_path: Path, task: str) -> None:
    known = np.linspace(10, 90, 40)
    table = pd.DataFrame({"value": known, "predicted": known + np.tile([-3.0, 3.0], 20)})
    metrics = {"bias": {"ci_low": -1.0, "ci_high": 1.0}, "limit_low": {"ci_low": None}, "limit_high": None}
    bland_altman(TASKS[task], table, "title", tmp_path / "without.png")
    bland_altman(TASKS[task], table, "title", tmp_path / "with.png", metrics)
    without, banded = (_pixels(tmp_path / f"{name}.png").astype(int) for name in ("without", "with"))
    orange = without[..., 0] - without[..., 2], banded[..., 0] - banded[..., 2]
    tinted = [((part > 10) & (part < 60)).sum() for part in orange]
    assert tinted[1] > 10 * max(tinted[0], 1)


def test_overlay_shows_mask_and_reference(tmp_path: Path) -> None:
    overlay(_picture(), tmp_path / "both.png")
    both = _pixels(tmp_path / "both.png")
    assert 1490 <= both.shape[1] <= 1510
    assert _has(both, (0x22, 0xD3, 0xEE))
    assert _has(both, (0xFF, 0x8C, 0x1A))
    overlay(_picture(reference=False), tmp_path / "one.png")
    assert not _has(_pixels(tmp_path / "one.png"), (0x22, 0xD3, 0xEE))


def test_odd_pictures(tmp_path: Path) -> None:
    empty, full = _picture(target=0), _picture(target=400)
    air = Picture(
        np.full((40, 40), -1024, np.int16), (1, 1), np.full((40, 40), np.nan, np.float32), empty.mask[:40, :40], None, (0, 1), ""
    )
    gallery([empty, full, air], tmp_path / "odd.png")
    assert _pixels(tmp_path / "odd.png").std() > 10
    gallery([], tmp_path / "none.png")
    assert _pixels(tmp_path / "none.png").std() > 1


def test_noise_stays_small_and_colours_stay(tmp_path: Path) -> None:
    gallery([_picture(384, 512, 40)] * 8, tmp_path / "six.png")  # two more than it shows
    pixels = _pixels(tmp_path / "six.png")
    assert _has(pixels, (0xFF, 0x8C, 0x1A))


def test_threads_draw_the_same(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda path: overlay(_picture(), path), paths))
    assert len({path.read_bytes() for path in paths}) == 1
