"""Value, map and mask of a scan: one rule, and always value = sum of worth times map."""

from types import SimpleNamespace

import numpy as np
import pytest

from bioloc.biomarkers.candidates import Candidates
from bioloc.inference.native import on_native_grid

FACTOR = np.array([[[1, 1, 0, 3], [2, 2, 0, 3]]], np.uint8)
LESIONS = np.array([[[1, 1, 0, 2], [1, 1, 0, 2]]], np.int32)
MAP = np.array([[[0.9, 0.6, 0.8, 0.2], [0.9, 0.4, 0.8, 0.4]]], np.float32)


def package(supervision="value", whole=False):
    return SimpleNamespace(
        threshold=0.5,
        spec=SimpleNamespace(whole_lesions=whole),
        network=SimpleNamespace(method=SimpleNamespace(supervision=supervision)),
    )


def test_a_value_of_the_map_stays_and_the_map_says_nothing_outside_the_candidates() -> None:
    found = on_native_grid(package(), 4.25, MAP, Candidates(FACTOR, None, 0.5))
    assert found.value == 4.25
    assert found.map.tolist() == np.where(FACTOR > 0, MAP, 0).tolist()
    assert found.mask.tolist() == (np.where(FACTOR > 0, MAP, 0) > 0.5).tolist()


def test_a_segmenters_value_is_its_masks() -> None:
    found = on_native_grid(package("mask"), 4.25, MAP, Candidates(FACTOR, None, 0.5))
    assert found.value == pytest.approx(0.5 * (1 + 1 + 2))


def test_whole_lesions_are_in_or_out_and_the_value_is_still_the_maps_sum() -> None:
    found = on_native_grid(package(whole=True), 4.25, MAP, Candidates(FACTOR, LESIONS, 0.5))
    assert found.mask.tolist() == (LESIONS == 1).tolist()
    assert found.map.tolist() == found.mask.astype(float).tolist()
    assert found.value == pytest.approx(0.5 * float((FACTOR * found.map).sum())) == 3.0
