"""Regions made wrong by millimetres, and the Dice that counts what is lost with them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bioloc.biomarkers.candidates import Candidates
from bioloc.evaluation.overlap import overlap
from bioloc.stages.study_regions import changed_region, dice_whole
from bioloc.stages.study_variants import RegionChange

SPACING = (3.0, 0.8, 0.8)


def disc(radius_mm, center_mm=(40.0, 40.0), size=100):
    rows, columns = (np.arange(size) * SPACING[1] for _ in range(2))
    return ((rows[:, None] - center_mm[0]) ** 2 + (columns[None] - center_mm[1]) ** 2 <= radius_mm**2)[None]


@given(st.floats(10, 20), st.floats(-8, 8))
def test_a_disc_grows_and_shrinks_by_millimetres(radius, grow):
    changed = changed_region(disc(radius), SPACING, RegionChange(grow_mm=grow))
    found = np.sqrt(changed.sum() * SPACING[1] * SPACING[2] / np.pi)
    assert found == pytest.approx(radius + grow, abs=np.hypot(*SPACING[1:]))  # from pixel middle to pixel middle: a diagonal


def test_nothing_changes_without_a_change():
    assert (changed_region(disc(15), SPACING, RegionChange()) == disc(15)).all()


def test_a_region_moves_to_the_patients_left_and_out_of_the_image():
    moved = changed_region(disc(15), SPACING, RegionChange(left_mm=8.0))
    assert np.argwhere(moved).mean(axis=0) - np.argwhere(disc(15)).mean(axis=0) == pytest.approx([0, 0, 10])
    for far in (36.0, -36.0):
        cut = changed_region(disc(15), SPACING, RegionChange(left_mm=far))
        assert 0 < cut.sum() < disc(15).sum()
        assert not cut[:, :, 0 if far > 0 else -1].any()


@pytest.mark.parametrize("grow", [-3.0, 3.0])
def test_an_empty_region_stays_empty_and_a_full_one_full(grow):
    for filled in (False, True):
        region = np.full((1, 8, 8), filled)
        assert (changed_region(region, SPACING, RegionChange(grow_mm=grow)) == filled).all()


class Fake:
    """The little that `dice_whole` asks of a cohort and of masks."""

    def __init__(self, candidates, references):
        self._candidates, self._references = candidates, references

    def shape(self, number):
        return self._candidates[number].shape

    def candidates(self, number):
        return Candidates(self._candidates[number].astype(np.uint8), None, 1.0)

    def mask(self, case_id, shape):
        return self._references[int(case_id)]


def test_the_whole_dice_counts_what_the_region_has_lost():
    rng = np.random.default_rng(1)
    candidates = [rng.random((1, 20, 20)) < 0.5 for _ in range(5)]
    references = [rng.random((1, 20, 20)) < 0.4 for _ in range(5)]
    masks = [inside & (rng.random((1, 20, 20)) < 0.6) for inside in candidates]
    references[1] = np.zeros((1, 20, 20), bool)  # nothing to find
    references[2] = ~candidates[2]  # all of it lost
    masks[3] = np.zeros((1, 20, 20), bool)  # nothing found
    references[4] = None
    rows = []
    for number in range(5):
        reference = np.zeros((1, 20, 20), bool) if references[number] is None else references[number]
        rows.append({"case_id": str(number), **overlap(masks[number], reference & candidates[number], SPACING)})
    fake = Fake(candidates, references)
    found = dice_whole(pd.DataFrame(rows), fake, fake)
    wanted = 2 * (masks[0] & references[0]).sum() / (masks[0].sum() + references[0].sum())
    assert found[0] == pytest.approx(wanted)
    assert found[0] < rows[0]["dice"]
    assert found[2:4].tolist() == [0, 0]
    assert np.isnan(found[[1, 4]]).all()
