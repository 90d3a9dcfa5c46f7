"""Intervals over patients: they cover, keep a patient's cases together, and know which method is better."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.evaluation.agreement import bias, calibration_slope, mae, pearson_r
from bioloc.evaluation.bootstrap import mean_with_interval, paired_difference, ratio_of_sums, resamples, with_interval


@settings(derandomize=True, deadline=None, max_examples=25)
@given(owners=st.lists(st.integers(0, 6), min_size=1, max_size=20))
def test_patients_are_drawn_with_all_their_cases(owners: list[int]) -> None:
    patients = [f"p{owner}" for owner in owners]
    cases = {name: [n for n, patient in enumerate(patients) if patient == name] for name in set(patients)}
    for draw in resamples(patients, 20):
        counts = np.bincount(draw, minlength=len(patients))
        times = {name: {int(counts[n]) for n in members} for name, members in cases.items()}
        assert all(len(seen) == 1 for seen in times.values())  # each of its cases as often
        assert sum(seen.pop() for seen in times.values()) == len(cases)  # as many patients as there are


def test_every_patient_is_drawn_about_once_on_average() -> None:
    patients = [f"p{n:02}" for n in np.random.default_rng(0).permutation(30)]
    counts = np.bincount(np.concatenate(resamples(patients, 2000)), minlength=30) / 2000
    assert np.abs(counts - 1).max() < 0.12


def test_draws_are_the_same_each_time() -> None:
    patients = ["b", "a", "c", "a"]
    assert all(np.array_equal(one, same) for one, same in zip(resamples(patients, 9), resamples(patients, 9), strict=True))
    assert len(resamples(patients, 9)) == 9


def test_draws_do_not_depend_on_the_patients_names() -> None:
    by_name = resamples(["a", "b", "c"], 5)
    assert all(np.array_equal(one, same) for one, same in zip(by_name, resamples(["x", "y", "z"], 5), strict=True))


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng, truth, covered = np.random.default_rng(0), 3.0, 0
    draws = resamples([str(n) for n in range(60)], 300)
    for _ in range(200):
        known = rng.normal(50, 10, 60)
        found = with_interval(bias, known, known + rng.normal(truth, 5, 60), draws)
        assert found["ci_low"] < found["value"] < found["ci_high"]
        covered += found["ci_low"] <= truth <= found["ci_high"]
    assert 0.88 < covered / 200 < 0.99


def test_the_interval_is_as_wide_as_theory_has_it() -> None:
    rng = np.random.default_rng(1)
    known = rng.normal(50, 10, 200)
    found = with_interval(bias, known, known + rng.normal(0, 5, 200), resamples([str(n) for n in range(200)], 2000))
    assert found["ci_high"] - found["ci_low"] == pytest.approx(2 * 1.96 * 5 / np.sqrt(200), rel=0.15)


def test_cases_of_one_patient_are_no_new_evidence() -> None:
    rng = np.random.default_rng(2)
    known = rng.normal(50, 10, 40)
    predicted = known + rng.normal(0, 5, 40)
    alone = with_interval(bias, known, predicted, resamples([str(n) for n in range(40)], 1000))
    repeated = np.repeat(np.arange(40), 5)
    again = with_interval(bias, known[repeated], predicted[repeated], resamples([str(n) for n in repeated], 1000))
    assert again["value"] == pytest.approx(alone["value"])
    assert again["ci_high"] - again["ci_low"] == pytest.approx(alone["ci_high"] - alone["ci_low"], rel=0.1)


def test_unequal_patients_are_reckoned_draw_by_draw() -> None:
    patients = ["a", "a", "b", "c", "c", "c"]
    rng = np.random.default_rng(3)
    known, predicted = rng.random(6), rng.random(6)
    draws = resamples(patients, 50)
    found = with_interval(mae, known, predicted, draws)
    low, high = np.percentile([np.abs(predicted[d] - known[d]).mean() for d in draws], [2.5, 97.5])
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((low, high))


def test_no_draws_no_interval() -> None:
    found = with_interval(mae, np.arange(3.0), np.arange(3.0) + 1, [])
    assert found["value"] == 1
    assert np.isnan([found["ci_low"], found["ci_high"]]).all()


def test_the_paired_differences_sign_is_one_minus_other() -> None:
    rng = np.random.default_rng(4)
    known = rng.normal(50, 10, 80)
    good, bad = known + rng.normal(0, 1, 80), known + rng.normal(0, 8, 80)
    draws = resamples([str(n) for n in range(80)], 1000)
    error = paired_difference(mae, known, good, bad, draws)
    assert error["value"] == pytest.approx(float(mae(known, good) - mae(known, bad)))
    assert error["ci_low"] < error["value"] < error["ci_high"] < 0
    assert error["p_value"] < 0.01
    assert paired_difference(pearson_r, known, good, bad, draws)["ci_low"] > 0
    turned = paired_difference(mae, known, bad, good, draws)
    assert (turned["ci_low"], turned["ci_high"]) == pytest.approx((-error["ci_high"], -error["ci_low"]))
    assert turned["p_value"] == error["p_value"]


def test_a_method_is_not_better_than_itself() -> None:
    rng = np.random.default_rng(5)
    known = rng.normal(50, 10, 30)
    predicted = known + rng.normal(0, 3, 30)
    found = paired_difference(mae, known, predicted, predicted, resamples([str(n) for n in range(30)], 100))
    assert found == {"value": 0, "ci_low": 0, "ci_high": 0, "p_value": 1}


def test_pairing_sees_what_two_intervals_do_not() -> None:
    rng = np.random.default_rng(6)
    known = rng.normal(50, 10, 60)
    hard = np.abs(rng.normal(0, 10, 60))  # the same cases are hard for both
    one, other = known + hard, known + hard + 0.5
    draws = resamples([str(n) for n in range(60)], 500)
    separate = [with_interval(mae, known, predicted, draws) for predicted in (one, other)]
    assert separate[0]["ci_high"] > separate[1]["ci_low"]
    assert paired_difference(mae, known, one, other, draws)["ci_high"] < 0


def test_means_leave_out_what_is_not_a_number() -> None:
    values = np.array([0.5, np.nan, 0.7, 0.9, np.nan])
    found = mean_with_interval(values, resamples(list("abcde"), 400))
    assert found["value"] == pytest.approx(0.7)
    assert 0.5 <= found["ci_low"] < found["value"] < found["ci_high"] <= 0.9


def test_a_mean_of_nothing_is_not_a_number() -> None:
    found = mean_with_interval(np.full(3, np.nan), resamples(list("abc"), 10))
    assert list(found) == ["value", "ci_low", "ci_high"]
    assert np.isnan(list(found.values())).all()


def test_a_ratio_weighs_cases_by_their_parts() -> None:
    lesions, found = np.array([1.0, 9.0, 0.0]), np.array([1.0, 0.0, 0.0])
    interval = with_interval(ratio_of_sums, lesions, found, resamples(list("abc"), 500))
    assert interval["value"] == 0.1
    assert (interval["ci_low"], interval["ci_high"]) == (0, 1)  # draws of nothing but the third case have no ratio


def test_draws_in_which_a_metric_is_not_defined_do_not_count() -> None:
    known, predicted = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0])
    interval = with_interval(calibration_slope, known, predicted, resamples(list("abc"), 200))  # some are of b and c alone
    assert np.isfinite(list(interval.values())).all()
