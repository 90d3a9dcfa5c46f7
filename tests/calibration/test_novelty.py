"""The flag: one in a hundred of the known kind, and what is of another kind."""

from __future__ import annotations

import numpy as np
import pytest

from bioloc.calibration import FEATURES, Novelty, features_of, fit_novelty
from bioloc.cohorts.load import Sample
from bioloc.errors import RegistryError
from bioloc.tasks import TASKS

COUNT = len(FEATURES)


def kind(rng: np.random.Generator, count: int) -> np.ndarray:
    """Correlated features of very different sizes."""
    mix = np.random.default_rng(9).normal(0, 1, (COUNT, COUNT))
    return 5 + (rng.standard_normal((count, COUNT)) @ mix) * np.logspace(-3, 3, COUNT)


def share_of(novelty: Novelty, features: np.ndarray) -> float:
    return float(np.mean([novelty.of(row) > 1 for row in features]))


def test_one_in_a_hundred_of_the_known_kind_is_flagged():
    found = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        found.append(share_of(fit_novelty(kind(rng, 500), None), kind(rng, 1000)))
    assert 0.005 < np.mean(found) < 0.02


def test_what_differs_in_one_feature_or_in_how_they_go_together_is_flagged():
    rng = np.random.default_rng(0)
    novelty = fit_novelty(kind(rng, 500), None)
    one = kind(rng, 50)
    one[:, 0] += 12 * kind(rng, 500)[:, 0].std()
    assert share_of(novelty, one) > 0.9
    apart = rng.permuted(kind(rng, 200), axis=0)  # each feature as it was, but of another case
    assert share_of(novelty, apart) > 0.5


def test_twenty_cases_suffice():
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        novelty = fit_novelty(kind(rng, 20), "md5")
        assert (novelty.cases, novelty.cohort_md5) == (20, "md5")
        found.append(share_of(novelty, kind(rng, 200)))
    assert np.mean(found) < 0.12  # the largest of 20 is passed by 1 in 21


def test_features_that_never_vary_do_no_harm():
    rng = np.random.default_rng(0)
    features = kind(rng, 60)
    features[:, 3] = 7
    features[:40, 4] = 0  # most the same
    novelty = fit_novelty(features, None)
    assert np.isfinite(novelty.whitening).all()
    assert novelty.of(features.mean(axis=0)) < 1
    odd = features.mean(axis=0)
    odd[3] = 1000
    assert novelty.of(odd) > 1


def test_too_few_cases_give_no_flag():
    rng = np.random.default_rng(0)
    assert fit_novelty(kind(rng, 9), None) is None


def test_json_and_back():
    novelty = fit_novelty(kind(np.random.default_rng(0), 30), "abc")
    again = Novelty.from_dict(novelty.to_dict())
    row = kind(np.random.default_rng(1), 1)[0]
    assert again.of(row) == pytest.approx(novelty.of(row), rel=1e-9)
    for change in ({"format": "x"}, {"features": ["a"]}, {"center": [1.0]}):
        with pytest.raises(RegistryError, match="the novelty"):
            Novelty.from_dict({**novelty.to_dict(), **change})


def body(rng: np.random.Generator, slices: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A disc of tissue in air with candidates in its upper half."""
    row, column = np.indices((64, 64)) - 31.5
    hu = np.where(np.hypot(row, column) < 25, 40, -1000) + np.rint(rng.normal(0, 8, (slices, 64, 64)))
    worth = ((np.hypot(row + 10, column) < 8) * np.ones((slices, 1, 1))).astype(np.float32)
    return hu.astype(np.int16), worth


@pytest.mark.parametrize(("task", "slices"), [("pma", 1), ("cac", 1), ("cac", 30)])
def test_features_tell_noise_place_amount_and_hu(task, slices):
    hu, worth = body(np.random.default_rng(0), slices)

    def numbers(hu, worth):
        return dict(zip(FEATURES, features_of(TASKS[task], Sample("", hu, worth, 0.0)), strict=True))

    found = numbers(hu, worth)
    assert all(np.isfinite(list(found.values())))
    assert found["candidates"] == pytest.approx(np.log1p(worth.sum()))
    assert found["body_hu_50"] == pytest.approx(40, abs=1)
    assert found["candidate_hu_50"] == pytest.approx(40, abs=2)
    assert found["body_share"] == pytest.approx(np.pi * 25**2 / 64**2, rel=0.02)
    assert found["candidates_row"] == pytest.approx(0.5 - 10 / 64, abs=0.01)
    assert found["candidates_width"] == pytest.approx(4 / 64, abs=0.01)
    assert np.expm1(found["texture_50"]) == pytest.approx(0.6745 * 8 * 6**0.5, rel=0.1)
    down = numbers(hu[:, ::-1], worth[:, ::-1])
    assert down["candidates_row"] == pytest.approx(1 - found["candidates_row"])
    assert numbers(hu + 30, worth)["body_hu_50"] == pytest.approx(found["body_hu_50"] + 30)
    none = numbers(hu, np.zeros_like(worth))
    assert (none["candidates"], none["candidate_hu_50"], none["candidates_row"]) == (0, TASKS[task].hu_range[0], 0.5)


def test_features_of_air_and_of_metal_are_numbers():
    hu, worth = np.full((1, 32, 32), -1024, np.int16), np.zeros((1, 32, 32), np.float32)
    assert np.isfinite(features_of(TASKS["cac"], Sample("", hu, worth, 0.0))).all()
    hu[0, ::2] = 32767
    found = features_of(TASKS["cac"], Sample("", hu, worth, 0.0))
    assert np.isfinite(found).all()
