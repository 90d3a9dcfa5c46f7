"""Finished networks: the mean of an image and its mirror image."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bioloc.cohorts.load import Sample
from bioloc.networks.answers import answer, both_ways
from bioloc.networks.network import Network, Spec
from bioloc.networks.views import Views, store_views
from bioloc.tasks import get_task

SIZE = 32


def spec_of(task: str, method: str = "localizer", **changes: object) -> Spec:
    plain = {"encoder": "test_resnet", "decoder_channels": (8,) * 5, "size": SIZE, "pixel_mm": 2.0, "patch": 0}
    return Spec.from_dict({"task": task, "method": method, **plain, **changes})


def make_views(task: str) -> Views:
    samples = []
    for number in range(2):
        rng = np.random.default_rng(number)
        worth = np.where(rng.random((1, SIZE, SIZE)) < 0.3, rng.random((1, SIZE, SIZE)), 0).astype(np.float32)
        samples.append(Sample(str(number), rng.integers(-200, 400, worth.shape).astype(np.int16), worth, 0.0))
    return store_views(samples, 0, get_task(task)).batch([0, 1])


class Seeing:
    """A network whose answer is what it is shown: a map of the worth, or the top left pixel's worth."""

    def __init__(self, output: str) -> None:
        self.output, self.shown = output, list[Views]()

    def asked(self, views: Views) -> torch.Tensor:
        self.shown.append(views)
        return views.worth if self.output == "map" else views.worth[:, 0, 0]


def test_image_and_mirror_image_are_moved_apart_and_their_answers_brought_back() -> None:
    network, views = Seeing("map"), make_views("pma")
    assert torch.equal(both_ways(network, views, 4), views.worth)
    one, other = (shown.worth.numpy() for shown in network.shown)
    given = views.worth.numpy()
    assert np.array_equal(one, np.roll(given, (4, 4), (1, 2)))
    assert np.array_equal(other[..., ::-1], np.roll(given, (-4, -4), (1, 2)))


def test_a_number_is_the_mean_of_both() -> None:
    network, views = Seeing("value"), make_views("pma")
    assert torch.equal(both_ways(network, views, 4), (views.worth[:, -4, -4] + views.worth[:, 4, 3]) / 2)


@pytest.mark.parametrize("method", ["localizer", "regressor"])
@pytest.mark.parametrize("subpixels", [1, 2])
def test_unmoved_a_mirror_image_has_the_mirrored_answer(method: str, subpixels: int) -> None:
    network, views = Network(spec_of("pma", method, subpixels=subpixels, folded=True)).eval(), make_views("pma")
    with torch.inference_mode():
        one, other, plain = both_ways(network, views), both_ways(network, views.mirrored()), network.asked(views)
    assert torch.allclose(one, other.flip(-1) if one.ndim == 3 else other, atol=1e-5)
    assert not torch.allclose(one, plain, atol=1e-5)


@pytest.mark.parametrize("method", ["localizer", "regressor"])
def test_a_mirrored_networks_answer_is_of_both_moved_apart(method: str) -> None:
    network, views = Network(spec_of("pma", method, folded=True, mirrored=True)).eval(), make_views("pma")
    with torch.inference_mode():
        assert torch.equal(answer(network, views), both_ways(network, views, 4))
        assert not torch.allclose(answer(network, views), both_ways(network, views), atol=1e-5)


def test_an_answer_is_the_networks_own_where_nothing_else_is_specified() -> None:
    network, views = Network(spec_of("pma")).eval(), make_views("pma")
    with torch.inference_mode():
        assert torch.equal(answer(network, views), network.asked(views))
