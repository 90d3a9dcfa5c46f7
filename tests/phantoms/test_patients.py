"""What every drawn patient must be: reproducible, in a scanner's range, and changed only where it was asked to change."""

import importlib
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from bioloc.phantoms.patient import Change, Patient

PECTORALIS, FAT, CALCIUM, TUMOUR = CASES = (
    ("chest", "pectoralis"),
    ("chest", "subcutaneous_fat"),
    ("heart", "coronary_calcium"),
    ("abdomen", "liver_tumour"),
)
WINDOWS = {"pectoralis": (-50, 90), "subcutaneous_fat": (-200, 0)}
SEEDS = (0, 1, 2)
IN_SLICE = np.pad(np.ones((1, 3, 3), bool), ((1, 1), (0, 0), (0, 0)))


def draw_anew(module: str, target: str, seed: int, shift: bool = False, change: Change | None = None) -> Patient:
    drawer = importlib.import_module(f"bioloc.phantoms.{module}")
    patient = drawer.draw(np.random.default_rng(seed), target, shift, change or Change())
    assert isinstance(patient, Patient)
    return patient


@cache
def draw(module: str, target: str, seed: int, shift: bool = False, change: Change | None = None) -> Patient:
    return draw_anew(module, target, seed, shift, change)


@cache
def seed_with_both(module: str, target: str) -> int:
    """The first patient who has enough of target and distractor for their areas to be compared."""
    for seed in range(40):
        patient = draw(module, target, seed)
        if min(patient.mask.sum(), distractor(patient).sum()) > 200 and patient.facts.get("agatston", 100) >= 100:
            return seed
    raise AssertionError("no patient has both")


def distractor(patient: Patient) -> np.ndarray:
    assert patient.distractor is not None
    return patient.distractor


def region(patient: Patient) -> np.ndarray:
    assert patient.region is not None
    return patient.region


def pieces(patient: Patient) -> tuple[np.ndarray, int]:
    return ndimage.label((patient.hu >= 130) & region(patient), IN_SLICE)


def everything_in(patient: Patient) -> bytes:
    arrays = (patient.hu, patient.mask, patient.region, patient.distractor)
    return b"".join(a.tobytes() for a in arrays if a is not None) + repr((patient.spacing_mm, patient.facts)).encode()


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize(("module", "target"), CASES)
def test_the_same_seed_gives_the_same_bytes(module, target, shift):
    assert everything_in(draw_anew(module, target, 1, shift)) == everything_in(draw(module, target, 1, shift))


@pytest.mark.parametrize(("module", "target"), CASES)
def test_every_seed_gives_another_patient(module, target):
    assert len({draw(module, target, seed).hu.tobytes() for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize(("module", "target"), CASES)
def test_a_shift_gives_another_patient(module, target):
    assert draw(module, target, 1, True).hu.tobytes() != draw(module, target, 1, False).hu.tobytes()


@pytest.mark.parametrize(("module", "target"), CASES)
def test_another_target_is_refused(module, target):
    with pytest.raises(ValueError, match="no_such_target"):
        draw_anew(module, "no_such_target", 0)


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("module", "target"), CASES)
def test_shapes_types_and_spacing_fit_together(module, target, seed, shift):
    patient = draw(module, target, seed, shift)
    slices, rows, columns = patient.hu.shape
    assert patient.hu.dtype == np.int16
    assert (slices > 1) == (module == "heart")
    assert 128 <= min(rows, columns) <= max(rows, columns) <= 512
    for part in (patient.mask, distractor(patient), patient.region):
        assert part is None or (part.shape == patient.hu.shape and part.dtype == bool)
    increment, row, column = patient.spacing_mm
    assert row == column
    assert 0.4 <= row <= (2.6 if module == "chest" else 1.8)  # some chests are resampled
    assert 0.5 <= increment <= 5


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("module", "target"), CASES)
def test_hu_lie_in_the_range_of_a_scanner(module, target, seed, shift):
    hu = draw(module, target, seed, shift).hu
    assert hu.min() >= -1024
    assert hu.max() <= 3071
    assert np.ptp(hu) > 900


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("module", "target"), [PECTORALIS, FAT, TUMOUR])
def test_air_surrounds_the_body_on_area_slices(module, target, seed, shift):
    hu = draw(module, target, seed, shift).hu[0]
    corners = hu[np.ix_([0, 1, 2, -3, -2, -1], [0, 1, 2, -3, -2, -1])]
    assert corners.mean() < -900
    assert (hu < -900).mean() > 0.03


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("module", "target"), CASES)
def test_masks_lie_in_the_region_and_apart(module, target, seed, shift):
    patient = draw(module, target, seed, shift)
    assert not np.any(patient.mask & distractor(patient))
    assert (patient.region is None) == (module == "chest")
    if patient.region is not None:
        assert not np.any((patient.mask | distractor(patient)) & ~patient.region)


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("module", "target"), [PECTORALIS, FAT])
def test_mask_pixels_lie_in_the_hu_window_of_the_task(module, target, seed, shift):
    patient = draw(module, target, seed, shift)
    low, high = WINDOWS[target]
    assert patient.mask.any()
    assert low <= patient.hu[patient.mask].min()
    assert patient.hu[patient.mask].max() <= high


@pytest.mark.parametrize(("module", "target"), [PECTORALIS, FAT, TUMOUR])
def test_more_target_scales_its_area_and_no_other(module, target):
    seed = seed_with_both(module, target)
    before, after = draw(module, target, seed), draw(module, target, seed, change=Change(target=1.2))
    assert after.mask.sum() / before.mask.sum() == pytest.approx(1.2, rel=0.03)
    assert distractor(after).sum() / distractor(before).sum() == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize(("module", "target"), [PECTORALIS, FAT, TUMOUR])
def test_more_distractor_scales_its_area_and_not_the_target(module, target):
    seed = seed_with_both(module, target)
    before, after = draw(module, target, seed), draw(module, target, seed, change=Change(distractor=1.2))
    assert distractor(after).sum() / distractor(before).sum() == pytest.approx(1.2, rel=0.03)
    assert after.mask.sum() / before.mask.sum() == pytest.approx(1, rel=0.01)


def test_more_coronary_calcium_grows_the_score_and_leaves_the_aorta():
    seed = seed_with_both(*CALCIUM)
    before, after = draw(*CALCIUM, seed), draw(*CALCIUM, seed, change=Change(target=1.2))
    assert after.mask.sum() > before.mask.sum()
    assert after.facts["agatston"] > before.facts["agatston"]
    assert distractor(after).sum() / distractor(before).sum() == pytest.approx(1, rel=0.01)


def test_more_aortic_calcium_grows_the_aorta_and_leaves_the_score():
    seed = seed_with_both(*CALCIUM)
    before, after = draw(*CALCIUM, seed), draw(*CALCIUM, seed, change=Change(distractor=1.2))
    assert distractor(after).sum() > distractor(before).sum()
    assert after.mask.sum() / before.mask.sum() == pytest.approx(1, rel=0.01)
    assert after.facts["agatston"] == pytest.approx(before.facts["agatston"], rel=0.01)


@pytest.mark.parametrize("change", [Change(target=0.5), Change(target=1.5), Change(distractor=1.5)])
def test_the_liver_region_does_not_follow_the_tumours(change):
    seed = seed_with_both(*TUMOUR)
    before, after = draw(*TUMOUR, seed), draw(*TUMOUR, seed, change=change)
    assert region(after).tobytes() == region(before).tobytes()
    assert after.hu.tobytes() != before.hu.tobytes()


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_calcium_masks_are_whole_components_of_the_region(seed, shift):
    patient = draw(*CALCIUM, seed, shift)
    labels, count = pieces(patient)
    for part in (patient.mask, distractor(patient)):
        assert not np.any(part & (labels == 0))
        size, held = (np.bincount(at, minlength=count + 1)[1:] for at in (labels.ravel(), labels[part]))
        assert np.all((held == 0) | (held == size))


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_counted_calcium_is_smaller_than_a_square_millimetre(seed, shift):
    patient = draw(*CALCIUM, seed, shift)
    labels, count = pieces(patient)
    held = np.bincount(labels[patient.mask], minlength=count + 1)[1:]
    assert np.all((held == 0) | (held * patient.spacing_mm[1] ** 2 >= 1))


def test_a_score_of_zero_means_an_empty_mask_and_both_occur():
    patients = [draw(*CALCIUM, seed) for seed in range(12)]
    assert all((p.facts["agatston"] > 0) == p.mask.any() for p in patients)
    assert {bool(p.mask.any()) for p in patients} == {False, True}


def test_below_the_heart_only_the_aorta_has_calcium_and_a_region_may_reach_there(monkeypatch):
    heart = importlib.import_module("bioloc.phantoms.heart")
    monkeypatch.setattr(heart, "UNDERSIDE_MM", ((0, 1), (34, 34)))
    starts, aortic = [], 0
    for seed in range(12):
        patient = draw_anew(*CALCIUM, seed)
        height = np.arange(len(patient.hu)) * patient.spacing_mm[0]
        starts.append(height[region(patient).any(axis=(1, 2))][0])
        low = height < 24  # the pericardium ends about 30 mm above the lowest slice
        assert not patient.mask[low].any()
        aortic += distractor(patient)[low].any()
    assert min(starts) < 15
    assert max(starts) > 24
    assert aortic
