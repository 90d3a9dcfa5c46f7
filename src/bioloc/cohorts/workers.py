"""Do one thing for every case, in processes where it is worth their start; results come in order, whatever their number."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits
from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")
_START_SECONDS = 3.0
"""What the start of the processes costs: each imports all that it needs."""
_TRIED = 4


def for_each(function: Callable[[Item], Result], items: Sequence[Item], workers: int, what: str) -> Iterator[Result]:
    """`function` of every item, in order, with a progress bar on stderr; `function` must be a module's own.

    The first items are done here and tell whether processes would save more than their start costs. Linear algebra
    has one thread here as there, so that no result depends on who made it.
    """
    bar: dict[str, Any] = {"total": len(items), "desc": what, "unit": "case", "mininterval": 2.0, "disable": None}
    with tqdm(**bar) as progress, threadpool_limits(1, user_api="blas"):
        for result in _results(function, items, workers):
            progress.update()
            yield result


def _results(function: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    seconds: list[float] = []
    for number, item in enumerate(items):
        if len(seconds) == _TRIED and min(seconds) * (len(items) - number) * (1 - 1 / workers) > _START_SECONDS:
            yield from _in_processes(function, items[number:], workers)
            return
        begun = time.perf_counter()
        result = function(item)
        if len(seconds) < _TRIED:
            seconds.append(time.perf_counter() - begun)
        yield result


def _in_processes(function: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # read by the workers: one process a core already
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(function, items, chunksize=4)
