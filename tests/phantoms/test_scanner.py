"""The scanner adds noise of a known strength and gives back what a scanner gives: int16, clipped, reproducible."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.phantoms.scanner import Scanner, noise, scan

calm = settings(derandomize=True, max_examples=25, deadline=None, database=None)
seeds = st.integers(0, 2**32 - 1)
shapes = st.tuples(st.integers(1, 3), st.integers(40, 120), st.integers(40, 120))
QUIET = Scanner(blur_mm=0.6, sharpening=0.0, noise_hu=0.0, grain_mm=1.0, streaks=0.0, offset_hu=0.0)
SPACING = (3.0, 0.8, 0.8)


@given(seed=seeds, shape=shapes, grain=st.floats(0.4, 3))
@calm
def test_noise_has_unit_variance_and_no_mean(seed, shape, grain):
    field = noise(np.random.default_rng(seed), shape, grain)
    assert field.shape == shape
    assert field.dtype == np.float32
    assert float(field.std()) == pytest.approx(1, abs=1e-3)
    assert abs(float(field.mean())) < 0.15


@given(seed=seeds)
@calm
def test_coarser_noise_has_more_alike_neighbours(seed):
    def likeness(grain: float) -> float:
        field = noise(np.random.default_rng(seed), (1, 96, 96), grain)
        return float((field[..., 1:] * field[..., :-1]).mean())

    assert likeness(0.7) < likeness(1.5) < likeness(3.0)


@given(seed=seeds, shift=st.booleans(), shape=shapes, low=st.floats(-3000, 0), high=st.floats(0, 6000))
@calm
def test_a_scan_is_int16_and_clipped_to_the_range_of_a_scanner(seed, shift, shape, low, high):
    rng = np.random.default_rng(seed)
    hu = rng.uniform(low, high, shape).astype(np.float32)
    image = scan(hu, SPACING, Scanner.draw(rng, (8, 20), shift), rng, 350)
    assert image.dtype == np.int16
    assert image.shape == shape
    assert image.min() >= -1024
    assert image.max() <= 3071


@given(seed=seeds, shift=st.booleans())
@calm
def test_the_same_seed_scans_the_same(seed, shift):
    hu = np.full((2, 48, 56), 40, np.float32)
    scanner = Scanner.draw(np.random.default_rng(seed), (8, 20), shift)
    first, second = (scan(hu, SPACING, scanner, np.random.default_rng(seed), 320) for _ in range(2))
    assert first.tobytes() == second.tobytes()


@given(value=st.integers(-1000, 3000), offset=st.integers(-20, 20))
@calm
def test_a_quiet_scanner_changes_a_flat_image_by_its_offset_only(value, offset):
    hu = np.full((1, 48, 48), value, np.float32)
    image = scan(hu, SPACING, replace(QUIET, offset_hu=float(offset)), np.random.default_rng(0), 300)
    assert np.abs(image.astype(int) - np.clip(value + offset, -1024, 3071)).max() <= 1


@given(seed=seeds, width=st.floats(220, 400))
@calm
def test_a_wider_patient_is_noisier(seed, width):
    hu = np.full((1, 64, 64), 40, np.float32)
    thin, wide = (
        scan(hu, SPACING, replace(QUIET, noise_hu=15.0), np.random.default_rng(seed), w).std() for w in (width, width + 60)
    )
    assert wide / thin == pytest.approx(np.exp(60 / 200), rel=0.03)


@given(seed=seeds, low=st.floats(5, 10), more=st.floats(1, 10))
@calm
def test_a_shifted_protocol_lies_outside_the_usual_noise(seed, low, more):
    usual, shifted = (Scanner.draw(np.random.default_rng(seed), (low, low + more), shift) for shift in (False, True))
    assert low <= usual.noise_hu <= low + more < shifted.noise_hu
    assert usual.sharpening <= 0.35 < shifted.sharpening
