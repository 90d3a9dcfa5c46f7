"""Levels are negative inside, about the distance to the edge in mm, and painting never leaves the range of its tissues."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.phantoms.drawing import Canvas, inside, paint, radial_waves, smooth_line

CANVAS = Canvas(160, 180, 0.8)
calm = settings(derandomize=True, max_examples=25, deadline=None, database=None)
places = st.floats(-20, 20)
radii = st.floats(12, 38)
turns = st.floats(-180, 180)
seeds = st.integers(0, 2**32 - 1)


def area_mm2(level: np.ndarray, canvas: Canvas = CANVAS) -> float:
    return float(inside(level).sum()) * canvas.pixel_mm**2


@given(rows=st.integers(8, 80), columns=st.integers(8, 80), pixel=st.floats(0.3, 2))
@calm
def test_a_canvas_is_centred_and_spaced_by_its_pixels(rows, columns, pixel):
    canvas = Canvas(rows, columns, pixel)
    assert (canvas.y + canvas.x).shape == canvas.shape == (rows, columns)
    assert abs(float(canvas.x.mean())) < 1e-3
    assert abs(float(canvas.y.mean())) < 1e-3
    assert np.allclose(np.diff(canvas.x[0]), pixel, rtol=1e-3)


@given(x=places, y=places, rx=radii, ry=radii, degrees=turns)
@calm
def test_an_ellipse_has_its_area_wherever_it_lies(x, y, rx, ry, degrees):
    assert area_mm2(CANVAS.ellipse(x, y, rx, ry, degrees)) == pytest.approx(np.pi * rx * ry, rel=0.03)


@given(x=places, y=places, radius=radii)
@calm
def test_the_level_of_a_circle_is_the_distance_to_its_edge(x, y, radius):
    distance = np.hypot(CANVAS.x - x, CANVAS.y - y) - radius
    assert np.allclose(CANVAS.ellipse(x, y, radius, radius), distance, atol=1e-3)


@given(rx=radii, ry=radii, degrees=turns, low=st.floats(2, 3), more=st.floats(0.2, 3))
@calm
def test_a_superellipse_lies_between_ellipse_and_box(rx, ry, degrees, low, more):
    small, large = (area_mm2(CANVAS.superellipse(0, 0, rx, ry, p, degrees)) for p in (low, low + more))
    assert 0.97 * np.pi * rx * ry < small <= large < 1.03 * 4 * rx * ry


@given(x=places, y=places, radius=radii, stretch=st.floats(1, 1.6), degrees=turns)
@calm
def test_stretching_a_round_blob_keeps_its_area(x, y, radius, stretch, degrees):
    level = CANVAS.blob(x, y, radius, np.zeros((0, 2)), stretch, degrees)
    assert area_mm2(level) == pytest.approx(np.pi * radius**2, rel=0.03)


@given(seed=seeds, amount=st.floats(0, 0.05))
@calm
def test_waves_change_a_blob_only_as_much_as_they_say(seed, amount):
    waves = radial_waves(np.random.default_rng(seed), 5, amount)
    most = 30 * float(np.hypot(*waves.T).sum())
    level, plain = CANVAS.blob(0, 0, 30, waves), CANVAS.blob(0, 0, 30, np.zeros((0, 2)))
    assert waves.shape == (5, 2)
    assert np.abs(level - plain).max() <= most + 1e-3


@given(corners=st.lists(st.tuples(st.integers(5, 150), st.integers(5, 150)), min_size=2, max_size=6, unique=True))
@calm
def test_the_distance_to_a_line_is_zero_on_the_line(corners):
    rows, columns = np.array(corners).T
    points = np.stack([CANVAS.x[0, columns], CANVAS.y[rows, 0]], axis=1).astype(float)
    distance, along = CANVAS.distance_to_line(points)
    assert np.allclose(distance[rows, columns], 0, atol=1e-3)
    assert distance.min() >= 0
    assert 0 <= along.min() <= along.max() <= 1 + 1e-5
    assert along[rows[0], columns[0]] == pytest.approx(0, abs=1e-3)


@given(row=st.integers(5, 150), left=st.integers(5, 80), right=st.integers(95, 170))
@calm
def test_a_straight_line_is_as_far_as_its_perpendicular(row, left, right):
    y = float(CANVAS.y[row, 0])
    distance, along = CANVAS.distance_to_line(np.array([(CANVAS.x[0, left], y), (CANVAS.x[0, right], y)], float))
    assert np.allclose(distance[:, left : right + 1], np.abs(CANVAS.y - np.float32(y)), atol=1e-3)
    assert np.all(np.diff(along[row, left : right + 1]) > 0)


@given(seed=seeds, grain=st.floats(1, 60))
@calm
def test_texture_fills_the_canvas_with_unit_variance(seed, grain):
    field = CANVAS.texture(np.random.default_rng(seed), grain)
    assert field.shape == CANVAS.shape
    assert field.dtype == np.float32
    assert float(field.std()) == pytest.approx(1, abs=1e-3)


@given(seed=seeds, value=st.floats(-1000, 1500), radius=radii, edge=st.floats(0.2, 4))
@calm
def test_paint_stays_between_the_old_and_the_new_value(seed, value, radius, edge):
    old = np.random.default_rng(seed).uniform(-1000, 1500, CANVAS.shape).astype(np.float32)
    new, level = old.copy(), CANVAS.ellipse(0, 0, radius, radius)
    paint(new, level, value, edge)
    assert new.dtype == np.float32
    assert np.all(new >= np.minimum(old, value) - 1e-3)
    assert np.all(new <= np.maximum(old, value) + 1e-3)
    assert np.allclose(new[level < -edge], value, atol=1e-3)
    assert np.array_equal(new[level > edge], old[level > edge])


@given(seed=seeds, count=st.integers(3, 8), dimension=st.integers(2, 3))
@calm
def test_a_smooth_line_starts_and_ends_where_its_points_do(seed, count, dimension):
    points = np.cumsum(np.random.default_rng(seed).uniform(1, 9, (count, dimension)), axis=0)
    line = smooth_line(points, 50)
    assert line.shape == (50, dimension)
    assert np.allclose(line[[0, -1]], points[[0, -1]])
