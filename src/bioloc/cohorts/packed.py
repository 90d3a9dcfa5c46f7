"""Boolean voxels of many scans of different shapes in one file: eight to a byte."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioloc.files import written_aside


def pack(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The mask's bits, (ceil(n / 8),)."""
    return np.packbits(mask.ravel())


def unpack(bits: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The mask of `shape` whose bits these are."""
    return np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape).astype(bool)


def write_concatenated(path: Path, parts: Iterable[NDArray[np.generic]]) -> list[int]:
    """Write arrays one after the other as one .npy; returns where each begins, and the end."""
    arrays = [np.asarray(part).ravel() for part in parts]
    with written_aside(path) as aside:
        np.save(aside, np.concatenate(arrays))
    return [0, *(int(end) for end in np.cumsum([len(part) for part in arrays]))]
