"""Patients dealt into folds, and a prepared cohort seen through one fold."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import pandas as pd

from bioloc.cohorts.load import Cohort, Opener

HELD_OUT = "held-out"
_VALIDATION_PART = 5
"""One in so many patients that are not held out chooses checkpoint and threshold; our choice, near the study's own share."""

Roles = dict[str, str]


def deal(values: pd.Series[float], hands: int, seed: int) -> dict[str, int]:
    """Each patient's hand, 0 to `hands` - 1: hands are alike in their values, and as large as each other but for one patient.

    Patients in the order of their values are dealt in rounds, a round's order being drawn from the seed. Without it a small
    fold of high values would be held out of a training on low ones, and correlations over all folds would be too low.

    Args:
        values: Each patient's value, by name.
        hands: How many.
        seed: Of the study; the same seed, patients and values give the same hands, whatever the order of the rows.
    """

    def drawn(patient: str) -> tuple[int, str]:
        return zlib.crc32(f"{seed}/{patient}".encode()), patient

    ordered = sorted(values.index, key=lambda patient: (values[patient], drawn(patient)))
    rounds = [sorted(ordered[first : first + hands], key=drawn) for first in range(0, len(ordered), hands)]
    return {patient: hand for dealt in rounds for hand, patient in enumerate(dealt)}


def fold_roles(table: pd.DataFrame, folds: int, seed: int) -> list[Roles]:
    """For each fold what every patient is: `train`, `val`, or HELD_OUT, which each patient is in one fold.

    Args:
        table: Rows with patient_id and value, one per case.
        folds: How many.
        seed: Of the study.
    """
    values = table.groupby("patient_id")["value"].mean()
    fold_of = pd.Series(deal(values, folds, seed))
    found = []
    for fold in range(folds):
        held = fold_of.index[fold_of == fold]
        found.append(learning_roles(values.drop(held), seed) | dict.fromkeys(held, HELD_OUT))
    return found


def learning_roles(values: pd.Series[float], seed: int) -> Roles:
    """`train` or `val` for each patient that a training may see, by name."""
    return {patient: "train" if hand else "val" for patient, hand in deal(values, _VALIDATION_PART, seed).items()}


def opener_of(opener: Opener, pool: Sequence[str], roles: Roles) -> Opener:
    """Opens the cases of patients by their roles, whatever split of the pool they are in; others are never seen."""

    def open_roles(wanted: list[str]) -> Cohort:
        cohort = opener(list(pool))
        cohort.table = cohort.table[cohort.table["patient_id"].map(roles).isin(wanted)].reset_index(drop=True)
        return cohort

    return open_roles
