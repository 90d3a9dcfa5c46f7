"""Arrays of many shapes in one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.cohorts.packed import Pile, pack, spread, squeeze, unpack


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.tuples(*[st.integers(0, 9)] * 3), st.integers(0, 2**32 - 1))
def test_a_mask_comes_back(shape: tuple[int, int, int], seed: int) -> None:
    mask = np.random.default_rng(seed).random(shape) < 0.5
    packed = pack(mask)
    assert packed.dtype == np.uint8
    back = unpack(packed, shape)
    assert back.dtype == bool
    assert np.array_equal(back, mask)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(0,), (3, 2, 7, 5)])
def test_an_array_comes_back(dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(3).integers(0, 9, shape).astype(dtype).swapaxes(0, -1)
    squeezed = squeeze(array)
    assert squeezed.dtype == np.uint8
    back = spread(squeezed, dtype, array.shape)
    assert back.dtype == dtype
    assert np.array_equal(back, array)


def test_what_is_smooth_takes_little() -> None:
    smooth = np.repeat(np.arange(100, dtype=np.uint8), 1000)
    assert len(squeeze(smooth)) < len(smooth) / 50


def test_a_sparse_mask_takes_little() -> None:
    mask = np.zeros((40, 256, 256), bool)
    mask[7, 30:40, 50:55] = True
    assert len(pack(mask)) < mask.size / 8 / 50


@pytest.mark.parametrize("shape", [(), (3, 5)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_a_pile_is_what_numpy_saves(tmp_path: Path, shape: tuple[int, ...], dtype: type) -> None:
    rng = np.random.default_rng(1)
    parts = [rng.integers(0, 99, (count, *shape)).astype(dtype) for count in (2, 0, 1, 12_000)]
    with Pile(tmp_path / "pile.npy") as pile:
        for part in parts:
            pile.add(part)
    np.save(tmp_path / "whole.npy", np.concatenate(parts))
    assert pile.ends == [0, 2, 2, 3, 12_003]
    assert (tmp_path / "pile.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_a_pile_takes_parts_that_do_not_lie_in_order(tmp_path: Path) -> None:
    part = np.arange(12, dtype=np.int16).reshape(3, 4).T
    with Pile(tmp_path / "pile.npy") as pile:
        pile.add(part)
    assert np.array_equal(np.load(tmp_path / "pile.npy"), part)
