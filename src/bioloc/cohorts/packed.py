"""Arrays of many scans of different shapes in one file; what has few different values compressed."""

from __future__ import annotations

import zlib
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray


def squeeze(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The array's bytes, compressed: (n,), a small part of them where neighbours are alike."""
    return np.frombuffer(zlib.compress(np.ascontiguousarray(array).data, level=1), np.uint8)


def spread(squeezed: NDArray[np.uint8], dtype: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    """The array of `dtype` and `shape` that was squeezed; read-only. A -1 in `shape` is what is left."""
    return np.frombuffer(zlib.decompress(squeezed.data), dtype).reshape(shape)


def pack(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The mask's bits, eight to a byte, compressed: (n,) bytes, far fewer where a mask is sparse or in one piece."""
    return squeeze(np.packbits(mask.ravel()))


def unpack(packed: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The mask of `shape` that was packed."""
    bits = spread(packed, np.uint8, (-1,))
    return np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape).astype(bool)


class Pile:
    """An .npy file that parts go to one after the other, along the first axis: memory does not grow with their number.

    The bytes are those of `np.save` of all parts concatenated. To be used as a context; a pile has at least one part.

    Attributes:
        ends: Where each part begins along the first axis, and the end.
    """

    def __init__(self, path: Path) -> None:
        self.ends = [0]
        self._stream = path.open("wb")
        self._like: NDArray[Any] | None = None

    def add(self, part: NDArray[Any]) -> None:
        """Append a part; all are of one type and of one shape but for the first axis."""
        if self._like is None:
            self._like = part[:0]
            self._write_header()
        self._stream.write(np.ascontiguousarray(part).data)
        self.ends.append(self.ends[-1] + len(part))

    def __enter__(self) -> Pile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._stream.seek(0)
            self._write_header()  # as long as before: numpy leaves room for a longer first axis
        self._stream.close()

    def _write_header(self) -> None:
        if self._like is None:
            raise ValueError("a pile without parts")
        header = npy.header_data_from_array_1_0(self._like) | {"shape": (self.ends[-1], *self._like.shape[1:])}
        npy.write_array_header_1_0(self._stream, header)
