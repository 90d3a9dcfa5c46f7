"""Which terms each method minimises, and how much each weighs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bioloc.methods import METHODS
from bioloc.networks.network import Network, Spec
from bioloc.networks.views import Views
from bioloc.params import Augment, SelfTraining, Training
from bioloc.training.losses import (
    ROUGH,
    mask_loss,
    self_training_loss,
    sparsity_loss,
    squared_loss,
    symmetry_loss,
    value_loss,
    weighted_cross_entropy,
)
from bioloc.training.objective import losses

SIZE, SPREAD = 32, 2.0
KNOWN = torch.tensor([3.0, 11.0])


def make_params(**changes: Any) -> Training:
    plain: dict[str, Any] = {
        "encoder": "test_resnet",
        "decoder_channels": [8] * 5,
        "images_seen": 64,
        "batch_size": 8,
        "learning_rate": 0.01,
        "weight_decay": 0.01,
        "ema": 0.8,
        "checks": 3,
        "augment": Augment(flip=False, shift=0, hu=0.0),
        "self_training": SelfTraining(weight=0.5, start=0.5),
        "symmetry": 0.3,
        "sparsity": 0.01,
    }
    return Training(**{**plain, **changes})


def make_views(target: bool = True) -> Views:
    rng = torch.Generator().manual_seed(0)
    return Views(
        planes=torch.zeros(2, 1, SIZE, SIZE, dtype=torch.int16),
        worth=0.05 * (torch.rand(2, SIZE, SIZE, generator=rng) < 0.5),
        depth=torch.zeros(2, 2, 0, 0, dtype=torch.uint8),
        place=torch.zeros(2, 3),
        reference_hu=torch.zeros(2),
        sample=torch.tensor([0, 1]),
        samples=2,
        lesions=torch.zeros(2, 0, 0, dtype=torch.int16),
        target=torch.rand(2, SIZE, SIZE, generator=rng) if target else None,
    )


def terms(method: str, done: float = 1.0, target: bool = True, **changes: Any) -> tuple[Network, Tensor, Views, dict[str, float]]:
    network, views = Network(Spec("pma", method, "test_resnet", (8,) * 5, SIZE, 3.0, 0)), make_views(target)
    shape = (2, SIZE, SIZE) if METHODS[method].output == "map" else (2,)
    output = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    found = dict(losses(network, make_params(**changes), output, views, KNOWN, SPREAD, done))
    return network, output, views, {name: float(value) for name, value in found.items()}


TERMS = {"localizer": {"value_loss", "symmetry_loss", "self_training_loss"}, "localizer-paper": {"value_loss", "sparsity_loss"}}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("refresh", [0, 2])
def test_each_method_has_its_terms_however_much_is_on(name: str, refresh: int) -> None:
    found = terms(name, self_training=SelfTraining(weight=0.5, start=0.0, refresh=refresh))[-1]
    assert set(found) == TERMS.get(name, {"mask_loss" if METHODS[name].supervision == "mask" else "value_loss"})


@pytest.mark.parametrize("name", METHODS)
def test_each_method_has_one_term_where_all_is_off(name: str) -> None:
    found = terms(name, symmetry=0.0, sparsity=0.0, self_training=SelfTraining(weight=0.0, start=0.0))[-1]
    assert len(found) == 1


def test_the_localizers_terms_have_their_weights() -> None:
    network, output, views, found = terms("localizer")
    values = network.values(output, views)
    assert found == {
        "value_loss": pytest.approx(float(value_loss(network.task, values, KNOWN, SPREAD))),
        "symmetry_loss": pytest.approx(0.3 * float(symmetry_loss(output, views, SPREAD))),
        "self_training_loss": pytest.approx(0.5 * float(self_training_loss(output, views, KNOWN))),
    }


@pytest.mark.parametrize(("done", "below"), [(0.2, ROUGH), (0.3, 0.1)])
@pytest.mark.parametrize("method", ["localizer", "regressor"])
def test_the_values_error_is_squared_at_first(method: str, done: float, below: float) -> None:
    network, output, views, found = terms(method, done, squared_until=0.3)
    values = network.values(output, views)
    assert found["value_loss"] == pytest.approx(float(value_loss(network.task, values, KNOWN, SPREAD, below)))


def test_the_papers_terms_are_the_squared_error_and_the_maps_mean() -> None:
    network, output, views, found = terms("localizer-paper")
    values = network.values(output, views)
    assert found == {
        "value_loss": pytest.approx(float(squared_loss(network.task, values, KNOWN, SPREAD))),
        "sparsity_loss": pytest.approx(0.01 * float(sparsity_loss(output, views))),
    }


def test_the_segmenters_term_is_of_masks_and_of_no_value() -> None:
    _, output, views, found = terms("segmenter")
    assert found == {"mask_loss": pytest.approx(float(mask_loss(output, views)))}


@pytest.mark.parametrize(("done", "there"), [(0.0, False), (0.49, False), (0.5, True), (1.0, True)])
@pytest.mark.parametrize("refresh", [0, 2])
def test_self_training_begins_at_its_start(done: float, there: bool, refresh: int) -> None:
    found = terms("localizer", done, self_training=SelfTraining(weight=0.5, start=0.5, refresh=refresh))[-1]
    assert ("self_training_loss" in found) == there


def test_with_lessons_self_training_is_towards_the_teachers_target() -> None:
    lessons = SelfTraining(weight=2.0, start=0.5, refresh=3)
    _, output, views, found = terms("localizer", self_training=lessons)
    assert views.target is not None
    assert found["self_training_loss"] == pytest.approx(2 * float(weighted_cross_entropy(output, views.target, views)))
    _, output, views, found = terms("localizer", self_training=lessons.model_copy(update={"dice": 1.0}))
    assert found["self_training_loss"] == pytest.approx(2 * float(mask_loss(output, views)))
    assert "self_training_loss" not in terms("localizer", target=False, self_training=lessons)[-1]


def test_without_lessons_a_target_is_not_looked_at() -> None:
    assert terms("localizer", target=True)[-1] == terms("localizer", target=False)[-1]
