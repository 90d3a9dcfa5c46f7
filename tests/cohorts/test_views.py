"""Patches hold every pixel's worth exactly once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bioloc.cohorts.views import MARGIN, View, views_of


def gathered(views: list[View], shape: tuple[int, ...]) -> NDArray[np.float32]:
    total = np.zeros(shape, np.float32)
    for view in views:
        rows, columns = view.worth.shape
        total[view.slice_number, view.row : view.row + rows, view.column : view.column + columns] += view.worth
    return total


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 3), st.integers(32, 70), st.integers(32, 70)),
    side=st.sampled_from([16, 24, 32]),
    share=st.sampled_from([0.0, 0.002, 0.05, 1.0]),
)
def test_every_pixel_of_worth_is_in_one_view_within_the_grid(
    seed: int, shape: tuple[int, int, int], side: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    worth = np.where(rng.random(shape) < share, rng.random(shape) + 0.1, 0).astype(np.float32)
    shape = (shape[0], max(shape[1:]), max(shape[1:]))  # grids are square
    worth = np.pad(worth, [(0, 0), (0, shape[1] - worth.shape[1]), (0, shape[2] - worth.shape[2])])
    views = views_of(worth, side)
    assert np.array_equal(gathered(views, shape), worth)
    assert sum(np.count_nonzero(view.worth) for view in views) == np.count_nonzero(worth)
    for view in views:
        assert view.worth.shape == (side, side)
        assert view.worth.dtype == np.float32
        assert view.worth.any()
        assert 0 <= view.row <= shape[1] - side
        assert 0 <= view.column <= shape[2] - side
        rows, columns = np.nonzero(view.worth)
        for at, first, last in ((rows, view.row, shape[1] - side), (columns, view.column, shape[2] - side)):
            assert at.min() >= MARGIN or first == 0  # context all round, but at the grid's border
            assert at.max() < side - MARGIN or first == last


def test_side_0_gives_whole_slices_empty_ones_too() -> None:
    worth = np.zeros((3, 8, 8), np.float32)
    worth[1, 2, 3] = 4
    views = views_of(worth, 0)
    assert [(view.slice_number, view.row, view.column) for view in views] == [(0, 0, 0), (1, 0, 0), (2, 0, 0)]
    assert np.array_equal(np.stack([view.worth for view in views]), worth)


def test_no_candidates_need_no_patches() -> None:
    assert views_of(np.zeros((3, 40, 40), np.float32), 32) == []


@pytest.mark.parametrize("corner", [(0, 0), (0, 39), (39, 0), (39, 39)])
def test_a_lesion_in_a_corner_needs_one_patch(corner: tuple[int, int]) -> None:
    worth = np.zeros((1, 40, 40), np.float32)
    worth[0, corner[0], corner[1]] = 1
    assert len(views_of(worth, 32)) == 1


def test_a_small_lesion_is_in_the_middle_of_one_patch() -> None:
    worth = np.zeros((1, 64, 64), np.float32)
    worth[0, 30:34, 30:34] = 1
    (view,) = views_of(worth, 32)
    rows, columns = np.nonzero(view.worth)
    assert (abs(rows.mean() - 15.5), abs(columns.mean() - 15.5)) <= (1.0, 1.0)
