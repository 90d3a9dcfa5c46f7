"""Two depths under the skin: straight, and along the fat, for which a muscle is a long way round."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bioloc.ct.body import body_mask
from bioloc.ct.depth import depths_mm

SIDE, PIXEL_MM = 80, 2.0
AIR, FAT, MUSCLE = -1000, -100, 50
RADIUS, WALL = 30, (16, 20)
Y, X = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
FROM_MIDDLE = np.hypot(Y, X)
OUTER = (WALL[1] <= FROM_MIDDLE) & (FROM_MIDDLE < RADIUS)
BEHIND = WALL[0] > FROM_MIDDLE
ON_WALL = ~BEHIND & (WALL[1] > FROM_MIDDLE)


def disc(gap: bool = False, wall: int = MUSCLE) -> NDArray[np.int16]:
    """(1, R, C) fat, with a ring in it that may be open to one side."""
    hu = np.where(FROM_MIDDLE < RADIUS, FAT, AIR)
    hu[ON_WALL] = wall
    if gap:
        hu[ON_WALL & (X < 0) & (np.abs(Y) < 3)] = FAT
    return hu[None].astype(np.int16)


def depths_of(hu: NDArray[np.int16]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Straight and along, of one slice."""
    straight, along = depths_mm(hu, PIXEL_MM)[0].astype(np.int64)
    return straight, along


@pytest.mark.parametrize("wall", [FAT, MUSCLE])
@pytest.mark.parametrize("pixel_mm", [0.8, 2.0, 3.6])
def test_the_straight_depth_of_a_disc_is_its_radius_less_the_distance_from_the_middle(wall: int, pixel_mm: float) -> None:
    straight = depths_mm(disc(wall=wall), pixel_mm)[0, 0]
    inside = FROM_MIDDLE < RADIUS
    assert straight[inside] == pytest.approx((RADIUS - FROM_MIDDLE[inside]) * pixel_mm, abs=1.5 * pixel_mm + 0.5)


def test_through_fat_alone_both_depths_are_about_the_same() -> None:
    straight, along = depths_of(disc(wall=FAT))
    assert along == pytest.approx(straight, abs=2.5 * PIXEL_MM)


def test_behind_a_wall_of_muscle_the_way_is_longer_by_its_resistance() -> None:
    straight, along = depths_of(disc())
    open_way = depths_of(disc(wall=FAT))[1]
    assert along[OUTER] == pytest.approx(straight[OUTER], abs=2.5 * PIXEL_MM)
    longer = (along - open_way)[BEHIND]
    crossed_mm = (WALL[1] - WALL[0]) * PIXEL_MM
    assert (
        longer.min() > 19 * (crossed_mm - PIXEL_MM) - 2 * PIXEL_MM
    )  # twentyfold instead of once; a pixel less where it cuts corners
    assert longer.max() < 19 * crossed_mm
    assert along[OUTER].max() < along[BEHIND].min()  # what the straight depth tells apart only by how thick the layer is


def test_a_gap_in_the_wall_shortens_the_way_and_nothing_lengthens() -> None:
    closed, gapped = depths_of(disc())[1], depths_of(disc(gap=True))[1]
    assert (gapped <= closed).all()
    assert (closed - gapped)[BEHIND].min() > 30
    straight = depths_of(disc(gap=True))[0]
    near = BEHIND & (X < -10) & (np.abs(Y) < 3)
    assert gapped[near] == pytest.approx(straight[near], abs=3 * PIXEL_MM)
    far = BEHIND & (X > 10) & (np.abs(Y) < 3)  # from the gap, through the fat behind the wall
    assert gapped[far] == pytest.approx((RADIUS + X[far]) * PIXEL_MM, abs=4 * PIXEL_MM)


def test_skin_is_passed_like_fat_and_a_thicker_layer_is_not() -> None:
    bare = disc(wall=FAT)
    inside = FROM_MIDDLE < RADIUS - 8
    without = depths_mm(bare, 1.0)[0, 1].astype(np.int64)
    for thickness, passed in ((2, True), (6, False)):
        skin = (RADIUS - thickness <= FROM_MIDDLE) & (FROM_MIDDLE < RADIUS)
        along = depths_mm(np.where(skin, MUSCLE, bare).astype(np.int16), 1.0)[0, 1].astype(np.int64)
        assert ((along == without)[inside].all()) == passed
        assert (along - without)[inside].min() > 15 or passed


def test_outside_the_body_there_is_no_depth() -> None:
    for depth in depths_of(disc()):
        assert not depth[FROM_MIDDLE >= RADIUS].any()
        assert (depth[FROM_MIDDLE < RADIUS - 4] > 0).all()


def test_a_table_is_no_body() -> None:
    beside = disc(wall=FAT)
    beside[0, -4:-1] = 200
    assert np.array_equal(depths_mm(beside, PIXEL_MM), depths_mm(disc(wall=FAT), PIXEL_MM))


def test_an_empty_slice_has_none_and_each_slice_its_own() -> None:
    empty = np.full((1, SIDE, SIDE), AIR, np.int16)
    found = depths_mm(np.concatenate([disc(), empty, disc(gap=True)]), PIXEL_MM)
    assert (found.shape, found.dtype) == ((3, 2, SIDE, SIDE), np.uint8)
    assert not found[1].any()
    assert np.array_equal(found[[0]], depths_mm(disc(), PIXEL_MM))
    assert np.array_equal(found[[2]], depths_mm(disc(gap=True), PIXEL_MM))


def test_the_images_border_counts_as_outside() -> None:
    filled = np.full((1, SIDE, SIDE), FAT, np.int16)
    straight = depths_of(filled)[0]
    assert straight[SIDE // 2, [0, 1, 2, 10]].tolist() == [2, 4, 6, 22]


def test_no_depth_is_above_255() -> None:
    found = depths_mm(disc(), 20.0)[0]
    assert found[:, SIDE // 2, SIDE // 2].tolist() == [255, 255]
    assert not found[:, 0, 0].any()


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 9999), muscles=st.integers(0, 8), pixel_mm=st.sampled_from([0.7, 2.0, 3.6]))
def test_along_is_never_shorter_than_straight(seed: int, muscles: int, pixel_mm: float) -> None:
    rng = np.random.default_rng(seed)
    hu = np.where((Y / rng.uniform(12, 38)) ** 2 + (X / rng.uniform(12, 38)) ** 2 < 1, FAT, AIR)
    for _ in range(muscles):
        row, column, height, width = rng.integers(0, SIDE, 2).tolist() + rng.integers(2, 25, 2).tolist()
        part = hu[row : row + height, column : column + width]
        part[part > AIR] = rng.choice([MUSCLE, 400, -700])  # muscle, bone, lung
    hu = hu[None].astype(np.int16)
    straight, along = depths_mm(hu, pixel_mm)[0].astype(np.int64)
    assert (along - straight).min() >= -2 * pixel_mm - 1  # the front starts up to one and a half pixels inside
    assert not along[~body_mask(hu[0])].any()
    mirrored, mirrored_along = depths_mm(hu[..., ::-1], pixel_mm)[0].astype(np.int64)
    assert np.array_equal(mirrored[:, ::-1], straight)
    assert np.abs(mirrored_along[:, ::-1] - along).max() <= 1
