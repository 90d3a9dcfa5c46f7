"""The averaged network as a teacher: from time to time it makes pseudo-masks for the whole training split."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bioloc.methods import Method
from bioloc.networks.answers import both_ways
from bioloc.networks.network import Network
from bioloc.params import Training
from bioloc.training.data import Split
from bioloc.training.losses import pseudo_masks

_AT_ONCE = 16


def lesson_steps(params: Training, method: Method, steps: int) -> set[int]:
    """The steps before which the teacher makes new pseudo-masks; none for methods that do not train themselves."""
    extra = params.self_training
    trains_itself = method.output == "map" and method.supervision == "value" and not method.plain
    if not trains_itself or not extra.weight:
        return set()
    return {max(int(step), 1) for step in np.linspace(extra.start * steps, steps, extra.refresh + 1)[:-1]}


@torch.inference_mode()
def teach(
    network: Network, split: Split, params: Training, device: torch.device, autocast: AbstractContextManager[Any]
) -> Tensor:
    """(V, h, w) float16 soft pseudo-masks of all views, each sample's adding up to its known value.

    With flips among the augmentations the image and its mirror image are asked and their logits averaged, so that
    a side that the network came to prefer is not confirmed.
    """
    network.eval()
    found = []
    for first in range(0, len(split.views), _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, len(split.views)))
        views = split.views.batch(numbers).to(device)
        if len(views.sample):
            with autocast:
                logits = both_ways(network, views) if params.augment.flip else network.asked(views)
            known = split.values[list(numbers)].to(device)
            found.append(pseudo_masks(logits, views, known, params.self_training.sharpness).half().cpu())
    return torch.cat(found)
