"""A local scanner's correction: found through outliers, and kept only where it helps cases that it did not see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.calibration import Line, coverage, fit_interval, try_line
from bioloc.calibration.line import FORMAT
from bioloc.errors import RegistryError
from bioloc.tasks import TASKS

PMA, CAC = TASKS["pma"], TASKS["cac"]


def test_a_scanner_that_exaggerates_is_corrected_in_spite_of_outliers():
    rng = np.random.default_rng(0)
    known = rng.uniform(20, 80, 30)
    predicted = 1.2 * known + 5 + rng.normal(0, 1, 30)
    predicted[:4] = 200
    trial = try_line(PMA, known, predicted, "md5")
    assert trial.kept
    assert trial.line.slope == pytest.approx(1 / 1.2, rel=0.08)
    assert trial.line.of(np.array([65.0]))[0] == pytest.approx(50, abs=2)
    assert trial.line.error_after < trial.line.error_before
    assert (trial.line.cases, trial.line.cohort_md5) == (30, "md5")


def test_a_case_is_corrected_by_a_line_that_did_not_see_it():
    rng = np.random.default_rng(0)
    known, predicted = rng.uniform(20, 80, 12), rng.uniform(20, 80, 12)
    trial = try_line(PMA, known, predicted, None)
    for number in range(12):
        others = np.arange(12) != number
        alone = try_line(PMA, known[others], predicted[others], None).line
        assert trial.held_out[number] == pytest.approx(alone.of(predicted[number : number + 1])[0])


def test_predictions_without_a_systematic_error_are_seldom_touched():
    kept = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        known = rng.uniform(20, 80, 20)
        kept.append(try_line(PMA, known, known + rng.normal(0, 3, 20), None).kept)
    assert np.mean(kept) < 0.4


def test_a_line_that_falls_is_not_kept():
    known = np.linspace(10, 50, 20)
    trial = try_line(PMA, known, 60 - known, None)
    assert trial.line.slope < 0
    assert not trial.kept


def test_calcium_is_corrected_by_a_factor_and_none_stays_none():
    rng = np.random.default_rng(0)
    known = np.where(rng.random(60) < 0.4, 0, np.exp(rng.normal(5, 1.5, 60)))
    trial = try_line(CAC, known, known * 1.5 * np.exp(rng.normal(0, 0.05, 60)), None)
    assert trial.kept
    assert trial.line.cases == (known > 0).sum()
    assert trial.line.of(np.array([0.0, 1500.0])) == pytest.approx([0, 1000], rel=0.1)
    assert not trial.held_out[known == 0].any()


def test_the_interval_of_corrected_values_covers_though_the_cases_are_few():
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        known = rng.uniform(20, 80, 1025)
        predicted = 1.3 * known - 4 + rng.normal(0, 3, 1025)
        trial = try_line(PMA, known[:25], predicted[:25], None)
        interval = fit_interval(PMA, known[:25], trial.held_out[:25], None)
        found.append(coverage(interval, known[25:], trial.line.of(predicted[25:])))
    assert 0.88 <= np.mean(found) <= 0.95


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(0, 1e4), min_size=2, max_size=20),
    st.floats(0.1, 5),
    st.floats(-50, 50),
    st.sampled_from(["linear", "log1p"]),
)
def test_a_kept_line_never_turns_the_order_round_and_never_goes_below_0(values, slope, intercept, space):
    intercept = intercept if space == "linear" else intercept / 10
    line = Line(space, slope / (5 if space == "log1p" else 1), intercept, 10, None, 1.0, 0.5)
    found = line.of(np.sort(np.array(values)))
    assert (found >= 0).all()
    assert (np.diff(found) >= 0).all()


def test_equal_predictions_are_only_shifted():
    known = np.linspace(10, 20, 12)
    line = try_line(PMA, known, np.full(12, 30.0), None).line
    assert (line.slope, line.intercept) == (1, pytest.approx(-15))


def test_json_and_back():
    line = Line("linear", 0.9, 1.0, 12, "abc", 2.0, 1.0)
    assert Line.from_dict(line.to_dict()) == line
    with pytest.raises(RegistryError, match=f"this version reads '{FORMAT}'"):
        Line.from_dict({**line.to_dict(), "format": "x"})
