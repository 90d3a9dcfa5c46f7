"""Losses, in float32: on the value, on the map by value-calibrated self-training, and on masks for the segmenter."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bioloc.networks.views import Views
from bioloc.tasks import Task

FINE = 0.1
"""Our choice: errors of more than a tenth of the values' spread weigh by their size, not by its square."""
ROUGH = 5.0
"""Few errors of a network that has learnt nothing are larger: its loss is a tenth of the square."""
_LARGEST, _BINS = 16.0, 32768
"""Logits beyond are as good as certain; a bin is 1/1024 wide."""


def to_loss_space(task: Task, values: Tensor) -> Tensor:
    """Values as they are compared: linear, or log(1 + value) for heavy tails."""
    return torch.log1p(values.clamp(min=0)) if task.loss_space == "log1p" else values


def value_loss(task: Task, predicted: Tensor, known: Tensor, spread: float, squared_below: float = FINE) -> Tensor:
    """Huber loss of the value, in units of the training values' spread in the loss space.

    Args:
        task: The biomarker.
        predicted: (samples,) values, in the task's unit.
        known: (samples,) known values.
        spread: Standard deviation of the training values in the loss space.
        squared_below: Error in spreads from which the loss grows linearly: `FINE` or, where nothing is learnt yet, `ROUGH`.
    """
    error = (to_loss_space(task, predicted) - to_loss_space(task, known)) / spread
    return functional.smooth_l1_loss(error, torch.zeros_like(error), beta=squared_below)


def squared_loss(task: Task, predicted: Tensor, known: Tensor, spread: float) -> Tensor:
    """The paper's L2 loss of the value, in units of the training values' spread (heavy tails in the loss space: our choice)."""
    return ((to_loss_space(task, predicted) - to_loss_space(task, known)) / spread).square().mean()


def sparsity_loss(logits: Tensor, views: Views) -> Tensor:
    """Mean of the map over all pixels, candidates or not: the L1 term of the paper's precursor (ISBI 2019)."""
    return torch.sigmoid(logits).mean() if len(views.sample) else logits.sum()


def symmetry_loss(logits: Tensor, views: Views, spread: float) -> Tensor:
    """Huber loss of the left half's sum against the right half's, in units of the training values' spread: sides are alike."""
    share = torch.sigmoid(logits) * views.worth
    half = share.shape[-1] // 2
    difference = views.sums(share[..., :half].sum((1, 2))) - views.sums(share[..., -half:].sum((1, 2)))
    return functional.smooth_l1_loss(difference / spread, torch.zeros_like(difference), beta=0.1)


def self_training_loss(logits: Tensor, views: Views, known: Tensor, dice: float = 0.0) -> Tensor:
    """`segmentation_loss` towards a pseudo-mask: per sample the candidates of the highest map, as many as the known value says.

    It uses nothing but the value (method.md, "value-calibrated self-training").

    Args:
        logits: (V, h, w) float32.
        views: The views.
        known: (samples,) known values, in the task's unit.
        dice: Weight of the soft Dice.
    """
    with torch.no_grad():
        pseudo = (logits > _cut(logits, views, known)[views.sample][:, None, None]).float()
    return segmentation_loss(logits, pseudo, views, dice)


def pseudo_masks(logits: Tensor, views: Views, known: Tensor, sharpness: float) -> Tensor:
    """(V, h, w) float32 soft pseudo-masks: the logits moved so that the candidates above 0 add up to the known value.

    Args:
        logits: (V, h, w) float32 of a teacher.
        views: The views.
        known: (samples,) known values, in the task's unit.
        sharpness: Slope of the mask at the cut, per logit.
    """
    cut = _cut(logits, views, known)[views.sample][:, None, None]
    return torch.sigmoid(sharpness * (logits - cut))


def mask_loss(logits: Tensor, views: Views) -> Tensor:
    """`segmentation_loss` with soft Dice towards the reference mask's share of the candidates."""
    if views.target is None:
        raise ValueError("these views have no reference mask")
    return segmentation_loss(logits, views.target, views, dice=1.0)


def segmentation_loss(logits: Tensor, target: Tensor, views: Views, dice: float) -> Tensor:
    """Cross-entropy plus `dice` times soft Dice (Milletari et al., 2016) towards a mask, samples weighing alike.

    Cross-entropy spreads a sample's weight over all of its candidates; in Dice a small target weighs as much as a large one.
    """
    entropy = weighted_cross_entropy(logits, target, views)
    if not dice:
        return entropy
    share, weight = torch.sigmoid(logits) * views.worth, target * views.worth
    overlap, both = views.sums((share * target).sum((1, 2))), views.sums((share + weight).sum((1, 2)))
    unit = both.detach().mean().clamp(min=1e-6) * 0.01
    return entropy + dice * (1 - (2 * overlap + unit) / (both + unit)).mean()


def weighted_cross_entropy(logits: Tensor, target: Tensor, views: Views) -> Tensor:
    """Cross-entropy inside the candidates, each sample's candidates weighing one in all by their worth."""
    each = functional.binary_cross_entropy_with_logits(logits, target.float(), reduction="none") * views.worth
    return (views.sums(each.sum((1, 2))) / views.sums(views.worth.sum((1, 2))).clamp(min=1e-6)).mean()


def _cut(logits: Tensor, views: Views, known: Tensor) -> Tensor:
    """(samples,) logit above which the candidates add up to the known value, to 1/1024: from a histogram of their logits."""
    of_sample = views.sample[:, None, None] * _BINS
    at = ((logits + _LARGEST) * (_BINS / (2 * _LARGEST))).clamp(0, _BINS - 1).long() + of_sample
    worth = torch.zeros(views.samples * _BINS, device=logits.device).index_add(0, at.flatten(), views.worth.flatten())
    above = worth.view(views.samples, _BINS).flip(1).cumsum(1)
    fewest = (above <= known[:, None]).sum(1)  # so many bins, from the highest, are not yet more than the value
    cut = _LARGEST - fewest * (2 * _LARGEST / _BINS)
    return torch.where(known > 0, cut, cut.new_full((), torch.inf))
