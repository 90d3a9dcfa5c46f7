"""Folds are by patient, whole, alike, and the same whenever they are made."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bioloc.stages.folds import HELD_OUT, deal, fold_roles, opener_of

PATIENTS = st.dictionaries(
    st.text("abcdef0123456789-", min_size=1, max_size=6),
    st.sampled_from([0.0, 0.0, 1.5, 7.0, 22.5, 400.0]),
    min_size=10,
    max_size=60,
)


def cases(values, scans=2):
    """Some scans of each patient, in an order that has nothing to do with it."""
    rows = [{"patient_id": name, "value": value + scan} for scan in range(scans) for name, value in values.items()]
    return pd.DataFrame(rows)


@given(PATIENTS, st.integers(2, 10), st.integers(0, 5))
def test_every_patient_is_held_out_once_and_is_elsewhere_in_the_other_folds(values, folds, seed):
    found = fold_roles(cases(values), folds, seed)
    assert len(found) == folds
    for roles in found:
        assert roles.keys() == values.keys()
        assert set(roles.values()) == {"train", "val", HELD_OUT}
    held = [name for roles in found for name, role in roles.items() if role == HELD_OUT]
    assert sorted(held) == sorted(values)


@given(PATIENTS, st.integers(2, 10), st.integers(0, 5))
def test_folds_are_as_large_as_each_other_and_a_fifth_validates(values, folds, seed):
    found = fold_roles(cases(values), folds, seed)
    sizes = [list(roles.values()).count(HELD_OUT) for roles in found]
    assert max(sizes) - min(sizes) <= 1
    for roles, size in zip(found, sizes, strict=True):
        assert abs(list(roles.values()).count("val") - (len(values) - size) / 5) < 1


@given(PATIENTS, st.integers(2, 10), st.integers(0, 5), st.randoms())
def test_the_order_of_rows_and_new_scans_of_the_same_value_change_nothing(values, folds, seed, random):
    names = list(values)
    random.shuffle(names)
    again = {name: values[name] for name in names}
    assert fold_roles(cases(values, 1), folds, seed) == fold_roles(cases(again, 1), folds, seed)


@given(PATIENTS, st.integers(2, 10), st.integers(0, 5))
def test_hands_are_alike_in_their_values(values, hands, seed):
    """Dealt in rounds: the k-th lowest value of one hand is no higher than the next of any other."""
    dealt = deal(pd.Series(values), hands, seed)
    held = [sorted(values[name] for name, hand in dealt.items() if hand == number) for number in range(hands)]
    for one in held:
        for other in held:
            assert all(low <= high for low, high in zip(one, other[1:], strict=False))


def test_another_seed_deals_otherwise():
    values = {f"p{number}": float(number) for number in range(40)}
    assert fold_roles(cases(values), 5, 1) != fold_roles(cases(values), 5, 2)


def test_an_opener_shows_only_the_patients_of_a_role():
    class Opened:
        def __init__(self, splits):
            table = pd.DataFrame({"patient_id": ["a", "b", "c", "b", "d"], "split": ["train", "val", "gate", "val", "test"]})
            self.table = table[table["split"].isin(splits)].reset_index(drop=True)

    opener = opener_of(Opened, ["train", "val", "gate"], {"a": "train", "b": HELD_OUT, "c": "val", "d": "train"})
    assert opener(["train"]).table["patient_id"].tolist() == ["a"]  # d is of a split that is not pooled
    assert opener([HELD_OUT]).table["patient_id"].tolist() == ["b", "b"]
    assert opener([HELD_OUT]).table.index.tolist() == [0, 1]
    assert opener(["train", "val"]).table["split"].tolist() == ["train", "gate"]


@pytest.mark.parametrize("folds", [2, 10])
def test_the_smallest_cohort_leaves_something_to_learn_from(folds):
    for roles in fold_roles(cases({f"p{number}": 0.0 for number in range(10)}, 1), folds, 0):
        assert list(roles.values()).count("train") >= 4
        assert list(roles.values()).count("val") >= 1
