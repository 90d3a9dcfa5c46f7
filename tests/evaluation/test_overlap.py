"""Dice, precision, recall and the Hausdorff distance, by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bioloc.evaluation.overlap import hausdorff95, lesion_detection, overlap

Mask = NDArray[np.bool_]
SPACING = (3.0, 0.7, 1.3)


def box(rows: slice, columns: slice, shape: tuple[int, int, int] = (1, 12, 12)) -> Mask:
    mask = np.zeros(shape, bool)
    mask[:, rows, columns] = True
    return mask


def surface(mask: Mask) -> NDArray[np.float64]:
    """Pixels with a 4-neighbour in their slice outside the mask, or at the image's border; in mm."""
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    inner = padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1] & padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]
    return np.argwhere(mask & ~inner) * np.array(SPACING)


def brute_force(mask: Mask, reference: Mask) -> float:
    a, b = surface(mask), surface(reference)
    distances = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    return float(np.percentile(np.concatenate([distances.min(1), distances.min(0)]), 95))


def test_dice_precision_and_recall_by_hand() -> None:
    found = overlap(box(slice(0, 4), slice(0, 4)), box(slice(2, 6), slice(0, 4)), SPACING)
    assert (found["dice"], found["precision"], found["recall"]) == (0.5, 0.5, 0.5)
    found = overlap(box(slice(0, 2), slice(0, 2)), box(slice(0, 4), slice(0, 4)), SPACING)
    assert (found["dice"], found["precision"], found["recall"]) == (8 / 20, 1, 4 / 16)


def four_lesions() -> NDArray[np.int32]:
    """Four lesions of four pixels, each a row of its own."""
    labels = np.zeros((2, 4, 6), np.int32)
    for number, (k, row) in enumerate(((0, 0), (0, 2), (1, 0), (1, 2)), start=1):
        labels[k, row, 1:5] = number
    return labels


def test_lesions_by_hand() -> None:
    lesions = four_lesions()
    found = lesion_detection(np.isin(lesions, (1, 4)), np.isin(lesions, (1, 2)), lesions)
    assert found == {"lesions": 2, "lesions_found": 1, "false_positive_lesions": 1, "lesion_sensitivity": 0.5}


@pytest.mark.parametrize(("pixels", "counts"), [(1, 0), (2, 1), (3, 1)])
def test_half_of_a_lesion_counts_as_all_of_it(pixels: int, counts: int) -> None:
    lesions = four_lesions()
    part = np.zeros(lesions.shape, bool)
    part[0, 0, 1 : 1 + pixels] = True
    one = lesions == 1
    assert lesion_detection(part, one, lesions)["lesions_found"] == counts
    assert lesion_detection(one, part, lesions)["lesions"] == counts
    assert lesion_detection(one, part, lesions)["false_positive_lesions"] == 1 - counts


def test_where_no_lesion_is_there_is_no_sensitivity() -> None:
    lesions = four_lesions()
    nothing = np.zeros(lesions.shape, bool)
    found = lesion_detection(lesions == 3, nothing, lesions)
    assert np.isnan(found["lesion_sensitivity"])
    assert (found["lesions"], found["false_positive_lesions"]) == (0, 1)
    assert lesion_detection(nothing, nothing, np.zeros_like(lesions))["false_positive_lesions"] == 0


def test_equal_masks() -> None:
    mask = box(slice(2, 6), slice(3, 9))
    assert overlap(mask, mask, SPACING) == {"dice": 1, "precision": 1, "recall": 1, "hd95_mm": 0}


def test_masks_apart() -> None:
    found = overlap(box(slice(0, 1), slice(0, 1)), box(slice(0, 1), slice(10, 11)), SPACING)
    assert (found["dice"], found["precision"], found["recall"]) == (0, 0, 0)
    assert found["hd95_mm"] == pytest.approx(13)


@pytest.mark.parametrize("mask", [box(slice(0, 0), slice(0, 0)), box(slice(0, 3), slice(0, 3))])
def test_an_empty_reference_is_not_a_number(mask: Mask) -> None:
    found = overlap(mask, np.zeros_like(mask), SPACING)
    assert list(found) == ["dice", "precision", "recall", "hd95_mm"]
    assert np.isnan(list(found.values())).all()


def test_an_empty_mask_finds_nothing() -> None:
    found = overlap(box(slice(0, 0), slice(0, 0)), box(slice(0, 3), slice(0, 3)), SPACING)
    assert (found["dice"], found["recall"]) == (0, 0)
    assert np.isnan([found["precision"], found["hd95_mm"]]).all()


@pytest.mark.parametrize(("axis", "expected"), [(0, 3.0), (1, 0.7), (2, 1.3)])
def test_distances_are_in_mm_along_each_axis(axis: int, expected: float) -> None:
    mask = np.zeros((4, 12, 12), bool)
    mask[1, 5, 5] = True
    assert hausdorff95(mask, np.roll(mask, 1, axis), SPACING) == pytest.approx(expected)


def test_one_far_pixel_of_many_does_not_decide() -> None:
    reference = box(slice(2, 10), slice(2, 10))
    mask = reference.copy()
    mask[0, 0, 0] = True  # 1 of 57 surface pixels
    assert hausdorff95(mask, reference, SPACING) == 0


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 9999), slices=st.integers(1, 3), share=st.sampled_from([0.02, 0.3, 0.8]), size=st.integers(3, 10))
def test_hd95_is_the_brute_force_distance(seed: int, slices: int, share: float, size: int) -> None:
    rng = np.random.default_rng(seed)
    mask, reference = rng.random((2, slices, size, size + 1)) < share
    assume(mask.any() and reference.any())
    found = hausdorff95(mask, reference, SPACING)
    assert found == pytest.approx(brute_force(mask, reference), abs=1e-9)
    assert found == pytest.approx(hausdorff95(reference, mask, SPACING))


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 9999))
def test_dice_is_the_harmonic_mean_of_precision_and_recall(seed: int) -> None:
    mask, reference = np.random.default_rng(seed).random((2, 1, 8, 8)) < 0.4
    found = overlap(mask, reference, SPACING)
    p, r = found["precision"], found["recall"]
    assert found["dice"] == pytest.approx(2 * p * r / (p + r))
    assert found["dice"] == pytest.approx(overlap(reference, mask, SPACING)["dice"])
