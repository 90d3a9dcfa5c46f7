"""Every metric against an independent formula or another library."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as sk

from bioloc.evaluation import agreement
from bioloc.evaluation.agreement import categories, category_accuracy, confusion, metrics_of, weighted_kappa
from bioloc.tasks import TASKS, get_task

Array = NDArray[np.float64]
CAC = get_task("cac")
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], np.float64)
"""Table 2 of Shrout and Fleiss (1979): six targets by four judges; ICC(2,1) = .29."""


def pairs(seed: int, count: int = 40, ties: bool = False) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    known = rng.gamma(1.0, 150.0, count) * (rng.random(count) > 0.2)
    predicted = known * rng.uniform(0.5, 1.4, count) + rng.normal(0, 20, count)
    return (np.round(known, -2), np.round(predicted, -2)) if ties else (known, predicted)


def icc21(ratings: Array) -> float:
    """ICC(2,1) of (targets, judges) ratings from the table of variances, for any number of judges."""
    n, k = ratings.shape
    grand = ratings.mean()
    targets = k * sum((row.mean() - grand) ** 2 for row in ratings) / (n - 1)
    judges = n * sum((column.mean() - grand) ** 2 for column in ratings.T) / (k - 1)
    left = sum((ratings[i, j] - ratings[i].mean() - ratings[:, j].mean() + grand) ** 2 for i in range(n) for j in range(k)) / (
        (n - 1) * (k - 1)
    )
    return float((targets - left) / (targets + (k - 1) * left + k * (judges - left) / n))


def ccc_by_hand(known: Array, predicted: Array) -> float:
    cov = np.cov(known, predicted, bias=True)
    return float(2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + (known.mean() - predicted.mean()) ** 2))


INDEPENDENT = {
    "pearson_r": lambda k, p: stats.pearsonr(k, p).statistic,
    "spearman": lambda k, p: stats.spearmanr(k, p).statistic,
    "mae": sk.mean_absolute_error,
    "rmse": sk.root_mean_squared_error,
    "bias": lambda k, p: math.fsum(p - k) / len(k),
    "limit_low": lambda k, p: np.mean(p - k) - 1.96 * math.sqrt(np.var(p - k, ddof=1)),
    "limit_high": lambda k, p: np.mean(p - k) + 1.96 * math.sqrt(np.var(p - k, ddof=1)),
    "proportional_bias": lambda k, p: stats.pearsonr((k + p) / 2, p - k).statistic,
    "calibration_slope": lambda k, p: stats.linregress(p, k).slope,
    "calibration_intercept": lambda k, p: stats.linregress(p, k).intercept,
    "mae_log1p": lambda k, p: np.mean([abs(math.log(1 + max(b, 0)) - math.log(1 + a)) for a, b in zip(k, p, strict=True)]),
    "ccc": ccc_by_hand,
    "icc": lambda k, p: icc21(np.stack([k, p], axis=1)),
    "pearson_r_log1p": lambda k, p: stats.pearsonr(np.log1p(k), np.log1p(np.clip(p, 0, None))).statistic,
    "category_accuracy": lambda k, p: sk.accuracy_score(*([CAC.category_number(v) for v in s] for s in (k, p))),
    "weighted_kappa": lambda k, p: sk.cohen_kappa_score(
        *([CAC.category_number(v) for v in s] for s in (k, p)), weights="linear", labels=range(5)
    ),
}


@pytest.mark.parametrize("name", INDEPENDENT)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ties", [False, True])
def test_a_metric_is_what_others_compute(name: str, seed: int, ties: bool) -> None:
    known, predicted = pairs(seed, ties=ties)
    assert float(metrics_of(CAC)[name](known, predicted)) == pytest.approx(float(INDEPENDENT[name](known, predicted)), rel=1e-9)


def test_all_metrics_have_a_check_here() -> None:
    assert set(metrics_of(CAC)) == set(INDEPENDENT)


@pytest.mark.parametrize("name", INDEPENDENT)
def test_metrics_work_on_the_last_axis(name: str) -> None:
    known, predicted = (np.stack(side) for side in zip(*(pairs(seed) for seed in range(6)), strict=True))
    metric = metrics_of(CAC)[name]
    together = metric(known.reshape(2, 3, -1), predicted.reshape(2, 3, -1))
    assert together.shape == (2, 3)
    assert together.ravel().tolist() == pytest.approx([float(metric(*pairs(seed))) for seed in range(6)], rel=1e-12)


def test_icc_by_the_example_of_shrout_and_fleiss() -> None:
    assert icc21(SHROUT_FLEISS) == pytest.approx(0.29, abs=0.005)  # the check's own formula, against print
    for one in range(4):
        for other in range(4):
            if one != other:
                known, predicted = SHROUT_FLEISS[:, one], SHROUT_FLEISS[:, other]
                assert float(agreement.icc(known, predicted)) == pytest.approx(icc21(SHROUT_FLEISS[:, [one, other]]))


def test_icc_of_two_judges_by_hand() -> None:
    # Means of targets 1.5, 2, 5.5, of judges 8/3, 10/3, of all 3; mean square of targets 2 (2.25 + 1 + 6.25) / 2 = 9.5.
    known, predicted = np.array([1.0, 2.0, 5.0]), np.array([2.0, 2.0, 6.0])
    judges = 3 * ((8 / 3 - 3) ** 2 + (10 / 3 - 3) ** 2)
    total = 4 + 1 + 4 + 1 + 1 + 9
    left = (total - 19 - judges) / 2
    assert float(agreement.icc(known, predicted)) == pytest.approx((9.5 - left) / (9.5 + left + 2 * (judges - left) / 3))


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 9999), shift=st.floats(1, 500), factor=st.floats(1.2, 3))
def test_agreement_is_hurt_by_what_correlation_ignores(seed: int, shift: float, factor: float) -> None:
    known, _ = pairs(seed)
    predicted = known * factor + shift
    assert float(agreement.pearson_r(known, predicted)) == pytest.approx(1)
    assert float(agreement.ccc(known, predicted)) < 0.9999
    assert float(agreement.icc(known, predicted)) < 0.9999
    assert float(agreement.bias(known, predicted)) == pytest.approx(float(agreement.mae(known, predicted)))


def test_perfect_agreement() -> None:
    known, _ = pairs(0)
    for name, metric in metrics_of(CAC).items():
        none = {"mae", "mae_log1p", "rmse", "bias", "limit_low", "limit_high", "proportional_bias", "calibration_intercept"}
        wanted = 0 if name in none else 1
        assert float(metric(known, known)) == pytest.approx(wanted), name


@pytest.mark.parametrize("name", ["pearson_r", "pearson_r_log1p", "spearman", "ccc", "icc"])
def test_a_constant_prediction_agrees_with_nothing(name: str) -> None:
    known, _ = pairs(0)
    found = float(metrics_of(CAC)[name](known, np.full_like(known, known.mean())))
    assert abs(found) < 0.05  # the formula's own for ICC: near 0
    both_constant = float(metrics_of(CAC)[name](np.full(5, 2.0), np.full(5, 2.0)))
    assert both_constant == 0


def test_calibration_finds_how_predictions_were_stretched() -> None:
    known, _ = pairs(0)
    assert float(agreement.calibration_slope(known, 2 * known + 30)) == pytest.approx(0.5)
    assert float(agreement.calibration_intercept(known, 2 * known + 30)) == pytest.approx(-15)


def test_calibration_regresses_known_on_predicted_and_not_the_reverse() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.normal(50, 10, 20000)
    known = predicted + rng.normal(0, 10, 20000)  # nothing to mend: the known value scatters around the prediction
    assert float(agreement.calibration_slope(known, predicted)) == pytest.approx(1, abs=0.03)
    assert float(agreement.calibration_slope(predicted, known)) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("name", ["pearson_r", "spearman", "pearson_r_log1p", "ccc"])
@pytest.mark.parametrize("constant", [0.1, 32.7, 209.43, 421.9])
def test_equal_predictions_have_no_correlation_even_where_their_mean_is_rounded(name: str, constant: float) -> None:
    known = np.random.default_rng(0).gamma(2.0, 100.0, (50, 150))
    assert not np.asarray(metrics_of(CAC)[name](known, np.full_like(known, constant))).any()


def test_a_constant_prediction_has_no_calibration_line() -> None:
    known, _ = pairs(0)
    for metric in (agreement.calibration_slope, agreement.calibration_intercept):
        assert np.isnan(metric(known, np.full_like(known, 7.0)))


@pytest.mark.parametrize(("factor", "sign"), [(1.3, 1), (0.7, -1)])
def test_proportional_bias_tells_the_direction(factor: float, sign: int) -> None:
    known, _ = pairs(0)
    assert float(agreement.proportional_bias(known, known * factor)) == pytest.approx(sign)


@pytest.mark.parametrize("seed", range(3))
def test_confusion_is_scikit_learns(seed: int) -> None:
    known, predicted = pairs(seed)
    sides = ([CAC.category_number(value) for value in side] for side in (known, predicted))
    assert confusion(CAC, known, predicted) == sk.confusion_matrix(*sides, labels=range(5)).tolist()


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (-3.0, "0"),
        (0.0, "0"),
        (0.5, "0"),
        (np.nextafter(0.5, 1), "1-10"),
        (10.0, "1-10"),
        (np.nextafter(10, 11), "11-100"),
        (100.0, "11-100"),
        (np.nextafter(100, 101), "101-400"),
        (400.0, "101-400"),
        (np.nextafter(400, 401), ">400"),
        (1e6, ">400"),
    ],
)
def test_category_edges(value: float, name: str) -> None:
    assert CAC.category(value) == name
    assert CAC.category_names[int(categories(CAC, np.array([value]))[0])] == name


def test_whole_scores_fall_in_the_categories_of_the_definition() -> None:
    scores = np.arange(0, 1000.0)
    expected = [0 if s == 0 else 1 if s <= 10 else 2 if s <= 100 else 3 if s <= 400 else 4 for s in scores]
    assert categories(CAC, scores).tolist() == expected


def test_kappa_of_one_shared_category_is_1() -> None:
    assert float(weighted_kappa(CAC)(np.full(4, 500.0), np.full(4, 900.0))) == 1
    assert float(category_accuracy(CAC)(np.full(4, 500.0), np.full(4, 900.0))) == 1


def test_kappa_weighs_a_far_miss_more_than_a_near_one() -> None:
    known = np.array([0.0, 5, 50, 200, 500])
    near, far = np.array([5.0, 5, 50, 200, 500]), np.array([500.0, 5, 50, 200, 500])
    assert float(weighted_kappa(CAC)(known, near)) > float(weighted_kappa(CAC)(known, far))
    assert float(category_accuracy(CAC)(known, near)) == float(category_accuracy(CAC)(known, far)) == 0.8


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_the_metrics_of_its_kind(name: str) -> None:
    found = set(metrics_of(get_task(name)))
    extra = {"pearson_r_log1p", "mae_log1p", "category_accuracy", "weighted_kappa"}
    assert {"pearson_r", "mae", "rmse", "ccc", "icc", "bias", "spearman"} <= found
    assert (extra <= found) == (name == "cac")
    assert bool(extra & found) == (name == "cac")
