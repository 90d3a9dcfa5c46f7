"""The chest phantom: some patients' pixels are averages, as in data sets that were resampled."""

from __future__ import annotations

import numpy as np
import pytest

from bioloc.phantoms import chest
from bioloc.phantoms.chest_parts import Frame, blocks_of_two
from bioloc.phantoms.drawing import Canvas
from bioloc.phantoms.patient import Change, Patient


def drawn(seed: int, monkeypatch: pytest.MonkeyPatch, share: float) -> Patient:
    monkeypatch.setattr(chest, "RESAMPLED", share)
    return chest.draw(np.random.default_rng(seed), "subcutaneous_fat", False, Change())


@pytest.mark.parametrize("seed", range(3))
def test_a_resampled_patient_is_the_same_one_in_larger_pixels(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fine, coarse = (drawn(seed, monkeypatch, share) for share in (0.0, 1.0))
    assert coarse.spacing_mm == pytest.approx((fine.spacing_mm[0], *(2 * mm for mm in fine.spacing_mm[1:])))
    assert coarse.hu.shape == (1, *(side // 2 for side in fine.hu.shape[1:]))
    areas = [patient.mask.sum() * patient.spacing_mm[1] ** 2 for patient in (fine, coarse)]
    assert areas[1] == pytest.approx(areas[0], rel=0.1)  # partial volume takes some of thin layers
    soft = blocks_of_two(fine.hu[0].astype(np.float32))
    inside = (np.abs(np.gradient(soft)[0]) < 20) & (soft > -200)
    assert np.median(coarse.hu[0][inside] - soft[inside]) == pytest.approx(0, abs=4)


def test_one_in_seven_is_resampled() -> None:
    spacings = [chest.draw(np.random.default_rng(seed), "pectoralis", False, Change()).spacing_mm[1] for seed in range(60)]
    assert 3 <= sum(spacing > 1.6 for spacing in spacings) <= 16


def test_blocks_keep_the_mean_and_the_places() -> None:
    image = np.arange(24, dtype=np.float32).reshape(4, 6)
    assert blocks_of_two(image).tolist() == [[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]]
    frame = Frame(Canvas(8, 12, 0.9), 3.0, -2.0, 10.0)
    for whole, half in zip(frame.uv, frame.halved().uv, strict=True):
        assert half == pytest.approx(blocks_of_two(whole), abs=1e-4)
