"""What a method's training minimises at a step: the value's error, and what was added to it since the paper."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from bioloc.networks.network import Network
from bioloc.networks.views import Views
from bioloc.params import Training
from bioloc.training.losses import (
    FINE,
    ROUGH,
    mask_loss,
    segmentation_loss,
    self_training_loss,
    sparsity_loss,
    squared_loss,
    symmetry_loss,
    value_loss,
)


def losses(
    network: Network, params: Training, output: Tensor, views: Views, known: Tensor, spread: float, done: float
) -> Iterator[tuple[str, Tensor]]:
    """The terms of the loss by name, each with its weight.

    At first a network tells no case from another, and the error's size says where there is most to learn. Huber's loss, whose
    gradient is then one for all, leaves that plateau later (pma: after 150 to 400 steps, by the seed, not 100 to 150).

    Args:
        network: The network, for its task and method.
        params: The task's training parameters.
        output: What `Network.logits` gave for the views.
        views: The views; `target` is the reference mask for the segmenter, the teacher's pseudo-mask for the localizer.
        known: (samples,) known values, in the task's unit.
        spread: Standard deviation of the training values in the space of the loss.
        done: Share of the training that is done, 0 to 1.
    """
    if network.method.supervision == "mask":
        yield "mask_loss", mask_loss(output, views)
    elif network.method.plain:
        yield "value_loss", squared_loss(network.task, network.values(output, views), known, spread)
        if params.sparsity:
            yield "sparsity_loss", params.sparsity * sparsity_loss(output, views)
    else:
        below = ROUGH if done < params.squared_until else FINE
        yield "value_loss", value_loss(network.task, network.values(output, views), known, spread, below)
        if network.method.output == "map":
            yield from _localizer_losses(params, output, views, known, spread, done)


def _localizer_losses(
    params: Training, output: Tensor, views: Views, known: Tensor, spread: float, done: float
) -> Iterator[tuple[str, Tensor]]:
    if params.symmetry:
        yield "symmetry_loss", params.symmetry * symmetry_loss(output, views, spread)
    extra = params.self_training
    if not extra.weight or done < extra.start:
        return
    if not extra.refresh:
        yield "self_training_loss", extra.weight * self_training_loss(output, views, known, extra.dice)
    elif views.target is not None:
        yield "self_training_loss", extra.weight * segmentation_loss(output, views.target, views, extra.dice)
