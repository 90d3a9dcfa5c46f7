"""A tiny training learns, is the same to the bit for the same seed, and goes on after a kill as if nothing happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bioloc.cohorts.load import Sample
from bioloc.networks.network import Network, Spec
from bioloc.networks.views import store_views
from bioloc.params import Augment, SelfTraining, Training
from bioloc.tasks import get_task
from bioloc.training import loop as loop_module
from bioloc.training.data import Split
from bioloc.training.loop import Loop, Setting
from bioloc.training.teacher import teach

SIZE = 32
KILL = "BIOLOC_KILL_AFTER_CHECK"
KILLED_STEPS = 9
SCENARIOS: dict[str, dict[str, Any]] = {
    "patches": {"task": "cac"},  # some samples without any
    "lessons": {  # before steps 4 and 6, with checks after 5, 7 and 9
        "self_training": SelfTraining(weight=0.5, start=0.45, refresh=2, sharpness=2.0),
        "sharpness": 3.0,
        "symmetry": 0.3,
    },
}


def make_split(count: int, seed: int, volume: bool) -> Split:
    """Candidates everywhere; those in a bright disc count. Volumes have two slices, and some have no candidates."""
    samples, targets = [], []
    y, x = np.mgrid[:SIZE, :SIZE]
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        slices = 2 if volume else 1
        disc = np.stack(
            [(y - rng.uniform(10, 22)) ** 2 + (x - rng.uniform(10, 22)) ** 2 < rng.uniform(3, 10) ** 2 for _ in range(slices)]
        )
        candidates = (rng.random(disc.shape) < 0.7) & (not volume or number % 7 > 0)
        hu = np.where(disc, 60, -40) + rng.normal(0, 10, disc.shape)
        worth = np.where(candidates, 0.1, 0).astype(np.float32)
        samples.append(Sample(str(number), hu.astype(np.int16), worth, float((worth * disc).sum())))
        targets.append(disc.astype(np.float32))
    sums = np.array([float(sample.worth.sum()) for sample in samples])
    values = torch.tensor([sample.value for sample in samples], dtype=torch.float32)
    return Split(store_views(samples, 16 if volume else 0, get_task("cac" if volume else "pma"), targets), values, sums)


def make_loop(
    folder: Path,
    method: str = "localizer",
    steps: int = 30,
    seed: int = 1,
    task: str = "pma",
    precision: str = "32-true",
    accelerator: str = "cpu",
    **changes: Any,
) -> Loop:
    torch.manual_seed(seed)
    volume = task == "cac"
    train, val = make_split(32, 0, volume), make_split(12, 1, volume)
    plain: dict[str, Any] = {
        "encoder": "test_resnet",
        "decoder_channels": [8] * 5,
        "images_seen": steps * 8,
        "batch_size": 8,
        "learning_rate": 0.01,
        "weight_decay": 0.01,
        "ema": 0.8,
        "checks": 3,
        "augment": Augment(flip=True, shift=2, hu=4.0),
        "self_training": SelfTraining(weight=0.5, start=0.5),
    }
    values = train.values.numpy()
    spec = Spec(
        task,
        method,
        "test_resnet",
        (8,) * 5,
        SIZE,
        3.0,
        16 if volume else 0,
        offset=0.0 if volume else float(values.mean()),
        scale=float(values.std()),
        prior=float(values.sum() / train.candidate_sums.sum()),
        sharpness=changes.get("sharpness", 1.0),
    )
    setting = Setting(Training(**{**plain, **changes}), seed, precision, accelerator)
    return Loop(Network(spec), train, val, setting, folder, {"seed": seed, "method": method})


def weights(loop: Loop) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in loop.run().state_dict().items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(KILL, raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_values_alone_teach_a_localizer_better_than_the_mean(tmp_path: Path) -> None:
    loop = make_loop(tmp_path / "checkpoint", steps=80, checks=6)
    trained = loop.run()
    history = loop.progress.history
    mean_row = float((loop.val.values - loop.train.values.mean()).abs().mean())
    assert loop.progress.best_error < 0.5 * mean_row
    assert history[-1]["value_loss"] < 0.7 * history[0]["value_loss"]
    assert loop.progress.best_error == min(row["val_value_error"] for row in history)
    assert not trained.training
    views = loop.val.views.batch(range(12))
    with torch.inference_mode():
        found = trained.values(trained.logits(trained(trained.inputs(views)), views), views)
    assert float((found - loop.val.values).abs().mean()) == pytest.approx(loop.progress.best_error, rel=1e-3)


@pytest.mark.parametrize(
    ("method", "loss"),
    [
        ("localizer-paper", "value_loss"),
        ("regressor", "value_loss"),
        ("regressor-candidates", "value_loss"),
        ("segmenter", "mask_loss"),
    ],
)
def test_the_other_methods_losses_fall(tmp_path: Path, method: str, loss: str) -> None:
    loop = make_loop(tmp_path / "checkpoint", method, steps=40)
    loop.run()
    history = loop.progress.history
    assert history[-1][loss] < history[0][loss]
    assert all(key in {"step", "images", "val_value_error", loss} for row in history for key in row)


@pytest.mark.parametrize("method", ["localizer", "regressor", "segmenter"])
def test_volumes_of_patches_are_trained_too(tmp_path: Path, method: str) -> None:
    loop = make_loop(tmp_path / "checkpoint", method, steps=6, task="cac")
    assert all(torch.isfinite(tensor).all() for tensor in weights(loop).values())
    assert np.isfinite(loop.progress.best_error)


def test_a_batch_without_any_candidates_is_passed_over(tmp_path: Path) -> None:
    loop = make_loop(tmp_path / "checkpoint", steps=40, task="cac", batch_size=1, images_seen=40)
    loop.run()  # every seventh sample has no view
    assert loop.progress.step == 40


def test_checks_are_spread_over_the_training_and_end_with_it(tmp_path: Path) -> None:
    loop = make_loop(tmp_path / "checkpoint", steps=20, checks=4)
    loop.run()
    steps = [row["step"] for row in loop.progress.history]
    assert len(steps) == 4
    assert steps == sorted(set(steps))
    assert steps[-1] == 20
    assert [row["images"] for row in loop.progress.history] == [8 * step for step in steps]


def test_weights_are_averaged_from_where_the_first_check_remembers_them(tmp_path: Path) -> None:
    for ema, averaged in ((0.5, 40 - 14 + 1), (0.98, 40)):  # the first check is at step 24, 5 / (1 - ema) steps are remembered
        loop = make_loop(tmp_path / str(ema), steps=40, ema=ema)
        loop.run()
        assert int(loop.average.n_averaged) == averaged


def test_self_training_begins_when_it_should(tmp_path: Path) -> None:
    def rows_with_it(name: str, **changes: Any) -> list[bool]:
        loop = make_loop(tmp_path / name, steps=10, checks=4, **changes)
        loop.run()
        return ["self_training_loss" in row for row in loop.progress.history]

    assert rows_with_it("late", self_training=SelfTraining(weight=0.5, start=0.95)) == [False, False, False, True]
    assert rows_with_it("never", self_training=SelfTraining(weight=0.0, start=0.0)) == [False] * 4


def validation_errors(monkeypatch: pytest.MonkeyPatch, errors: list[float]) -> None:
    """Let the checks find these."""
    left = iter(errors)
    monkeypatch.setattr(Loop, "_validation_error", lambda loop: next(left))


def test_no_network_from_before_the_final_sharpness_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def best(name: str, **changes: Any) -> tuple[int, float]:
        validation_errors(monkeypatch, [1.0, 2.0, 4.0, 3.0])
        loop = make_loop(tmp_path / name, steps=20, checks=4, **changes)
        loop.run()
        return loop.progress.best_step, loop.progress.best_error

    assert best("sharp", sharpness=3.0) == (20, 3.0)
    assert best("plain") == (12, 1.0)


@pytest.mark.parametrize("start", [0.0, 0.5, 0.9, 1.0])
def test_maps_end_with_their_final_sharpness_whenever_they_start_to_sharpen(tmp_path: Path, start: float) -> None:
    loop = make_loop(
        tmp_path / "checkpoint", steps=6, checks=1, sharpness=3.0, self_training=SelfTraining(weight=0.5, start=start)
    )
    assert loop.run().sharpness == 3
    assert loop.progress.best_step == 6


def test_sharpness_grows_from_1_once_self_training_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = make_loop(tmp_path / "checkpoint", steps=20, sharpness=5.0)
    seen: list[float] = []
    step = Loop._step
    monkeypatch.setattr(Loop, "_step", lambda loop, *given: (seen.append(loop.network.sharpness), step(loop, *given))[1])
    loop.run()
    assert seen[:10] == [1.0] * 10
    assert np.diff(seen[9:18]) == pytest.approx(0.5)  # up to nine tenths
    assert seen[17:] == [5.0] * 3


def test_a_lesson_replaces_the_targets_and_is_of_the_steps_sharpness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = SelfTraining(weight=0.5, start=0.5, refresh=2)
    loop = make_loop(tmp_path / "checkpoint", steps=12, sharpness=3.0, self_training=extra)
    sharpness: list[float] = []
    targets: list[Tensor] = []

    def keep(network: Network, *given: Any) -> Tensor:
        sharpness.append(network.sharpness)
        targets.append(teach(network, *given))
        return targets[-1]

    monkeypatch.setattr(loop_module, "teach", keep)
    loop.run()
    assert sorted(loop.lessons) == [6, 9]
    assert sharpness == pytest.approx([1.0, 1 + 2 * (0.75 - 0.5) / 0.4])
    assert not torch.equal(*targets)
    assert loop.train.views.views.target is targets[-1]
    assert "self_training_loss" in loop.progress.history[-1]


def test_the_plain_localizer_takes_no_lesson(tmp_path: Path) -> None:
    extra = SelfTraining(weight=0.5, start=0.0, refresh=2)
    loop = make_loop(tmp_path / "checkpoint", "localizer-paper", steps=6, self_training=extra, symmetry=1.0, sparsity=0.1)
    loop.run()
    assert not loop.lessons
    assert {key for row in loop.progress.history for key in row} == {
        "step",
        "images",
        "val_value_error",
        "value_loss",
        "sparsity_loss",
    }


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_same_seed_gives_the_same_weights_to_the_bit(tmp_path: Path, precision: str) -> None:
    one = weights(make_loop(tmp_path / "one", steps=8, precision=precision))
    same = weights(make_loop(tmp_path / "same", steps=8, precision=precision))
    other = weights(make_loop(tmp_path / "other", steps=8, precision=precision, seed=2))
    assert equal(one, same)
    assert not equal(one, other)


@pytest.mark.parametrize(("scenario", "kills"), [("patches", 1), ("lessons", 1), ("lessons", 2)])
def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path, scenario: str, kills: int) -> None:
    """To the bit, which is promised for one machine and thread count."""
    uninterrupted = make_loop(tmp_path / "whole", steps=KILLED_STEPS, **SCENARIOS[scenario])
    expected = weights(uninterrupted)
    environment = {**os.environ, KILL: "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__)), str(tmp_path / "cut"), scenario]
    for _ in range(kills):  # each at its first check: after the first lesson, after the second
        killed = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut", "whole"]  # nothing half-written lies about
    resumed = make_loop(tmp_path / "cut", steps=KILLED_STEPS, **SCENARIOS[scenario])
    assert resumed.progress.step == (5, 7)[kills - 1]
    assert equal(weights(resumed), expected)
    assert resumed.progress == uninterrupted.progress
    assert any("self_training_loss" in row for row in resumed.progress.history)


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    expected = weights(make_loop(tmp_path / "checkpoint", steps=4))
    again = make_loop(tmp_path / "checkpoint", steps=4)
    assert again.progress.step == 4
    assert equal(weights(again), expected)
    assert len(again.progress.history) == len({row["step"] for row in again.progress.history})


def test_another_trainings_checkpoint_is_not_picked_up(tmp_path: Path) -> None:
    make_loop(tmp_path / "checkpoint", steps=4).run()
    other = make_loop(tmp_path / "checkpoint", steps=4, seed=2)
    assert other.progress.step == 0
    assert equal(weights(other), weights(make_loop(tmp_path / "fresh", steps=4, seed=2)))


def test_a_checkpoint_holds_no_pickle(tmp_path: Path) -> None:
    make_loop(tmp_path / "checkpoint", steps=2).run()
    assert {file.suffix for file in (tmp_path / "checkpoint").iterdir()} == {".safetensors", ".json"}


if __name__ == "__main__":  # the process that is killed
    torch.set_num_threads(1)
    make_loop(Path(sys.argv[1]), steps=KILLED_STEPS, **SCENARIOS[sys.argv[2]]).run()


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
