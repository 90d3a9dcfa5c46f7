"""Maps and values of samples on the working grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bioloc.cohorts.load import Sample
from bioloc.networks.answers import answer
from bioloc.networks.network import Network
from bioloc.networks.views import Views, store_views

_PIXELS_AT_ONCE = 2**18
_SMALLEST_CAM = 4


def predict_sample(network: Network, sample: Sample) -> tuple[float, NDArray[np.float32]]:
    """Value in the task's unit and (S, H, W) map of a sample, in float32.

    An encoder-decoder's map lies in 0..1 and adds up to the value. A regressor's is its class activation
    map, scaled to a maximum of 1.
    """
    return predict_samples(network, [sample])[0]


def predict_samples(network: Network, samples: Sequence[Sample]) -> list[tuple[float, NDArray[np.float32]]]:
    """`predict_sample` of several samples at once, which is several times as fast for single slices."""
    views = store_views(samples, network.spec.patch, network.task).batch(range(len(samples)))
    network.eval()
    outputs, maps = [], []
    at_once = max(_PIXELS_AT_ONCE // int(np.prod(views.worth.shape[1:])), 1)
    for first in range(0, len(views.sample), at_once):
        rows = torch.arange(first, min(first + at_once, len(views.sample)))
        output, part_map = _run(network, views.take(rows, views.sample[rows], len(samples)))
        outputs.append(output)
        maps.append(part_map)
    if not outputs:
        return [(0.0, np.zeros(sample.worth.shape, np.float32)) for sample in samples]
    values = network.values(torch.cat(outputs), views)
    together = torch.cat(maps).numpy()
    found = []
    for number, sample in enumerate(samples):
        rows = torch.nonzero(views.sample == number)[:, 0]
        part = views.take(rows, torch.zeros_like(rows), 1)
        found.append((max(float(values[number]), 0.0), _assemble(network, sample, part, together[rows.numpy()])))
    return found


def _run(network: Network, views: Views) -> tuple[Tensor, Tensor]:
    if network.method.output == "map":
        with torch.inference_mode():
            logits = answer(network, views)
            return logits, torch.sigmoid(logits)
    with torch.no_grad():
        numbers = answer(network, views)
    return numbers, activation_map(network, network.inputs(views), views.worth.shape[1:])


def activation_map(network: Network, inputs: Tensor, shape: tuple[int, ...]) -> Tensor:
    """(V, *shape) class activation map of a regressor, re-fitted for regression: what raises the value, upsampled.

    Grad-CAM (Captum's, which is CAM itself for a pooled linear head) on the deepest stage of at least 4 x 4.
    """
    from captum.attr import LayerAttribution, LayerGradCam

    cam = LayerGradCam(network, _stage(network, inputs))
    attribution: Any = cam.attribute(inputs, relu_attributions=True)
    upsampled: Tensor = LayerAttribution.interpolate(attribution.detach().float(), shape, interpolate_mode="bilinear")
    return upsampled[:, 0]


def _stage(network: Network, inputs: Tensor) -> nn.Module:
    """The encoder's deepest stage whose output is still an image."""
    found: list[tuple[nn.Module, Tensor]] = []

    def look(module: nn.Module, _: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[-2:]) >= _SMALLEST_CAM:
            found.append((module, output))

    hooks = [module.register_forward_hook(look) for module in network.encoder.modules()]
    with torch.no_grad():
        stages = network.encoder(inputs[:1])
    for hook in hooks:
        hook.remove()
    # Within a later stage there are outputs before its stride: take the last that the decoder would be given.
    ends = [module for module, output in found if any(output is stage for stage in stages)]
    return (ends or [module for module, _ in found])[-1]


def _assemble(network: Network, sample: Sample, views: Views, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Views' maps on the sample's grid; a patch speaks for the pixels whose worth it answers for."""
    if network.method.output == "value":
        maps = maps / max(float(maps.max(initial=0)), 1e-12)
    if network.spec.patch == 0:
        return maps.astype(np.float32)
    whole = np.zeros(sample.worth.shape, np.float32)
    side = network.spec.patch
    places, worths = views.place.numpy(), views.worth.numpy()
    for (height, row, column), view_map, worth in zip(places, maps, worths, strict=True):
        number = round((height + 1) / 2 * max(len(sample.hu) - 1, 1))
        window = whole[number, int(row) : int(row) + side, int(column) : int(column) + side]
        np.copyto(window, view_map, where=worth > 0)
    return whole
