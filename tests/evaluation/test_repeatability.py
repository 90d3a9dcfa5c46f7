"""Repeatability and the ceiling of correlation, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.evaluation.repeatability import METRICS, highest_correlation, repeatability, within_subject_cv, within_subject_sd


def test_repeatability_by_hand() -> None:
    first, second = np.array([10.0, 20.0, 40.0]), np.array([12.0, 20.0, 36.0])
    found = repeatability(first, second, list("abc"), 100)
    assert found["within_subject_sd"]["value"] == pytest.approx(np.sqrt((4 + 0 + 16) / 6))
    assert found["repeatability_coefficient"]["value"] == pytest.approx(1.96 * np.sqrt(20 / 3))
    assert found["within_subject_cv"]["value"] == pytest.approx(np.sqrt((2 / 11**2 + 8 / 38**2) / 3))
    assert all(row["ci_low"] <= row["value"] <= row["ci_high"] for row in found.values())


def test_the_sd_is_that_of_one_measurement() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(100, 30, 20000)
    first, second = truth + rng.normal(0, 3, (2, 20000))
    assert float(within_subject_sd(first, second)) == pytest.approx(3, rel=0.02)
    apart = np.abs(first - second) > repeatability(first, second, [], 0)["repeatability_coefficient"]["value"]
    assert apart.mean() == pytest.approx(0.05, abs=0.006)


def test_pairs_at_0_have_no_coefficient_of_variation() -> None:
    first, second = np.array([0.0, 10.0]), np.array([0.0, 12.0])
    assert float(within_subject_cv(first, second)) == pytest.approx(np.sqrt(2) / 11)
    assert np.isnan(within_subject_cv(np.zeros(2), np.zeros(2)))


@pytest.mark.parametrize("name", METRICS)
def test_they_work_on_the_last_axis(name: str) -> None:
    first, second = np.random.default_rng(1).gamma(2, 10, (2, 4, 9))
    one_by_one = [float(METRICS[name](a, b)) for a, b in zip(first, second, strict=True)]
    assert METRICS[name](first, second).tolist() == pytest.approx(one_by_one)


@pytest.mark.parametrize("error", [0.05, 0.3, 1.0])
def test_a_perfect_method_reaches_the_ceiling(error: float) -> None:
    rng = np.random.default_rng(2)
    values = rng.gamma(3, 20, 100_000)
    reader = values * (1 + rng.normal(0, error, len(values)))
    assert float(np.corrcoef(values, reader)[0, 1]) == pytest.approx(highest_correlation(values, error), abs=0.005)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), error=st.floats(0.01, 2), more=st.floats(0.01, 2), scale=st.floats(0.01, 100))
def test_more_noise_lowers_the_ceiling_and_units_do_not_matter(seed: int, error: float, more: float, scale: float) -> None:
    values = np.random.default_rng(seed).gamma(2, 10, 50)
    assert 0 < highest_correlation(values, error + more) < highest_correlation(values, error) < 1
    assert highest_correlation(values * scale, error) == pytest.approx(highest_correlation(values, error))


def test_ends_of_the_ceiling() -> None:
    assert highest_correlation(np.array([1.0, 2.0]), 0) == 1
    assert highest_correlation(np.full(3, 2.0), 0.1) == 0
