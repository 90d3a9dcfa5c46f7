"""Training on a GPU: what is learnt does not hang on where the data lie, nor on compilation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from test_loop import make_loop

from bioloc.params import SelfTraining
from bioloc.training import loop as loop_module
from bioloc.training.loop import Loop

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine"),
    # Named by torch, for what has no deterministic form on a GPU.
    pytest.mark.filterwarnings("ignore:.*does not have a deterministic implementation.*:UserWarning"),
]


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
