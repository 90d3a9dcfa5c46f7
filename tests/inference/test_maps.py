"""Maps add up to their values, and a regressor's activation map is what the literature says it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bioloc.cohorts.load import Sample
from bioloc.inference import maps
from bioloc.inference.maps import activation_map, predict_sample, predict_samples
from bioloc.networks.network import Network, Spec
from bioloc.tasks import get_task


def last_layer(network: Network) -> nn.Linear:
    """A regressor's head."""
    assert isinstance(network.head, nn.Sequential)
    (layer,) = network.head
    assert isinstance(layer, nn.Linear)
    return layer


def make_network(task: str, method: str, size: int = 32, patch: int = 0, encoder: str = "test_resnet", **changes: Any) -> Network:
    torch.manual_seed(7)
    network = Network(Spec(task, method, encoder, (8,) * 5, size, 2.0, patch, offset=3.0, scale=2.0, prior=0.3, **changes))
    if method.startswith("regressor"):
        nn.init.uniform_(last_layer(network).weight, 0.01, 0.1)
    return network.eval()


def make_sample(task: str, size: int = 32, share: float = 0.05, seed: int = 0) -> Sample:
    rng = np.random.default_rng(seed)
    shape = (4 if get_task(task).volume else 1, size, size)
    worth = np.where(rng.random(shape) < share, rng.random(shape), 0).astype(np.float32)
    hu = rng.integers(-200, 600, shape).astype(np.int16)
    depth = rng.integers(0, 256, (shape[0], 2, *shape[1:])).astype(np.uint8) if get_task(task).depth else None
    return Sample("a", hu, worth, 5.0, depth)


@pytest.mark.parametrize("method", ["localizer", "segmenter"])
@pytest.mark.parametrize(
    ("task", "size", "patch"), [("pma", 32, 0), ("liver", 45, 0), ("cac", 32, 0), ("cac", 48, 16), ("sfa", 40, 32)]
)
def test_the_map_adds_up_to_the_value(task: str, method: str, size: int, patch: int) -> None:
    network, sample = make_network(task, method, size, patch), make_sample(task, size)
    value, grid_map = predict_sample(network, sample)
    assert grid_map.shape == sample.worth.shape
    assert grid_map.dtype == np.float32
    assert 0 <= grid_map.min() <= grid_map.max() <= 1
    assert value == pytest.approx((sample.worth.astype(np.float64) * grid_map).sum(), rel=1e-4)
    assert value > 0


def test_patches_leave_the_map_0_where_nothing_counts() -> None:
    sample = make_sample("cac", 48, share=0.01)
    _, grid_map = predict_sample(make_network("cac", "localizer", 48, 16), sample)
    assert np.array_equal(grid_map > 0, sample.worth > 0)


@pytest.mark.parametrize("method", ["localizer", "regressor"])
def test_many_views_in_several_goes_change_nothing(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    network, sample = make_network("cac", method, 48, 16), make_sample("cac", 48, share=0.02)
    value, grid_map = predict_sample(network, sample)
    monkeypatch.setattr(maps, "_PIXELS_AT_ONCE", 3 * 16**2)  # three patches
    again, again_map = predict_sample(network, sample)
    assert again == pytest.approx(value, rel=1e-5)
    assert again_map == pytest.approx(grid_map, abs=1e-4)


@pytest.mark.parametrize(("task", "patch"), [("cac", 16), ("pma", 0)])
@pytest.mark.parametrize("method", ["localizer", "regressor"])
def test_samples_together_are_as_each_alone(task: str, patch: int, method: str) -> None:
    network = make_network(task, method, 48, patch)
    samples = [make_sample(task, 48, share=share) for share in (0.02, 0.3, 0.1)]
    for (value, grid_map), sample in zip(predict_samples(network, samples), samples, strict=True):
        alone, alone_map = predict_sample(network, sample)
        assert value == pytest.approx(alone, rel=1e-4)
        assert grid_map == pytest.approx(alone_map, abs=1e-4)


@pytest.mark.parametrize("method", ["localizer", "regressor", "segmenter"])
def test_without_candidates_there_is_nothing(method: str) -> None:
    sample = make_sample("cac", 48, share=0.0)
    value, grid_map = predict_sample(make_network("cac", method, 48, 16), sample)
    assert value == 0
    assert grid_map.shape == sample.worth.shape
    assert not grid_map.any()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Several threads may add in another order from run to run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("method", ["localizer", "regressor", "segmenter"])
@pytest.mark.parametrize("known", [float("nan"), 0.0, 1e6])
def test_the_known_value_is_not_looked_at(method: str, known: float, one_thread: None) -> None:
    network, sample = make_network("pma", method), make_sample("pma")
    value, grid_map = predict_sample(network, sample)
    other, other_map = predict_sample(network, replace(sample, value=known))
    assert value == other
    assert np.array_equal(grid_map, other_map)


@pytest.mark.parametrize("method", ["regressor", "regressor-candidates"])
@pytest.mark.parametrize(("task", "size"), [("pma", 32), ("liver", 45), ("cac", 32)])
def test_a_regressors_map_reaches_1_and_is_never_negative(task: str, method: str, size: int) -> None:
    sample = make_sample(task, size)
    _, grid_map = predict_sample(make_network(task, method, size), sample)
    assert grid_map.shape == sample.worth.shape
    assert grid_map.dtype == np.float32
    assert grid_map.min() >= 0
    assert grid_map.max() == pytest.approx(1)


def test_a_regressors_patches_lie_between_0_and_1() -> None:
    sample = make_sample("cac", 48)
    _, grid_map = predict_sample(make_network("cac", "regressor", 48, 16), sample)
    assert grid_map.min() >= 0
    assert 0 < grid_map.max() <= 1
    assert not grid_map[sample.worth == 0].any()


def test_an_area_is_never_negative() -> None:
    network = make_network("pma", "regressor")
    nn.init.constant_(last_layer(network).bias, -1000)
    assert predict_sample(network, make_sample("pma"))[0] == 0


def test_the_activation_map_is_zhous_at_the_last_stage() -> None:
    """Zhou et al. (2016): the head's weights times the last stage's channels; here as large as 4 x 4 at 128 pixels."""
    network = make_network("pma", "regressor", 128)
    head = last_layer(network)
    nn.init.normal_(head.weight, std=0.1)
    inputs = torch.randn(2, network.channels, 128, 128)
    with torch.no_grad():
        last = network.encoder(inputs)[-1]
    cam = torch.relu(torch.einsum("k,vkhw->vhw", head.weight[0].detach(), last)) / last[0, 0].numel()
    expected = nn.functional.interpolate(cam[:, None], (128, 128), mode="bilinear")[:, 0]
    assert last.shape[-2:] == (4, 4)
    assert torch.allclose(activation_map(network, inputs, (128, 128)), expected, atol=1e-5)


@pytest.mark.parametrize("encoder", ["test_resnet", "regnetx_002"])
@pytest.mark.parametrize("size", [32, 64])
def test_the_activation_map_is_taken_where_a_stage_ends(encoder: str, size: int) -> None:
    """Not inside the next stage, before its stride: that would leave the shortcuts out."""
    network = make_network("pma", "regressor", size, encoder=encoder)
    inputs = torch.randn(1, network.channels, size, size)
    kept: list[torch.Tensor] = []
    hook = maps._stage(network, inputs).register_forward_hook(lambda module, given, output: kept.append(output.detach()))
    with torch.no_grad():
        stages = network.encoder(inputs)
    hook.remove()
    (deepest,) = [stage for stage in stages if stage.shape[-1] == 4]
    assert torch.equal(kept[0], deepest)


@pytest.mark.parametrize(("method", "task"), [("regressor", "pma"), ("regressor-candidates", "liver")])
def test_a_regressor_on_blocks_of_pixels_has_a_map_of_the_grids_size(method: str, task: str) -> None:
    sample = make_sample(task, 96)
    _, grid_map = predict_sample(make_network(task, method, 96, subpixels=3), sample)
    assert grid_map.shape == sample.worth.shape
    assert grid_map.max() == pytest.approx(1)


@pytest.mark.parametrize(
    ("task", "patch", "changes"),
    [
        ("pma", 0, {"subpixels": 3, "depth": True, "fat_depth": True, "folded": True, "sharpness": 3.0}),
        ("liver", 0, {"deviation": True, "subpixels": 2, "pooled": True}),
        ("cac", 16, {"pooled": True, "sharpness": 2.0}),
    ],
)
def test_the_map_adds_up_whatever_the_network_is_given(task: str, patch: int, changes: dict[str, Any]) -> None:
    network, sample = make_network(task, "localizer", 48, patch, **changes), make_sample(task, 48)
    value, grid_map = predict_sample(network, sample)
    assert value == pytest.approx((sample.worth.astype(np.float64) * grid_map).sum(), rel=1e-4)
    assert value > 0


def test_a_lesions_pixels_have_one_map_value() -> None:
    sample = make_sample("cac", 48)
    worth = np.zeros_like(sample.worth)
    worth[1, 10:14, 10:14], worth[1, 30:32, 20:25] = 0.5, 2.0  # each within one patch
    sample = replace(sample, worth=worth)
    for pooled in (True, False):
        _, grid_map = predict_sample(make_network("cac", "localizer", 48, 16, pooled=pooled), sample)
        spreads = [float(np.ptp(grid_map[1, 10:14, 10:14])), float(np.ptp(grid_map[1, 30:32, 20:25]))]
        assert (max(spreads) < 1e-6) == pooled
