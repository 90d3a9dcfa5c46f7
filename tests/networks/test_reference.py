"""The healthy organ's HU, found where lesions fill much of it, in noise, and with a rim that is partly something else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bioloc.networks.reference import reference_hu

SIZE = 96
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE]


def disc(row: float, column: float, radius: float) -> NDArray[np.bool_]:
    return np.asarray(np.hypot(ROWS - row, COLUMNS - column) < radius)


def organ(healthy: float, lesion: float, radius: float, noise: float = 12.0) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """A round organ of radius 36 with one lesion in its middle."""
    among = disc(48, 48, 36)
    hu = np.where(disc(48, 48, radius), lesion, healthy) + np.random.default_rng(0).normal(0, noise, (SIZE, SIZE))
    return np.rint(np.where(among, hu, -100)).astype(np.int16)[None], among[None]


@pytest.mark.parametrize("lesion", [40.0, 180.0])
@pytest.mark.parametrize("radius", [0, 10, 29])
def test_a_lesion_does_not_move_it(lesion: float, radius: float) -> None:
    """At radius 29 the lesion fills two thirds of the organ, and the median of all is the lesion's."""
    hu, among = organ(110, lesion, radius)
    assert reference_hu(hu, among) == pytest.approx(110, abs=8)
    assert abs(np.median(hu[among]) - 110) > 30 or radius < 29


def test_what_lies_around_the_organ_does_not_move_it() -> None:
    hu, among = organ(110, 110, 0)
    wider = disc(48, 48, 42)[None] & (hu > -50)  # into fat, which is no candidate
    assert reference_hu(hu, wider) == pytest.approx(reference_hu(hu, among), abs=1)
    overlapping = disc(48, 48, 37)[None]  # a pixel of fat within
    assert reference_hu(hu, overlapping) == pytest.approx(reference_hu(hu, among), abs=8)


@pytest.mark.parametrize("too_far", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("healthy", [20.0, 110.0])
def test_an_outline_too_large_does_not_move_it(too_far: int, healthy: float) -> None:
    """4 pixels too large, half of what lies 2 to 6 pixels within the outline is fat."""
    hu, among = organ(healthy, healthy - 50, 15)
    assert reference_hu(hu, disc(48, 48, 36 + too_far)[None]) == pytest.approx(reference_hu(hu, among), abs=4)


def test_a_lesion_of_fat_does_not_end_the_organ() -> None:
    hu, among = organ(110, -60, 27)
    assert reference_hu(hu, among) == pytest.approx(110, abs=8)


def test_it_moves_with_the_image() -> None:
    hu, among = organ(110, 50, 20)
    assert reference_hu(hu + np.int16(37), among) == pytest.approx(reference_hu(hu, among) + 37, abs=1e-3)


def test_an_organ_too_thin_for_a_rim_is_taken_whole() -> None:
    hu = np.full((1, SIZE, SIZE), 55, np.int16)
    among = np.zeros_like(hu, bool)
    among[0, 40:43, 10:80] = True
    assert reference_hu(hu, among) == 55


def test_slices_without_candidates_count_for_nothing() -> None:
    hu, among = organ(110, 50, 20)
    empty = np.zeros_like(among)
    two = np.concatenate([hu, np.full_like(hu, 900)]), np.concatenate([among, empty])
    assert reference_hu(*two) == reference_hu(hu, among)
    assert reference_hu(hu, empty) == 0
