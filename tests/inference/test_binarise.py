"""One rule makes masks of maps, and its value at every threshold is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import sem

from bioloc.biomarkers.candidates import Candidates
from bioloc.inference.binarise import THRESHOLDS, best_threshold, binarise, values_at_thresholds

SHAPE = (2, 12, 12)


def make_candidates(seed: int, lesions: bool) -> Candidates:
    rng = np.random.default_rng(seed)
    if not lesions:
        return Candidates((rng.random(SHAPE) < 0.4).astype(np.uint8), None, 0.013)
    labels = np.zeros(SHAPE, np.int32)
    for number in range(6):  # lesions of 1 to 4 pixels, apart from each other
        size = int(rng.integers(1, 5))
        labels[number % 2, 4 * (number // 2), 1 : 1 + size] = number + 1
    factor = np.concatenate([[0], rng.integers(1, 5, 6)]).astype(np.uint8)[labels]
    return Candidates(factor, labels, 0.37)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 9999), lesions=st.booleans(), kind=st.sampled_from(["random", "on thresholds", "extreme"]))
def test_the_curve_is_the_masks_value_at_every_threshold(seed: int, lesions: bool, kind: str) -> None:
    candidates, rng = make_candidates(seed, lesions), np.random.default_rng(seed)
    native = {
        "random": rng.random(SHAPE),
        "on thresholds": rng.choice(THRESHOLDS, SHAPE),  # in float32: a hair above or below the decimal number
        "extreme": rng.choice([0.0, 1.0], SHAPE),
    }[kind].astype(np.float32)
    curve = values_at_thresholds(native, candidates)
    assert curve.shape == THRESHOLDS.shape
    assert curve.tolist() == [candidates.value(binarise(native, candidates, float(t))) for t in THRESHOLDS]
    assert (np.diff(curve) <= 0).all()


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 9999), threshold=st.sampled_from(THRESHOLDS.tolist()))
def test_lesions_are_in_or_out_as_a_whole_by_their_mean(seed: int, threshold: float) -> None:
    candidates = make_candidates(seed, lesions=True)
    native = np.random.default_rng(seed).random(SHAPE).astype(np.float32)
    mask = binarise(native, candidates, threshold)
    assert candidates.lesions is not None
    assert not mask[candidates.lesions == 0].any()
    for lesion in range(1, 7):
        held = candidates.lesions == lesion
        assert mask[held].all() == mask[held].any() == (native[held].mean(dtype=np.float64) > threshold)


def test_a_mask_is_made_of_candidates_above_the_threshold() -> None:
    candidates = make_candidates(1, lesions=False)
    native = np.random.default_rng(2).random(SHAPE).astype(np.float32)
    assert np.array_equal(binarise(native, candidates, 0.3), candidates.mask & (native > np.float32(0.3)))


@pytest.mark.parametrize("labels", [None, np.zeros(SHAPE, np.int32)])
def test_no_candidates_are_worth_nothing(labels: np.ndarray | None) -> None:
    candidates = Candidates(np.zeros(SHAPE, np.uint8), labels, 1.0)
    native = np.ones(SHAPE, np.float32)
    assert not binarise(native, candidates, 0.5).any()
    assert not values_at_thresholds(native, candidates).any()


def test_the_best_threshold_is_the_one_that_made_the_values() -> None:
    rng = np.random.default_rng(5)
    cases = [(rng.random(SHAPE).astype(np.float32), make_candidates(seed, lesions=False)) for seed in range(6)]
    values = np.array([candidates.value(binarise(native, candidates, 0.38)) for native, candidates in cases])
    curves = np.array([values_at_thresholds(native, candidates) for native, candidates in cases])
    found = best_threshold(curves, values)
    assert isinstance(found, float)
    assert np.abs(curves[:, THRESHOLDS.tolist().index(found)] - values).max() == 0
    assert found == pytest.approx(0.38, abs=0.021)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 9999), cases=st.integers(2, 40))
def test_no_threshold_nearer_one_half_is_within_a_standard_error_of_the_best(seed: int, cases: int) -> None:
    rng = np.random.default_rng(seed)
    curves, values = rng.random((cases, len(THRESHOLDS))) * 10, rng.random(cases) * 10
    found = best_threshold(curves, values)
    errors = np.abs(curves.T - values)  # a row for each threshold
    best = errors[int(np.argmin(errors.mean(axis=1)))]
    for threshold, error in zip(THRESHOLDS, errors, strict=True):
        as_good = (error - best).mean() <= sem(error - best)
        assert as_good if threshold == found else not as_good or abs(threshold - 0.5) >= abs(found - 0.5)


def test_one_case_does_not_move_the_threshold_from_one_half() -> None:
    values = np.zeros(60)
    curves = np.full((60, len(THRESHOLDS)), 0.2)
    curves[0] = np.where(THRESHOLDS > 0.9, 0.0, 3.0)  # one of sixty is right beyond 0.9 only,
    curves[1] = np.where(THRESHOLDS > 0.9, 0.3, 0.2)  # another a little worse there
    assert best_threshold(curves, values) == 0.5
    curves[:] = np.where(THRESHOLDS > 0.9, 0.1, 0.2)  # a little better, but in every case
    assert best_threshold(curves, values) == pytest.approx(0.92)


def test_a_single_case_has_the_threshold_nearest_one_half_of_those_that_fit_it_best() -> None:
    curve = np.where((THRESHOLDS > 0.1) & (THRESHOLDS < 0.4), 7.0, 5.0)
    assert best_threshold(curve[None], np.array([7.0])) == pytest.approx(0.38)
