"""What a finished network answers: of an image and its mirror image, smoothed, where its specification says so."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from bioloc.networks.network import Network
from bioloc.networks.views import Views


def both_ways(network: Network, views: Views) -> Tensor:
    """What the network gives, as the mean of the image's and its mirror image's: (V, h, w) logits or (V,) numbers."""
    one, other = network.asked(views), network.asked(views.mirrored())
    return (one + (other.flip(-1) if other.ndim == 3 else other)) / 2


def answer(network: Network, views: Views) -> Tensor:
    """(V, h, w) logits or (V,) numbers, as the network's specification wants them made."""
    spec = network.spec
    output = both_ways(network, views) if spec.mirrored else network.asked(views)
    return output if spec.smoothing == 1 else _smoothed(output, spec.smoothing)


def _smoothed(logits: Tensor, side: int) -> Tensor:
    """(V, h, w) means over squares of `side` pixels; the image's edge is repeated beyond it."""
    padded = functional.pad(logits[:, None], (side // 2,) * 4, mode="replicate")
    return functional.avg_pool2d(padded, side, 1)[:, 0]
