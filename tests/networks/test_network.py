"""A network gives a value per sample: the sum of worth * map, in float32, whatever it runs in."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy import ndimage

from bioloc.cohorts.load import Sample
from bioloc.errors import UsageError
from bioloc.methods import METHODS
from bioloc.networks.network import Network, Spec, channels_last
from bioloc.networks.views import Views, store_views
from bioloc.tasks import TASKS, get_task

SIZE = 32


def make_depth(task: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray | None:
    return rng.integers(0, 256, (shape[0], 2, *shape[1:])).astype(np.uint8) if get_task(task).depth else None


def spec_of(task: str, method: str = "localizer", **changes: object) -> Spec:
    plain = {"encoder": "test_resnet", "decoder_channels": (8,) * 5, "size": SIZE, "pixel_mm": 2.0, "patch": 0}
    return Spec.from_dict({"task": task, "method": method, **plain, **changes})


def make_views(task: str, side: int = 0, size: int = SIZE, shares: tuple[float, ...] = (0.1, 0.3)) -> Views:
    samples = []
    for number, share in enumerate(shares):
        rng = np.random.default_rng(number)
        shape = (3 if get_task(task).volume else 1, size, size)
        worth = np.where(rng.random(shape) < share, rng.random(shape), 0).astype(np.float32)
        hu = rng.integers(-200, 400, shape).astype(np.int16)
        samples.append(Sample(str(number), hu, worth, 0.0, make_depth(task, shape, rng)))
    return store_views(samples, side, get_task(task)).batch(range(len(samples)))


def by_hand(output: torch.Tensor, views: Views) -> np.ndarray:
    """Sums of worth * sigmoid(logits) in float64."""
    share = 1 / (1 + np.exp(-output.detach().float().numpy().astype(np.float64)))
    sums = np.zeros(views.samples)
    np.add.at(sums, views.sample.numpy(), (views.worth.numpy() * share).sum((1, 2)))
    return sums


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_every_task_gives_a_value_per_sample(task: str, method: str) -> None:
    network, views = Network(spec_of(task, method)).eval(), make_views(task)
    with torch.inference_mode():
        output = network(network.inputs(views))
        values = network.values(output, views)
    is_map = METHODS[method].output == "map"
    assert output.shape == ((len(views.sample), SIZE, SIZE) if is_map else (len(views.sample),))
    assert values.shape == (2,)
    assert values.dtype == torch.float32
    assert torch.isfinite(values).all()
    assert (network.decoder is None) == (not is_map)


@pytest.mark.parametrize("side", [0, 16])
def test_the_value_is_the_sum_of_worth_times_map(side: int) -> None:
    network, views = Network(spec_of("cac", patch=side)).eval(), make_views("cac", side, shares=(0.02, 0.0, 0.3))
    with torch.inference_mode():
        output = network(network.inputs(views))
        values = network.values(output, views)
    assert values.numpy() == pytest.approx(by_hand(output, views), rel=1e-5)
    assert float(values[1]) == 0  # no candidates


@pytest.mark.parametrize("size", [33, 45, 64])
def test_odd_sizes_keep_the_maps_size(size: int) -> None:
    network, views = Network(spec_of("pma", size=size)).eval(), make_views("pma", size=size)
    with torch.inference_mode():
        output = network(network.inputs(views))
    assert output.shape == (2, size, size)
    assert network.values(output, views).numpy() == pytest.approx(by_hand(output, views), rel=1e-5)


def test_the_default_encoder_works_too() -> None:
    network, views = Network(spec_of("liver", encoder="regnetx_002")).eval(), make_views("liver")
    with torch.inference_mode():
        assert network(network.inputs(views)).shape == (2, SIZE, SIZE)


def test_a_batch_gives_each_samples_own_value() -> None:
    network = Network(spec_of("cac", patch=16)).eval()
    views = make_views("cac", 16, shares=(0.05, 0.0, 0.01))
    with torch.inference_mode():
        together = network.values(network(network.inputs(views)), views)
        for number in (0, 2):
            rows = torch.nonzero(views.sample == number)[:, 0]
            alone = views.take(rows, torch.zeros(len(rows), dtype=torch.int64), 1)
            assert float(network.values(network(network.inputs(alone)), alone)) == pytest.approx(
                float(together[number]), rel=1e-4
            )


def test_sums_are_float32_under_autocast() -> None:
    network, views = Network(spec_of("pma")).eval(), make_views("pma", shares=(1.0, 0.5))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        output = network(network.inputs(views))
        logits = network.logits(output, views)
        values = network.values(logits, views)
    assert output.dtype == torch.bfloat16
    assert torch.equal(logits, output.float())
    assert values.dtype == torch.float32
    assert values.numpy() == pytest.approx(by_hand(logits, views), rel=1e-5)


def test_a_regressor_counts_from_its_offset() -> None:
    network = Network(spec_of("pma", "regressor", offset=40.0, scale=5.0))
    values = network.values(torch.tensor([0.0, -2.0]), make_views("pma"))
    assert values.tolist() == [40.0, 30.0]


def test_a_volumes_regressor_sums_what_is_never_negative() -> None:
    network, views = Network(spec_of("cac", "regressor", patch=16, scale=3.0)), make_views("cac", 16, shares=(0.0, 0.2))
    output = torch.linspace(-5, 5, len(views.sample))
    values = network.values(output, views)
    assert float(values[0]) == 0
    assert float(values[1]) == pytest.approx(3 * np.log1p(np.exp(output.double().numpy())).sum(), rel=1e-5)


@pytest.mark.parametrize(("prior", "expected"), [(0.3, 0.3), (0.0, 0.02), (1.0, 0.98)])
@pytest.mark.parametrize("seed", range(3))
def test_the_maps_mean_starts_near_the_prior(prior: float, expected: float, seed: int) -> None:
    torch.manual_seed(seed)
    network, views = Network(spec_of("pma", prior=prior)).eval(), make_views("pma")
    with torch.inference_mode():
        share = torch.sigmoid(network.logits(network(network.inputs(views)), views)).mean()
    assert float(torch.logit(share)) == pytest.approx(np.log(expected / (1 - expected)), abs=0.6)


def test_only_methods_that_see_candidates_have_their_channel() -> None:
    seeing, blind = Network(spec_of("pma")), Network(spec_of("pma", "regressor"))
    assert seeing.channels == blind.channels + 1
    views = make_views("pma")
    emptied = make_views("pma", shares=(0.0, 0.0))
    assert torch.equal(blind.inputs(views), blind.inputs(emptied))
    assert not torch.equal(seeing.inputs(views), seeing.inputs(emptied))


def test_channels_last_changes_no_weight() -> None:
    network = Network(spec_of("pma"))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    after = channels_last(network).state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_a_spec_survives_json() -> None:
    spec = spec_of("cac", patch=16, offset=1.5, prior=0.1)
    assert Spec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_an_unknown_encoder_is_a_usage_error_that_names_near_ones() -> None:
    with pytest.raises(UsageError, match=r"'regnetx_2'.*regnetx_0"):
        Network(spec_of("pma", encoder="regnetx_2"))


def test_an_encoder_without_a_pyramid_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no pyramid"):
        Network(spec_of("pma", encoder="test_vit"))


def test_what_else_a_network_sees_has_channels_of_its_own() -> None:
    plain = Network(spec_of("sfa")).channels
    assert Network(spec_of("sfa", depth=True)).channels == plain + 3
    assert Network(spec_of("sfa", fat_depth=True)).channels == plain + 3
    assert Network(spec_of("sfa", depth=True, fat_depth=True)).channels == plain + 6
    assert Network(spec_of("sfa", folded=True)).channels == plain
    assert Network(spec_of("liver", deviation=True)).channels == Network(spec_of("liver")).channels + 1
    network, views = Network(spec_of("sfa", depth=True, fat_depth=True, folded=True)).eval(), make_views("sfa")
    assert network.inputs(views).shape[1] == network.channels
    with torch.inference_mode():
        assert network(network.inputs(views)).shape == (2, SIZE, SIZE)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("subpixels", [2, 3])
def test_blocks_of_pixels_keep_the_maps_size(task: str, method: str, subpixels: int) -> None:
    size = 48
    network, views = Network(spec_of(task, method, subpixels=subpixels, size=size)).eval(), make_views(task, size=size)
    with torch.inference_mode():
        output = network(network.inputs(views))
    is_map = METHODS[method].output == "map"
    assert output.shape == ((len(views.sample), size, size) if is_map else (len(views.sample),))
    assert output.isfinite().all()


@pytest.mark.parametrize("subpixels", [1, 3])
@pytest.mark.parametrize("axis", [-2, -1])
def test_an_image_moved_by_whole_blocks_moves_its_map(subpixels: int, axis: int) -> None:
    """By as many blocks as the deepest stage's pixel holds, 32; compared where no border reaches."""
    torch.manual_seed(0)
    size, blocks = 192 * subpixels, 32
    network = Network(spec_of("pma", subpixels=subpixels, size=size)).eval()
    image = torch.randn(1, network.channels, size // subpixels, size // subpixels)
    with torch.inference_mode():
        one, other = network(image), network(image.roll(blocks, axis))
    moved = one.roll(blocks * subpixels, axis)
    middle = slice(size * 3 // 8, size * 5 // 8)
    difference = (other - moved)[:, middle, middle].abs().max()
    # 0.031 at most, by float32 through batch norms; an image that was not moved differs by 5.
    assert float(difference) < 0.05 * float(moved[:, middle, middle].std())


def test_each_pixel_of_a_block_has_its_own_logit() -> None:
    """A head that hands its block's inputs on gives back the image, so no pixel changes places within a block."""
    network = Network(spec_of("pma", subpixels=3, size=48)).eval()
    image = torch.rand(48, 48)
    blocks = torch.zeros(1, network.channels, 16, 16)
    blocks[:, :9] = torch.nn.functional.pixel_unshuffle(image[None, None], 3)  # as `make_inputs` lays the first channel
    with torch.no_grad():
        for layer in (network.head[0], network.head[2]):
            layer.weight.zero_()
            layer.bias.zero_()
        width = network.spec.decoder_channels[-1]
        for pixel in range(9):  # of the first channel
            network.head[0].weight[pixel, width + pixel, 0, 0] = 1
            network.head[2].weight[pixel, pixel, 1, 1] = 1
        assert torch.allclose(network(blocks)[0], image, atol=1e-6)


@pytest.mark.parametrize(("task", "pooled"), [("pma", False), ("pma", True), ("cac", True)])
def test_a_sharper_maps_logits_are_larger_by_that_factor(task: str, pooled: bool) -> None:
    views = make_views(task)
    torch.manual_seed(0)
    network = Network(spec_of(task, sharpness=4.0, pooled=pooled)).eval()
    output = torch.randn(len(views.sample), SIZE, SIZE).to(torch.bfloat16)
    logits = network.logits(output, views)
    network.sharpness = 1.0
    assert logits.dtype == torch.float32
    assert torch.equal(logits, 4 * network.logits(output, views))
    assert torch.equal(logits, 4 * output.float()) == (task == "pma")  # an area has no lesions


@pytest.mark.parametrize("side", [3, 5])
def test_smoothed_logits_are_means_over_squares(side: int) -> None:
    network, views = Network(spec_of("pma", smoothing=side)), make_views("pma")
    output = torch.randn(len(views.sample), SIZE, SIZE)
    smooth = network.logits(output, views)
    for one, other in zip(output, smooth, strict=True):
        assert other.numpy() == pytest.approx(ndimage.uniform_filter(one.numpy(), side, mode="nearest"), abs=1e-5)


def test_a_regressors_number_is_neither_sharpened_nor_smoothed_nor_pooled() -> None:
    network = Network(spec_of("cac", "regressor", sharpness=4.0, smoothing=3, pooled=True))
    views = make_views("cac")
    output = torch.randn(len(views.sample))
    assert torch.equal(network.logits(output, views), output)
