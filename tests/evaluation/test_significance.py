"""The paired test is right as often as it says, and Holm's correction is the printed one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.evaluation.significance import holm, patient_means, signed_rank_p


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


@settings(derandomize=True, deadline=None, max_examples=50)
@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=12), level=st.floats(0.001, 0.5))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values: list[float], level: float) -> None:
    corrected = holm(p_values)
    rejected = 0
    for step, p in enumerate(sorted(p_values)):
        if p * (len(p_values) - step) > level:
            break
        rejected += 1
    assert sorted(corrected)[:rejected] == [p for p in sorted(corrected) if p <= level]
    assert all(one >= p for one, p in zip(corrected, p_values, strict=True))


def test_a_patients_cases_are_averaged_and_gaps_left_out() -> None:
    values = np.array([1.0, 5.0, 3.0, np.nan, np.nan])
    assert patient_means(values, ["b", "a", "b", "b", "c"]).tolist() == [5, 2]
    assert patient_means(np.full(2, np.nan), ["a", "b"]).tolist() == []


def test_the_signed_rank_p_counts_the_signs_that_are_as_extreme() -> None:
    differences = np.array([3.0, 1.5, -0.5, 2.0, -4.0, 6.0, 7.0, 0.1])
    ranks = np.argsort(np.argsort(np.abs(differences))) + 1
    sums = np.array([(ranks * (np.array(signs) > 0)).sum() for signs in itertools.product((-1, 1), repeat=8)])
    reached = ranks[differences > 0].sum()
    expected = 2 * min((sums >= reached).mean(), (sums <= reached).mean())
    assert signed_rank_p(differences) == pytest.approx(expected)


def test_a_p_may_be_far_below_what_any_bootstrap_reaches() -> None:
    assert signed_rank_p(np.random.default_rng(0).normal(1, 0.5, 128)) < 1e-15


def test_no_difference_is_no_finding() -> None:
    assert signed_rank_p(np.zeros(20)) == 1
    assert np.isnan(signed_rank_p(np.zeros(0)))
    few = np.zeros(100)
    few[:5] = [1, 2, 3, 4, 5]
    assert signed_rank_p(few) > 0.02  # Pratt: 95 equal cases speak too


@pytest.mark.parametrize("equal", [0.0, 0.3])
def test_false_alarms_are_as_rare_as_promised(equal: float) -> None:
    rng = np.random.default_rng(1)
    draws = rng.standard_t(2, (400, 60)) * (rng.random((400, 60)) >= equal)  # heavy tails
    alarms = np.mean([signed_rank_p(draw) < 0.05 for draw in draws])
    assert 0.02 < alarms < 0.08
