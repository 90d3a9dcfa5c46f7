"""Training on a GPU: the data lie there, and what is learnt does not hang on where they lie or on compilation."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from test_loop import SIZE, equal, make_loop, make_split, weights

from bioloc.params import SelfTraining
from bioloc.training import data as data_module
from bioloc.training import loop as loop_module
from bioloc.training.data import Split, resident
from bioloc.training.loop import Loop

with_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
# Named by torch, for what has no deterministic form on a GPU.
pytestmark = pytest.mark.filterwarnings("ignore:.*does not have a deterministic implementation.*:UserWarning")


@pytest.mark.parametrize(("free", "moves"), [(2.0, True), (1.9, False)])
def test_a_split_moves_to_a_gpu_where_it_takes_up_half_of_what_is_free_there(
    free: float, moves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = make_split(4, 0, volume=False)
    size = split.views.views.nbytes
    assert size == sum(tensor.nbytes for tensor in vars(split.views.views).values() if isinstance(tensor, torch.Tensor))
    monkeypatch.setattr(data_module.torch.cuda, "mem_get_info", lambda device: (int(free * size), 10**12))
    moved: list[Any] = []
    monkeypatch.setattr(type(split.views), "to", lambda store, device: moved.append(device) or store)
    device: Any = SimpleNamespace(type="cuda")
    values = SimpleNamespace(to=lambda device: split.values)
    found = resident(Split(split.views, values, split.candidate_sums), device)  # type: ignore[arg-type]  # stands for a tensor
    assert moved == ([device] if moves else [])
    assert found.values is (split.values if moves else values)


def test_a_split_stays_where_the_processor_trains() -> None:
    split = make_split(4, 0, volume=False)
    assert resident(split, torch.device("cpu")) is split


def test_batches_are_put_together_where_the_store_lies() -> None:
    store = make_split(4, 0, volume=False).views.to(torch.device("meta"))
    views = store.batch([2, 0])
    assert {views.planes.device.type, views.sample.device.type, views.place.device.type} == {"meta"}
    store.set_target(torch.zeros(4, SIZE, SIZE))
    assert store.views.target is not None
    assert store.views.target.device.type == "meta"


def test_nothing_is_compiled_for_a_processor(tmp_path: Path) -> None:
    loop = make_loop(tmp_path, compiled=True)
    assert loop._compiled() is loop.network


def test_a_network_that_is_compiled_is_trained_averaged_and_kept_as_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = weights(make_loop(tmp_path / "plain"))
    compilations: list[Any] = []

    def compiled(loop: Loop) -> Any:
        def compile_graph(graph: Any, example: Any) -> Any:
            compilations.append(example)
            return graph.forward

        return torch.compile(loop.network, backend=compile_graph)

    monkeypatch.setattr(Loop, "_compiled", compiled)
    assert equal(plain, weights(make_loop(tmp_path / "compiled")))
    assert compilations


@with_gpu
@pytest.mark.parametrize("task", ["pma", "cac"])
@pytest.mark.parametrize("refresh", [0, 2])
def test_where_the_data_lie_changes_nothing(task: str, refresh: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {"task": task, "accelerator": "gpu", "self_training": SelfTraining(weight=0.5, start=0.5, refresh=refresh)}
    there = make_loop(tmp_path / "there", **chosen)
    assert there.train.views.views.worth.device.type == there.train.values.device.type == "cuda"
    monkeypatch.setattr(loop_module, "resident", lambda split, _: split)
    elsewhere = make_loop(tmp_path / "elsewhere", **chosen)
    assert elsewhere.train.views.views.worth.device.type == "cpu"
    _same_at_first_and_both_to_the_end(there, elsewhere)


@with_gpu
def test_a_gpu_compiles_where_it_is_asked_to(tmp_path: Path) -> None:
    eager, compiled = (make_loop(tmp_path / str(asked), accelerator="gpu", compiled=asked) for asked in (False, True))
    assert eager._compiled() is eager.network
    assert compiled._compiled() is not compiled.network
    _same_at_first_and_both_to_the_end(eager, compiled)


def _same_at_first_and_both_to_the_end(one: Loop, other: Loop) -> None:
    """Rounding on a GPU hangs on the order of its threads, and trainings drift apart: only their first steps are compared."""
    first = [{name: float(loss) for name, loss in loop._step(1, np.arange(8)).items()} for loop in (one, other)]
    assert first[0] == pytest.approx(first[1], rel=1e-3)
    for loop in (one, other):
        loop.run()
        assert np.isfinite([row["val_value_error"] for row in loop.progress.history]).all()
