"""A batch of scans: the model is loaded once; reading, network and writing overlap; one bad scan is one failed row."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bioloc.errors import UsageError, reason_of
from bioloc.inference.package import Package
from bioloc.inference.scan import Prediction, grid_of, predict_scan
from bioloc.prediction.case import Opened, failed_row, open_request, paths_of, write_case
from bioloc.prediction.journal import Journal
from bioloc.prediction.requests import Request

_READ_AHEAD = 1
"""Scans read before the network is free; with the one in the network and the one being written, three are in memory."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Batch:
    """What is the same for all scans of a batch: the model and its name, where files go, and whether refusals are overruled."""

    package: Package
    model: str
    output: Path
    force: bool = False


@dataclass(frozen=True)
class Step:
    """What a step gave, or why it failed, and how long it took."""

    result: Any
    failure: str | None
    seconds: float


def check_paths(wanted: Sequence[Request], output: Path) -> None:
    """Nothing, where no result would take the place of a scan or region that is read.

    Raises:
        UsageError: One would: `case1_mask.nii.gz` is a good name for a reader's mask, too.
    """
    named = [path for request in wanted for path in (request.image, request.roi) if path is not None]
    read = {path.resolve() for path in named} | {path.parent.resolve() / path.name for path in named}  # a link, too, would go
    for request in wanted:
        for path in paths_of(request.case_id, output.resolve()).values():
            if path in read:
                raise UsageError(
                    f"{path} is read, and the result of {request.case_id} would take its place: name another --output"
                )


def predict_all(batch: Batch, wanted: Sequence[Request], journal: Journal) -> Iterator[dict[str, Any]]:
    """One result row per request, in order, also of those that the journal has from an earlier run.

    Rows are in the journal before they are given. A failure is a row with its error.
    """
    todo = [request for request in wanted if journal.row(request) is None]
    fresh = _rows(batch, todo)
    try:
        for request in wanted:
            row = journal.row(request)
            if row is None:
                row = next(fresh)
                journal.add(request, row)
            yield row
    finally:
        fresh.close()


def predicted(package: Package, todo: Sequence[Request], force: bool) -> Generator[tuple[Request, Step, Step], None, None]:
    """Each request with its `Opened` scan and its `Prediction`, or why there is none; the next scan is read meanwhile."""
    task, grid = package.network.task, grid_of(package)

    def read(request: Request) -> tuple[Request, Step]:
        return request, _attempt(partial(open_request, request, task, grid, force))

    with ThreadPoolExecutor(1, "read") as reader:
        for request, opened in _ahead(reader, read, todo):
            yield request, opened, opened if opened.failure else _attempt(partial(predict_scan, package, opened.result.scan))


def _rows(batch: Batch, todo: Sequence[Request]) -> Generator[dict[str, Any], None, None]:
    with ThreadPoolExecutor(1, "write") as writer, closing(predicted(batch.package, todo, batch.force)) as steps:
        waiting: Future[dict[str, Any]] | None = None
        for request, opened, network in steps:
            if waiting is not None:
                yield waiting.result()
            waiting = writer.submit(_finish, batch, request, opened, network)
        if waiting is not None:
            yield waiting.result()


def _finish(batch: Batch, request: Request, opened: Step, network: Step) -> dict[str, Any]:
    """The row of a case whose network is done, its files written."""
    task, paths = batch.package.network.task, paths_of(request.case_id, batch.output)
    seconds = {"read": opened.seconds, "network": network.seconds if network is not opened else 0.0, "write": 0.0}
    failure = network.failure
    if failure is None:
        scan: Opened = opened.result
        prediction: Prediction = network.result
        written = _attempt(partial(write_case, task, batch.model, request, scan, prediction, paths))
        failure, seconds["write"] = written.failure, written.seconds
    row = failed_row(task, failure, paths) if failure is not None else written.result
    return {
        "case_id": request.case_id,
        "input": str(request.image),
        "unit": task.unit,
        **row,
        "model": batch.model,
        "seconds": round(sum(seconds.values()), 3),
        **{f"seconds_{name}": round(spent, 3) for name, spent in seconds.items()},
    }


def _ahead(pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`function` of every item in order, begun in the pool a little before it is wanted."""
    begun: deque[Future[Result]] = deque()
    try:
        for item in items:
            begun.append(pool.submit(function, item))
            if len(begun) > _READ_AHEAD:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()


def _attempt(step: Callable[[], Any]) -> Step:
    begun = time.perf_counter()
    try:
        result, failure = step(), None
    except Exception as error:  # whatever a scan brings about: the others are still to be done
        result, failure = None, reason_of(error)
    return Step(result, failure, time.perf_counter() - begun)
