"""Contrast medium in the heart, and what must not be taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from fitness_scans import HEART_MM, ct, heart, heart_box

from bioloc.fitness.blood import MUCH_ML, SOME_ML, check_blood, largest_pool
from bioloc.fitness.finding import Finding
from bioloc.fitness.sample import Sample
from bioloc.tasks import get_task


def findings(hu: np.ndarray, boxed: bool, task: str = "cac", spacing_mm: tuple[float, float, float] = HEART_MM) -> list[Finding]:
    region = heart_box(hu, spacing_mm) if boxed else None
    return list(check_blood(Sample.of(get_task(task), ct(hu, spacing_mm), region, 0)))


@pytest.mark.parametrize("boxed", [True, False])
def test_unenhanced_blood_finds_nothing_beside_a_dense_spine_and_heavy_calcium(boxed: bool) -> None:
    assert findings(heart(), boxed) == []


@pytest.mark.parametrize("boxed", [True, False])
@pytest.mark.parametrize("blood_hu", [150, 300, 500])
def test_enhanced_blood_refuses(boxed: bool, blood_hu: float) -> None:
    (finding,) = findings(heart(blood_hu), boxed)
    assert (finding.code, finding.severity) == ("contrast", "refuse")
    assert "130 HU" in finding.text


def test_other_tasks_do_not_mind() -> None:
    assert findings(heart(300), True, "liver") == []


@pytest.mark.parametrize(
    ("millilitres", "severity"),
    [(0.6 * SOME_ML, None), (1.5 * SOME_ML, "warn"), (0.75 * MUCH_ML, "warn"), (1.3 * MUCH_ML, "refuse")],
)
def test_the_limits_are_the_volume_of_the_core(millilitres: float, severity: str | None) -> None:
    """A ball is found without its rim of 3 mm; its edge lies at 100 HU, half way to the muscle of 50."""
    radius = (3 * millilitres * 1000 / (4 * np.pi)) ** (1 / 3) + 3
    found = findings(heart(150, radius), True)
    assert [finding.severity for finding in found] == ([] if severity is None else [severity])


@pytest.mark.parametrize("spacing_mm", [(0.8, 0.8, 0.8), (1.5, 1.5, 1.5), (3.0, 1.0, 1.0), (5.0, 0.7, 0.7), (4.0, 4.0, 4.0)])
def test_a_pool_has_its_volume_and_hu_on_any_grid(spacing_mm: tuple[float, float, float]) -> None:
    shape = [round(90 / size) for size in spacing_mm]
    at = [(axis - (n - 1) / 2) * size for axis, n, size in zip(np.indices(shape, float), shape, spacing_mm, strict=True)]
    hu = np.where(np.sqrt(sum(a**2 for a in at)) < 30, 250, 40).astype(np.int16)
    pool = largest_pool(hu, spacing_mm)
    assert pool.volume_ml == pytest.approx(4 / 3 * np.pi * 27**3 / 1000, rel=0.35)
    assert pool.mean_hu == pytest.approx(250, abs=10)


def test_the_threshold_lies_between_fresh_and_enhanced_blood() -> None:
    assert findings(heart(85), True) == []
    assert findings(heart(115), True) != []
