"""A teacher's pseudo-masks: when it makes them, that they add up, and that no side is preferred."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bioloc.cohorts.load import Sample
from bioloc.methods import METHODS, get_method
from bioloc.networks.network import Network, Spec
from bioloc.networks.views import store_views
from bioloc.params import Augment, SelfTraining, Training
from bioloc.tasks import get_task
from bioloc.training import teacher
from bioloc.training.data import Split
from bioloc.training.losses import pseudo_masks
from bioloc.training.teacher import lesson_steps, teach

SIZE, WORTH = 32, 0.1
CPU = torch.device("cpu")


def make_params(flip: bool = False, **self_training: Any) -> Training:
    return Training(
        encoder="test_resnet",
        decoder_channels=[8] * 5,
        images_seen=64,
        batch_size=8,
        learning_rate=0.01,
        weight_decay=0.01,
        ema=0.8,
        checks=3,
        augment=Augment(flip=flip, shift=0, hu=0.0),
        self_training=SelfTraining(**{"weight": 1.0, "start": 0.5, "refresh": 4, **self_training}),
    )


def make_network(task: str = "pma", **changes: Any) -> Network:
    torch.manual_seed(3)
    return Network(Spec(task, "localizer", "test_resnet", (8,) * 5, SIZE, 3.0, 16 if task == "cac" else 0, **changes))


def make_split(count: int, volume: bool = False, mirrored: bool = False, empty: tuple[int, ...] = ()) -> Split:
    samples = []
    for number in range(count):
        rng = np.random.default_rng(number)
        hu = rng.normal(20, 60, (2 if volume else 1, SIZE, SIZE)).astype(np.int16)
        worth = np.where((rng.random(hu.shape) < (0.05 if volume else 0.6)) & (number not in empty), WORTH, 0).astype(np.float32)
        if mirrored:
            hu, worth = hu[..., ::-1], worth[..., ::-1]
        samples.append(Sample(str(number), hu, worth, float(worth.sum()) * (0.2 + 0.5 * rng.random())))
    sums = np.array([float(sample.worth.sum()) for sample in samples])
    values = torch.tensor([sample.value for sample in samples], dtype=torch.float32)
    return Split(store_views(samples, 16 if volume else 0, get_task("cac" if volume else "pma")), values, sums)


def taught(network: Network, split: Split, params: Training) -> Tensor:
    return teach(network, split, params, CPU, nullcontext())


@pytest.mark.parametrize(("refresh", "steps"), [(0, set()), (1, {50}), (2, {50, 75}), (5, {50, 60, 70, 80, 90})])
def test_lessons_are_spread_from_the_start_of_self_training(refresh: int, steps: set[int]) -> None:
    assert lesson_steps(make_params(refresh=refresh), get_method("localizer"), 100) == steps


def test_the_first_lesson_is_no_later_than_its_loss() -> None:
    for steps in (7, 9, 10, 384):
        for start in (0.0, 0.15, 0.45, 0.5):
            first = min(lesson_steps(make_params(start=start), get_method("localizer"), steps))
            assert 1 <= first <= next(step for step in range(1, steps + 1) if step / steps >= start)


@pytest.mark.parametrize("name", METHODS)
def test_only_what_trains_itself_has_lessons(name: str) -> None:
    assert bool(lesson_steps(make_params(), METHODS[name], 100)) == (name == "localizer")
    assert not lesson_steps(make_params(weight=0.0), METHODS[name], 100)


@pytest.mark.parametrize("task", ["pma", "cac"])
@pytest.mark.parametrize("flip", [False, True])
def test_each_samples_pseudo_mask_adds_up_to_its_value(task: str, flip: bool) -> None:
    split = make_split(20, task == "cac", empty=(4, 17))
    network = make_network(task, sharpness=3.0).train()
    with torch.no_grad():
        network.head[-1].weight.mul_(20)  # as far apart as a trained network's, not within a bin of the histogram
    target = taught(network, split, make_params(flip, sharpness=50.0))
    views = split.views.batch(range(20))
    assert not network.training
    assert (target.dtype, target.shape) == (torch.float16, views.worth.shape)
    reached = views.sums(((target > 0.5) * views.worth).sum((1, 2)))
    reachable = torch.where(views.sums(views.worth.sum((1, 2))) > 0, split.values, 0)
    assert reached.tolist() == pytest.approx(reachable.tolist(), abs=3 * WORTH)
    assert float(reached.sum()) > 0


def test_targets_lie_in_the_order_of_the_views(monkeypatch: pytest.MonkeyPatch) -> None:
    split, network = make_split(7, volume=True, empty=(0, 3)), make_network("cac")
    whole = taught(network, split, make_params())
    monkeypatch.setattr(teacher, "_AT_ONCE", 2)
    assert torch.allclose(taught(network, split, make_params()), whole, atol=2e-3)
    assert len(whole) == len(split.views.views.sample)
    split.views.set_target(whole)
    views = split.views.batch([5])
    with torch.inference_mode():
        logits = network.logits(network(network.inputs(views)), views)
    assert views.target is not None
    alone = pseudo_masks(logits, views, split.values[[5]], 1.0)
    assert torch.allclose(views.target.float(), alone, atol=2e-3)


def test_with_flips_a_side_is_not_preferred() -> None:
    """Of an image and its mirror image the teacher says the same, as long as places are folded; without flips it does not."""
    network = make_network(folded=True).eval()
    split, mirrored = make_split(3), make_split(3, mirrored=True)
    for flip in (True, False):
        one, other = (taught(network, some, make_params(flip)).float() for some in (split, mirrored))
        assert torch.allclose(one, other.flip(-1), atol=4e-3) == flip


def test_the_softer_the_slope_the_nearer_to_one_half() -> None:
    split, network = make_split(3), make_network()
    soft, sharp = (taught(network, split, make_params(sharpness=slope)).float() for slope in (1.0, 8.0))
    assert ((sharp - 0.5).abs() >= (soft - 0.5).abs() - 1e-3).all()
    assert float((sharp - 0.5).abs().mean()) > float((soft - 0.5).abs().mean())


def test_a_teacher_leaves_its_weights_alone() -> None:
    network = make_network().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    taught(network, make_split(3), make_params(True))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
