"""Low slices of the chest phantom: domes and bellies hold fat among organs, and less of the shoulder."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bioloc.ct.body import body_mask
from bioloc.phantoms import chest, chest_low
from bioloc.phantoms.patient import Change, Patient


def low_and_chest_slice(seed: int, monkeypatch: pytest.MonkeyPatch) -> list[Patient]:
    patients = []
    for share in (1.0, 0.0):
        monkeypatch.setattr(chest_low, "LOW_SLICES", share)
        patients.append(chest.draw(np.random.default_rng(seed), "subcutaneous_fat", False, Change()))
    return patients


@pytest.mark.parametrize("seed", range(6))
def test_a_low_slice_has_fat_among_organs_and_the_same_fat_under_the_skin(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    low, chest_slice = low_and_chest_slice(seed, monkeypatch)
    areas = [float(one.mask.sum() * np.prod(one.spacing_mm[1:]) / 100) for one in (low, chest_slice)]
    assert areas[0] == pytest.approx(areas[1], rel=0.1)
    body = body_mask(low.hu[0])
    depth = ndimage.distance_transform_edt(body)
    deep = depth > 0.5 * depth.max()
    fat = (low.hu[0] >= -200) & (low.hu[0] <= 0)
    assert (fat & deep & ~low.mask[0]).sum() > 100
    assert (low.mask[0] & deep).sum() < 0.02 * low.mask[0].sum()


def test_a_low_slice_has_less_muscle_and_lung_and_no_arms(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = np.zeros((2, 3))
    for seed in range(10):
        for row, one in enumerate(low_and_chest_slice(seed, monkeypatch)):
            body = body_mask(one.hu[0])
            sums[row] += [np.mean(one.hu[0][body] < -500), one.facts["arms_down"], one.facts["body_area_cm2"]]
            if row == 0:
                assert one.facts["arms_down"] == 0
    assert sums[0, 0] < 0.6 * sums[1, 0]
    assert sums[1, 1] > 0
    assert sums[0, 2] < 0.9 * sums[1, 2]  # the chest within and the fat without are as large


def test_the_pectoralis_slice_is_never_a_low_one(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = chest.draw(np.random.default_rng(1), "pectoralis", False, Change())
    monkeypatch.setattr(chest_low, "LOW_SLICES", 1.0)
    assert np.array_equal(chest.draw(np.random.default_rng(1), "pectoralis", False, Change()).hu, plain.hu)


def bellies(seed: int, monkeypatch: pytest.MonkeyPatch, *changes: Change) -> list[Patient]:
    monkeypatch.setattr(chest_low, "LOW_SLICES", 1.0)
    monkeypatch.setattr(chest_low, "BELLIES", 1.0)
    return [chest.draw(np.random.default_rng(seed), "subcutaneous_fat", False, change) for change in changes]


def area(mask: np.ndarray | None) -> float:
    assert mask is not None
    return float(mask.sum())


@pytest.mark.parametrize("factor", [0.8, 1.2])
@pytest.mark.parametrize("seed", range(4))
def test_a_change_scales_what_it_names_in_a_belly_and_nothing_else(
    seed: int, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, target, distractor = bellies(seed, monkeypatch, Change(), Change(target=factor), Change(distractor=factor))
    assert area(target.mask) / area(plain.mask) == pytest.approx(factor, rel=0.03)
    assert area(target.distractor) / area(plain.distractor) == pytest.approx(1, rel=0.01)
    assert area(distractor.mask) / area(plain.mask) == pytest.approx(1, rel=0.01)
    assert area(distractor.distractor) / area(plain.distractor) == pytest.approx(factor, rel=0.06)


def test_a_belly_has_a_spine_but_no_breastbone_and_hardly_any_lung(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(6):
        hu = bellies(seed, monkeypatch, Change())[0].hu[0]
        body = body_mask(hu)
        rows, columns = np.nonzero(body)
        middle = slice(round(columns.mean()) - 25, round(columns.mean()) + 25)
        depth = rows.min() + np.ptp(rows) * np.array([0.0, 0.2, 0.5, 1.0])
        top, front, half, bottom = depth.astype(int)
        assert (hu[half:bottom, middle] > 200).sum() > 200
        assert (hu[top:front, middle] > 300).sum() == 0
        assert np.mean(hu[body] < -500) < 0.2
