"""Batches: in order, overlapping, with few scans in memory, and taken up after a kill."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from bioloc.errors import ImageError
from bioloc.prediction import batch as module
from bioloc.prediction.batch import Batch, predict_all
from bioloc.prediction.journal import Journal
from bioloc.prediction.requests import Request
from bioloc.tasks import TASKS

MADE_WITH = {"task": "pma", "model": "m", "model_md5": "1", "force": False}
FILES = ("map", "mask", "overlay", "dicom_seg", "dicom_map", "dicom_report")


class Alive:
    """Counts the scans that are in memory at once."""

    now = most = 0
    lock = threading.Lock()

    def __init__(self) -> None:
        with Alive.lock:
            Alive.now += 1
            Alive.most = max(Alive.most, Alive.now)

    def __del__(self) -> None:
        with Alive.lock:
            Alive.now -= 1

    @property
    def scan(self) -> Alive:
        """What the network is given: the same thing, which counts once."""
        return self


@pytest.fixture
def steps(monkeypatch) -> SimpleNamespace:
    """The three steps of a case, made of nothing, with a list of what ran."""
    done: list[tuple[str, str]] = []
    Alive.now = Alive.most = 0

    def read(request: Request, *_: Any) -> Alive:
        done.append(("read", request.case_id))
        if request.case_id == "bad":
            raise ImageError("bad: no image")
        return Alive()

    def network(_: Any, scan: Alive) -> Alive:
        return scan

    def write(task: Any, model: str, request: Request, *_: Any) -> dict[str, Any]:
        done.append(("write", request.case_id))
        return {"value": 1.0, "status": "ok", "error": None, **dict.fromkeys(FILES)}

    monkeypatch.setattr(module, "open_request", read)
    monkeypatch.setattr(module, "predict_scan", network)
    monkeypatch.setattr(module, "write_case", write)
    monkeypatch.setattr(module, "grid_of", lambda package: None)
    return SimpleNamespace(done=done)


@pytest.fixture
def run(tmp_path, steps):
    package: Any = SimpleNamespace(network=SimpleNamespace(task=TASKS["pma"]))

    def started(names: list[str], resume: bool = False):
        for name in names:
            if not (tmp_path / name).exists():
                (tmp_path / name).touch()
        wanted = [Request(name, tmp_path / name) for name in names]
        return predict_all(Batch(package, "m", tmp_path / "out"), wanted, Journal(tmp_path / "out", MADE_WITH, resume))

    return started


def test_rows_come_in_order_and_a_bad_scan_is_one_of_them(run):
    rows = list(run(["c", "bad", "a", "b"]))
    assert [row["case_id"] for row in rows] == ["c", "bad", "a", "b"]
    assert [row["status"] for row in rows] == ["ok", "failed", "ok", "ok"]
    assert rows[1]["error"] == "bad: no image"


def test_few_scans_are_in_memory_however_many_there_are(run):
    assert len(list(run([f"n{number}" for number in range(60)]))) == 60
    assert 2 <= Alive.most <= 5


def test_a_stopped_run_is_taken_up(run, steps):
    names = ["a", "b", "c", "d", "e", "f"]
    begun = run(names)
    assert [next(begun)["case_id"] for _ in range(3)] == ["a", "b", "c"]
    begun.close()
    steps.done.clear()
    rows = list(run(names, resume=True))
    assert [row["case_id"] for row in rows] == names
    assert {name for _, name in steps.done} == {"d", "e", "f"}
