"""Two methods are compared on the same cases, patient by patient."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bioloc.errors import DataError
from bioloc.evaluation.compare import TESTED, compare_pair, declared_tests, is_better
from bioloc.tasks import get_task

PMA, CAC = get_task("pma"), get_task("cac")


def make_table(noise: float, count: int = 60, per_patient: int = 1, seed: int = 0, dice: float | None = None) -> pd.DataFrame:
    known = np.random.default_rng(99).gamma(2, 30, count)
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "case_id": [f"c{n}" for n in range(count)],
            "patient_id": [f"p{n // per_patient}" for n in range(count)],
            "value": known,
            "predicted": known + rng.normal(0, noise, count),
        }
    )
    return table if dice is None else table.assign(dice=dice + rng.normal(0, 0.01, count))


def test_the_better_method_has_the_smaller_error_and_the_larger_agreement() -> None:
    found = compare_pair(PMA, make_table(1, dice=0.9), make_table(15, seed=1, dice=0.7), 500)
    assert found["mae"]["ci_high"] < 0
    assert found["rmse"]["ci_high"] < 0
    for name in ("pearson_r", "ccc", "icc", "spearman"):
        assert found[name]["ci_low"] > 0
    assert found["dice"]["value"] == pytest.approx(0.2, abs=0.01)
    assert found["dice"]["ci_low"] > 0.19


def test_a_difference_is_of_the_two_metrics() -> None:
    one, other = make_table(3), make_table(5, seed=1)
    found = compare_pair(PMA, one, other, 50)
    error = {name: (table["predicted"] - table["value"]).abs().mean() for name, table in (("one", one), ("other", other))}
    assert found["mae"]["value"] == pytest.approx(error["one"] - error["other"])
    turned = compare_pair(PMA, other, one, 50)
    for name, difference in found.items():
        assert turned[name]["value"] == pytest.approx(-difference["value"])
        assert turned[name]["ci_low"] == pytest.approx(-difference["ci_high"])


def test_what_has_no_better_and_worse_is_not_compared() -> None:
    found = compare_pair(CAC, make_table(3), make_table(5, seed=1), 20)
    assert not [name for name in found if name.startswith(("limit", "calibration", "proportional"))]
    assert {"weighted_kappa", "category_accuracy", "pearson_r_log1p"} <= set(found)
    assert all({"value", "ci_low", "ci_high", "p_value"} == set(row) for row in found.values())


def test_dice_is_compared_where_both_have_it() -> None:
    one, other = make_table(3, dice=0.9), make_table(3, seed=1, dice=0.8)
    assert "dice" not in compare_pair(PMA, one, other.drop(columns="dice"), 20)
    other.loc[:9, "dice"] = np.nan  # empty references
    expected = (one["dice"] - other["dice"])[10:].mean()
    assert compare_pair(PMA, one, other, 20)["dice"]["value"] == pytest.approx(expected)


def test_other_cases_are_refused() -> None:
    one, other = make_table(3), make_table(3, seed=1)
    with pytest.raises(DataError, match="different cases"):
        compare_pair(PMA, one, other.iloc[::-1].reset_index(drop=True), 20)
    with pytest.raises(DataError, match="different cases"):
        compare_pair(PMA, one, other.iloc[:-1], 20)


def test_a_clearly_better_candidate_is_better_and_not_the_other_way_round() -> None:
    good, bad = make_table(1), make_table(15, seed=1)
    better, difference = is_better(good, good, bad, 500)
    assert better
    assert difference["ci_high"] < 0
    worse, difference = is_better(good, bad, good, 500)
    assert not worse
    assert difference["ci_low"] > 0


def test_an_equal_candidate_is_not_better() -> None:
    table = make_table(3)
    assert not is_better(table, table, table.copy(), 200)[0]


def test_better_by_chance_is_not_better() -> None:
    one, other = make_table(5, count=12), make_table(5, count=12, seed=3)
    error = [(table["predicted"] - table["value"]).abs().mean() for table in (one, other)]
    first, second = (one, other) if error[0] < error[1] else (other, one)
    better, difference = is_better(one, first, second, 500)
    assert difference["value"] < 0
    assert not better


def test_many_cases_of_one_patient_do_not_make_a_champion() -> None:
    """Two patients: however many cases, the interval holds a draw of the worse one twice."""
    one, other = make_table(1, count=40, per_patient=20), make_table(1, count=40, per_patient=20)
    other["predicted"] = one["predicted"]
    other.loc[:19, "predicted"] = one["value"][:20] + 30  # the candidate is better on the first
    one.loc[20:, "predicted"] = one["value"][20:] + 10  # and worse on the second
    better, difference = is_better(one, one, other, 500)
    assert difference["value"] < 0
    assert not better


def of_three(dice: bool = True) -> dict[str, pd.DataFrame]:
    marks = (0.9, 0.7, 0.9) if dice else (None, None, None)
    noises = {TESTED: 2.0, "worse": 12.0, "equal": 2.0}
    return {name: make_table(noise, seed=at, dice=marks[at]) for at, (name, noise) in enumerate(noises.items())}


def test_the_declared_family_is_one_method_against_every_other_in_error_and_dice() -> None:
    tables = of_three()
    tests = declared_tests(PMA, tables, 200)
    assert [(test["one"], test["other"], test["outcome"]) for test in tests] == [
        (TESTED, other, outcome) for other in ("worse", "equal") for outcome in ("absolute_error", "dice")
    ]
    worse, _, equal, _ = tests
    assert worse["value"] == pytest.approx(compare_pair(PMA, tables[TESTED], tables["worse"], 20)["mae"]["value"])
    assert worse["ci_high"] < 0
    assert worse["p_value"] < 1e-4  # below 1 / 200 draws
    assert worse["share_better"] > 0.7
    assert equal["p_value"] > 0.05
    assert all(test["p_holm"] >= test["p_value"] for test in tests)
    assert worse["p_holm"] == pytest.approx(max(3 * worse["p_value"], 4 * tests[1]["p_value"]))  # 2nd smallest of 4


def test_the_tested_error_is_the_one_of_the_tasks_space() -> None:
    tables = of_three(dice=False)
    tests = declared_tests(CAC, tables, 20)
    assert [test["outcome"] for test in tests] == ["absolute_error_log1p"] * 2
    one, other = (compare_pair(CAC, tables[TESTED], tables[name], 20)["mae_log1p"]["value"] for name in ("worse", "equal"))
    assert [test["value"] for test in tests] == pytest.approx([one, other])


def test_cases_of_one_patient_are_one_observation_of_a_test() -> None:
    tables = {name: table.assign(patient_id=[f"p{n // 20}" for n in range(60)]) for name, table in of_three().items()}
    tests = declared_tests(PMA, tables, 20)
    assert all(test["n_patients"] == 3 for test in tests)
    assert all(test["p_value"] >= 0.25 for test in tests)  # three patients cannot say more: 2 / 2 ** 3


def test_without_masks_there_is_no_test_of_dice() -> None:
    tables = of_three()
    tables["worse"]["dice"] = np.nan
    outcomes = [(test["other"], test["outcome"]) for test in declared_tests(PMA, tables, 20)]
    assert ("worse", "dice") not in outcomes
    assert ("equal", "dice") in outcomes


def test_tests_of_other_cases_are_refused() -> None:
    tables = of_three()
    tables["equal"] = tables["equal"].iloc[::-1].reset_index(drop=True)
    with pytest.raises(DataError, match="different cases"):
        declared_tests(PMA, tables, 20)
