"""Masks of many shapes in one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.cohorts.packed import pack, unpack, write_concatenated


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.tuples(*[st.integers(0, 9)] * 3), st.integers(0, 2**32 - 1))
def test_a_mask_comes_back(shape: tuple[int, int, int], seed: int) -> None:
    mask = np.random.default_rng(seed).random(shape) < 0.5
    bits = pack(mask)
    assert bits.dtype == np.uint8
    assert len(bits) == -(-mask.size // 8)
    back = unpack(bits, shape)
    assert back.dtype == bool
    assert np.array_equal(back, mask)


def test_arrays_stand_one_after_the_other(tmp_path: Path) -> None:
    parts = [np.arange(6, dtype=np.int32).reshape(2, 3), np.zeros(0, np.int32), np.array([9], np.int32)]
    ends = write_concatenated(tmp_path / "a.npy", parts)
    assert ends == [0, 6, 6, 7]
    whole = np.load(tmp_path / "a.npy")
    assert whole.dtype == np.int32
    assert all(np.array_equal(whole[first:end], part.ravel()) for first, end, part in zip(ends, ends[1:], parts, strict=False))
    assert [file.name for file in tmp_path.iterdir()] == ["a.npy"]
