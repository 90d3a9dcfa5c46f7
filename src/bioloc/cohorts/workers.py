"""Do one thing for every case, in processes; results come in order, whatever the number of workers."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")
_WORTH_A_POOL = 24


def for_each(function: Callable[[Item], Result], items: Sequence[Item], workers: int, what: str) -> Iterator[Result]:
    """`function` of every item, in order, with a progress bar on stderr; `function` must be a module's own."""
    bar: dict[str, Any] = {"total": len(items), "desc": what, "unit": "case", "mininterval": 2.0, "disable": None}
    if workers < 2 or len(items) < _WORTH_A_POOL:
        yield from tqdm(map(function, items), **bar)
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by the workers: one process a core already
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from tqdm(pool.map(function, items, chunksize=4), **bar)
