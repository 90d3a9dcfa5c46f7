"""Views as tensors: what goes through a network, and to which sample each view's sum belongs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from bioloc.cohorts.load import Sample
from bioloc.cohorts.views import View, views_of
from bioloc.networks.reference import reference_hu
from bioloc.tasks import Task


@dataclass(frozen=True)
class Views:
    """Views of one or more samples.

    Attributes:
        planes: (V, P, h, w) int16 HU: the slice, or with its neighbours below and above.
        worth: (V, h, w) float32, in the task's unit.
        depth: (V, 2, h, w) uint8 mm under the skin, straight and along the fat (`ct/depth.py`); empty where it is not used.
        place: (V, 3) float32: slice from -1 (feet) to 1, and the first row and column on the grid.
        reference_hu: (V,) float32, the healthy organ's HU (`networks/reference.py`); 0 where the task compares with none.
        sample: (V,) int64, the sample's number within this group.
        samples: How many samples there are; one without candidates has no view.
        lesions: (V, h, w) int16 numbers of a volume's candidate components; empty for areas.
        target: (V, h, w) float32 share of the candidates that the reference mask holds, or None.
    """

    planes: Tensor
    worth: Tensor
    depth: Tensor
    place: Tensor
    reference_hu: Tensor
    sample: Tensor
    samples: int
    lesions: Tensor
    target: Tensor | None = None

    _GRIDS = ("planes", "worth", "depth", "lesions")
    _PER_VIEW = (*_GRIDS, "place", "reference_hu")

    def sums(self, per_view: Tensor) -> Tensor:
        """(V,) contributions added up per sample, (samples,) float32."""
        return torch.zeros(self.samples, device=per_view.device).index_add(0, self.sample, per_view.float())

    def lesion_means(self, per_pixel: Tensor) -> Tensor:
        """(V, h, w) numbers with each lesion's pixels set to their mean, weighted by worth; others are left."""
        at = torch.nonzero(self.lesions.flatten())[:, 0]
        most = int(self.lesions.max()) + 1 if at.numel() else 1
        lesion = self.lesions.flatten()[at].long() + at // self.lesions.shape[1:].numel() * most
        flat, weight = per_pixel.flatten(), self.worth.flatten()[at]
        sums = flat.new_zeros(len(self.lesions) * most).index_add(0, lesion, flat[at] * weight)
        weights = torch.zeros_like(sums).index_add(0, lesion, weight).clamp(min=1e-12)
        return flat.index_copy(0, at, (sums / weights)[lesion]).view_as(per_pixel)

    def changed(self, change: Callable[[Tensor], Tensor]) -> Views:
        """The views with all that lies on the grid changed alike; `place` still says where they were cut."""
        grids: dict[str, Any] = {name: change(grid) for name in self._GRIDS if (grid := getattr(self, name)).shape[-1]}
        return replace(self, **grids, target=None if self.target is None else change(self.target))

    def mirrored(self) -> Views:
        """The views with left and right exchanged."""
        return self.changed(lambda image: image.flip(-1))

    def rolled(self, down: int, across: int) -> Views:
        """The views moved so many pixels: what leaves on one side enters on the other, so that every sum stays."""
        return self.changed(lambda image: torch.roll(image, (down, across), dims=(-2, -1))) if down or across else self

    def take(self, rows: Tensor, sample: Tensor, samples: int) -> Views:
        """Some rows, with new sample numbers."""
        chosen = {name: getattr(self, name)[rows] for name in self._PER_VIEW}
        return Views(**chosen, sample=sample, samples=samples, target=None if self.target is None else self.target[rows])

    @property
    def nbytes(self) -> int:
        """Memory that they take."""
        return sum(tensor.nbytes for tensor in self._tensors().values())

    def to(self, device: torch.device) -> Views:
        """The views on a device."""
        moved: dict[str, Any] = {name: tensor.to(device) for name, tensor in self._tensors().items()}
        return replace(self, **moved)

    def _tensors(self) -> dict[str, Tensor]:
        return {name: part for name, part in vars(self).items() if isinstance(part, Tensor)}


class ViewStore:
    """All views of a split in memory, batched by sample."""

    def __init__(self, views: Views, first: NDArray[np.int64]) -> None:
        """`first` has each sample's first row, and the end."""
        self.views, self._first = views, first

    def __len__(self) -> int:
        return self.views.samples

    def to(self, device: torch.device) -> ViewStore:
        """The store with its views on a device, where batches are then put together."""
        return ViewStore(self.views.to(device), self._first)

    def set_target(self, target: Tensor) -> None:
        """Give every view a target: (V, h, w), in the order of the views."""
        self.views = replace(self.views, target=target.to(self.views.worth.device))

    def batch(self, samples: Sequence[int] | NDArray[np.int64]) -> Views:
        """The views of these samples, numbered in this order."""
        spans = [np.arange(self._first[s], self._first[s + 1]) for s in samples]
        sample = np.repeat(np.arange(len(spans)), [len(span) for span in spans])
        rows = np.concatenate(spans) if spans else np.zeros(0, np.int64)
        device = self.views.worth.device
        numbers = torch.from_numpy(sample.astype(np.int64)).to(device)
        return self.views.take(torch.from_numpy(rows).to(device), numbers, len(spans))


def store_views(
    samples: Sequence[Sample], side: int, task: Task, targets: Sequence[NDArray[np.float32]] | None = None
) -> ViewStore:
    """Cut samples into views.

    Args:
        samples: The samples.
        side: Side of the patches, or 0 for whole slices.
        task: The biomarker: of a volume, a slice's neighbours go along as planes.
        targets: (S, H, W) shares of the reference mask per sample, for training with masks.
    """
    planes, worths, depths, places, references, numbers, wanted = [], [], [], [], [], [], []
    first = [0]
    for number, sample in enumerate(samples):
        found = views_of(sample.worth, side)
        size = sample.hu.shape[1:]
        reference = reference_hu(sample.hu, sample.worth > 0) if task.relative_window is not None else 0.0
        for view in found:
            window = (slice(view.row, view.row + (side or size[0])), slice(view.column, view.column + (side or size[1])))
            planes.append(_planes(sample.hu, view, window, task.volume))
            worths.append(view.worth)
            if sample.depth is not None:
                depths.append(sample.depth[view.slice_number][:, *window])
            places.append((_height(view.slice_number, len(sample.hu)), view.row, view.column))
            references.append(reference)
            numbers.append(number)
            if targets is not None:
                wanted.append(targets[number][view.slice_number][window])
        first.append(len(planes))
    shape = (side, side) if side else samples[0].hu.shape[1:]
    views = Views(
        _stack(planes, (3 if task.volume else 1, *shape), np.int16),
        _stack(worths, shape, np.float32),
        _stack(depths, (2, *shape), np.uint8) if depths else torch.zeros((len(planes), 2, 0, 0), dtype=torch.uint8),
        torch.tensor(places, dtype=torch.float32).reshape(-1, 3),
        torch.tensor(references, dtype=torch.float32),
        torch.tensor(numbers, dtype=torch.int64),
        len(samples),
        _lesions(worths, shape) if task.volume else torch.zeros((len(planes), 0, 0), dtype=torch.int16),
        None if targets is None else _stack(wanted, shape, np.float32),
    )
    return ViewStore(views, np.asarray(first))


def _lesions(worths: Sequence[NDArray[np.float32]], shape: tuple[int, ...]) -> Tensor:
    """(V, h, w) int16 numbers of the components of the candidates, from 1 in each view."""
    corners = np.ones((3, 3), bool)  # 8-connectivity, as Agatston's lesions
    return _stack([ndimage.label(worth > 0, corners)[0] for worth in worths], shape, np.int16)


def _planes(hu: NDArray[np.int16], view: View, window: tuple[slice, slice], volume: bool) -> NDArray[np.int16]:
    if not volume:
        return np.asarray(hu[view.slice_number][window][None])
    around = (min(max(view.slice_number + step, 0), len(hu) - 1) for step in (-1, 0, 1))
    return np.stack([hu[number][window] for number in around])  # hu[around] would copy three whole slices


def _height(number: int, slices: int) -> float:
    return 2 * number / max(slices - 1, 1) - 1


def _stack(parts: Sequence[NDArray[Any]], shape: tuple[int, ...], kind: Any) -> Tensor:
    return torch.from_numpy(np.stack(parts, dtype=kind) if parts else np.zeros((0, *shape), kind))
