"""The working grid: nothing is lost or won by the resampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.cohorts.grid import Placement
from bioloc.ct.image import AIR

SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def placements(draw: st.DrawFn) -> Placement:
    shape = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    return Placement(
        size=draw(st.integers(2, 32)),
        pixel_mm=draw(st.floats(0.3, 5.0)),
        shape=shape,
        spacing_mm=draw(st.tuples(st.floats(0.3, 3.0), st.floats(0.3, 3.0))),
        center=(draw(st.floats(-5, shape[0] + 5)), draw(st.floats(-5, shape[1] + 5))),
    )


def covering(shape: tuple[int, int], spacing_mm: tuple[float, float], pixel_mm: float) -> Placement:
    size = int(np.ceil(max(n * mm for n, mm in zip(shape, spacing_mm, strict=True)) / pixel_mm)) + 1
    return Placement(size, pixel_mm, shape, spacing_mm, ((shape[0] - 1) / 2, (shape[1] - 1) / 2))


@settings(derandomize=True, deadline=None, max_examples=30)
@given(placements(), SEEDS)
def test_the_map_goes_back_by_the_transpose(placement: Placement, seed: int) -> None:
    rng = np.random.default_rng(seed)
    worth = (rng.random((2, *placement.shape)) * (rng.random((2, *placement.shape)) < 0.3)).astype(np.float32)
    grid_map = rng.random((2, placement.size, placement.size)).astype(np.float32)
    on_grid = (placement.pool_worth(worth).astype(float) * grid_map).sum()
    native = (worth.astype(float) * placement.upsample(grid_map)).sum()
    assert on_grid == pytest.approx(native, rel=1e-4, abs=1e-6)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.floats(0.3, 3.0), st.floats(0.3, 3.0)),
    st.floats(0.5, 5.0),
    SEEDS,
)
def test_sums_are_kept_where_the_grid_covers_the_image(
    shape: tuple[int, int], spacing_mm: tuple[float, float], pixel_mm: float, seed: int
) -> None:
    placement = covering(shape, spacing_mm, pixel_mm)
    worth = np.random.default_rng(seed).random((2, *shape)).astype(np.float32)
    pooled = placement.pool_worth(worth)
    assert pooled.shape == (2, placement.size, placement.size)
    assert pooled.min() >= 0
    assert pooled.sum(axis=(1, 2)) == pytest.approx(worth.sum(axis=(1, 2)), rel=1e-4)
    ones = placement.upsample(np.ones((1, placement.size, placement.size), np.float32))
    assert ones == pytest.approx(np.ones((1, *shape)), abs=1e-5)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(placements(), st.integers(-1024, 3000))
def test_the_pool_of_a_constant_is_the_constant_inside_and_air_outside(placement: Placement, level: int) -> None:
    pooled = placement.pool(np.full((1, *placement.shape), level, np.int16))
    assert pooled.dtype == np.int16
    assert set(np.unique(pooled)) <= {level, AIR}
    inside = placement.pool_worth(np.ones((1, *placement.shape), np.float32)) > 0.02
    assert (pooled[inside] == level).all()


def test_the_pool_of_a_covered_image_has_its_mean() -> None:
    placement = covering((40, 30), (0.8, 0.8), 2.0)
    hu = np.full((1, 40, 30), -100, np.int16)
    hu[:, 10:30, 8:22] = 60
    pooled = placement.pool(hu)
    assert pooled.min() == AIR
    inner = pooled[0, placement.size // 2, placement.size // 2]
    assert inner == 60
    assert pooled[pooled > AIR].min() >= -100
    assert pooled.max() == 60


def test_a_grid_of_the_images_own_pixels_is_the_identity() -> None:
    placement = Placement(9, 0.7, (9, 9), (0.7, 0.7), (4.0, 4.0))
    hu = np.random.default_rng(0).integers(-1024, 2000, (2, 9, 9)).astype(np.int16)
    assert np.array_equal(placement.pool(hu), hu)
    assert placement.pool_worth(hu.astype(np.float32)) == pytest.approx(hu.astype(np.float32))
    assert placement.upsample(hu.astype(np.float32)) == pytest.approx(hu.astype(np.float32))


def test_what_lies_off_the_grid_is_neither_seen_nor_counted() -> None:
    placement = Placement(4, 1.0, (10, 10), (1.0, 1.0), (1.5, 1.5))
    worth = np.zeros((1, 10, 10), np.float32)
    worth[0, 8, 8] = 5
    assert placement.pool_worth(worth).sum() == 0
    assert placement.upsample(np.ones((1, 4, 4), np.float32))[0, 8, 8] == 0
