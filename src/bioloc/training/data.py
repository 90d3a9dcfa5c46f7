"""A split in memory, and the batches that a seed makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bioloc.cohorts.load import Cohort, ReferenceMasks, Sample
from bioloc.errors import DataError
from bioloc.networks.views import Views, ViewStore, store_views
from bioloc.params import Augment
from bioloc.training.zoom import zoomed


@dataclass(frozen=True)
class Split:
    """Views and known values of a split; `candidate_sums` is what all candidates of a sample add up to."""

    views: ViewStore
    values: Tensor
    candidate_sums: NDArray[np.float64]

    def to(self, device: torch.device) -> Split:
        """The split with its views and values on a device."""
        return replace(self, views=self.views.to(device), values=self.values.to(device))


def load_split(cohort: Cohort, masks: ReferenceMasks | None = None) -> Split:
    """Bring a split into memory; with `masks`, each view has its target."""
    samples = [cohort.sample(number) for number in range(len(cohort))]
    targets = None if masks is None else [_target(cohort, number, sample, masks) for number, sample in enumerate(samples)]
    views = store_views(samples, cohort.grid.patch, cohort.task, targets)
    sums = np.array([float(sample.worth.sum(dtype=np.float64)) for sample in samples])
    return Split(views, torch.tensor(cohort.values, dtype=torch.float32), sums)


def _target(cohort: Cohort, number: int, sample: Sample, masks: ReferenceMasks) -> NDArray[np.float32]:
    """(S, H, W) share of the candidates' worth that the reference holds."""
    reference = masks.mask(sample.case_id, cohort.shape(number))
    if reference is None:
        raise DataError(f"{sample.case_id} has no reference mask: the segmenter needs one for every training case")
    candidates = cohort.candidates(number)
    held = np.where(reference, candidates.factor, 0) * np.float32(candidates.unit_worth)
    return np.asarray(np.clip(cohort.placement(number).pool_worth(held) / np.maximum(sample.worth, 1e-9), 0, 1), np.float32)


def resident(split: Split, device: torch.device) -> Split:
    """The split on a GPU, where it takes up at most half of the memory that is free there; else as it is."""
    fits = device.type == "cuda" and 2 * split.views.views.nbytes <= torch.cuda.mem_get_info(device)[0]
    return split.to(device) if fits else split


def batches(count: int, batch_size: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Endless batches of sample numbers: each pass takes every sample once, in an order of its own."""
    rng = np.random.default_rng(seed)
    waiting = np.zeros(0, np.int64)
    while True:
        while len(waiting) < batch_size:
            waiting = np.concatenate([waiting, rng.permutation(count)])
        yield waiting[:batch_size]
        waiting = waiting[batch_size:]


def augmented(views: Views, augment: Augment, size: int, rng: np.random.Generator) -> tuple[Views, Tensor, float]:
    """The views flipped, shifted and zoomed, their places put off; a (V,) HU offset per view; what a zoom multiplies values with.

    Shifts roll the whole grid (`Views.rolled`): no sum changes.
    """
    drawn = rng.normal(0, augment.hu, views.samples) if augment.hu else np.zeros(views.samples)
    offsets = torch.tensor(drawn, dtype=torch.float32).to(views.sample.device)[views.sample]
    down, across = rng.integers(-augment.shift, augment.shift + 1, 2) if augment.shift else (0, 0)
    flip = augment.flip and rng.random() < 0.5
    changed = views.rolled(int(down), int(across))
    if flip:
        changed = changed.mirrored()
    if augment.place:
        changed = replace(changed, place=_misplaced(views, augment.place, size, rng))
    growth = 1.0
    if augment.zoom:
        changed, growth = zoomed(changed, augment.zoom, rng)
    return changed, offsets, growth


def _misplaced(views: Views, share: float, size: int, rng: np.random.Generator) -> Tensor:
    """(V, 3) places, each sample's off by at most `share` of a grid of `size` pixels along each axis."""
    whole = torch.tensor([2, size, size])  # heights go from -1 to 1
    off = torch.tensor(rng.uniform(-share, share, (views.samples, 3)), dtype=torch.float32) * whole
    return views.place + off.to(views.place.device)[views.sample]
