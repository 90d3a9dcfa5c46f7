"""Processes are started where they save more than their start costs, and results come in order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest
from threadpoolctl import threadpool_info

from bioloc.cohorts import workers
from bioloc.cohorts.workers import for_each


def square(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def blas_threads(_: int) -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_few_quick_items_are_done_here() -> None:
    found = list(for_each(square, range(50), 2, "test"))
    assert found == [(number**2, os.getpid()) for number in range(50)]


def test_linear_algebra_has_one_thread() -> None:
    assert list(for_each(blas_threads, [0], 2, "test")) == [{1}]


@pytest.mark.slow
def test_many_slow_items_are_done_by_others_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(workers, "_START_SECONDS", 0.0)
    found = list(for_each(square, range(20), 2, "test"))
    assert [value for value, _ in found] == [number**2 for number in range(20)]
    assert [who == os.getpid() for _, who in found] == [True] * 4 + [False] * 16


@pytest.mark.parametrize(("count", "processes", "started"), [(30, 2, False), (200, 2, True), (200, 1, False)])
def test_the_start_must_be_worth_it(monkeypatch: pytest.MonkeyPatch, count: int, processes: int, started: bool) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr(workers.time, "perf_counter", lambda: next(clock) * 0.1)  # every item takes 0.1 s
    handed_over: list[int] = []

    def others(_: Any, items: Sequence[int], __: int) -> list[int]:
        handed_over.extend(items)
        return list(items)

    monkeypatch.setattr(workers, "_in_processes", others)
    assert list(for_each(int, range(count), processes, "test")) == list(range(count))
    assert handed_over == (list(range(4, count)) if started else [])
