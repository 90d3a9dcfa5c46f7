"""What a network is given of a view: HU windows, place, and (where the method sees them) the candidates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bioloc.networks.views import Views
from bioloc.tasks import Task

DEPTHS_MM = (1.0, 25.0, 150.0)
"""Straight depths under the skin at which their channels end: inside or not, the fat, the whole trunk."""
FAT_DEPTHS_MM = (25.0, 100.0, 250.0)
"""The same of the way along the fat: the fat under the skin, what gaps between muscles lead to, what lies behind muscle."""

_SEEN_FACTOR = 4.0
"""Largest density factor: brings the candidates' channel into 0..1."""


@dataclass(frozen=True)
class Seen:
    """What a network is given beside HU windows and place.

    Attributes:
        candidates: The candidates' worth.
        depth: Straight depth under the skin.
        fat_depth: The way from the skin along the fat.
        folded: Places left and right of the middle are the same.
        deviation: Unsigned distance from the candidates' median HU.
    """

    candidates: bool
    depth: bool = False
    fat_depth: bool = False
    folded: bool = False
    deviation: bool = False


def input_channels(task: Task, seen: Seen) -> int:
    """How many channels `make_inputs` gives."""
    planes = 2 if task.volume else 0  # the neighbours, in the first window
    relative = task.relative_window is not None
    return (
        len(task.windows)
        + planes
        + relative
        + (len(DEPTHS_MM) if seen.depth else 0)
        + (len(FAT_DEPTHS_MM) if seen.fat_depth else 0)
        + seen.deviation
        + (3 if task.volume else 2)
        + (1 if seen.candidates else 0)
    )


def make_inputs(task: Task, views: Views, size: int, pixel_worth: float, seen: Seen, offset_hu: Tensor | None = None) -> Tensor:
    """(V, C, h, w) float32 channels, each about -0.5 to 0.5.

    Args:
        task: The biomarker.
        views: The views.
        size: Side of the working grid, for the place.
        pixel_worth: Worth of a grid pixel full of candidates of factor 1.
        seen: Which channels there are beside HU windows and place.
        offset_hu: (V,) HU added to each view, for augmentation.
    """
    hu = views.planes.float()
    if offset_hu is not None:
        hu = hu + offset_hu[:, None, None, None]
    middle = hu[:, hu.shape[1] // 2]
    channels = [_window(middle, *window) for window in task.windows]
    if task.volume:
        channels += [_window(hu[:, 0], *task.windows[0]), _window(hu[:, 2], *task.windows[0])]
    if task.relative_window is not None:
        center = views.center_hu if offset_hu is None else views.center_hu + offset_hu
        away = middle - center[:, None, None]
        channels.append(_window(away, -task.relative_window, task.relative_window))
        if seen.deviation:
            channels.append(_window(away.abs(), 0, task.relative_window))
    if seen.depth:
        channels += [_window(views.depth[:, 0].float(), 0, end) for end in DEPTHS_MM]
    if seen.fat_depth:
        channels += [_window(views.depth[:, 1].float(), 0, end) for end in FAT_DEPTHS_MM]
    channels += _place(task, views, size, seen.folded)
    if seen.candidates:
        channels.append(views.worth / (pixel_worth * (_SEEN_FACTOR if task.rule == "lesions" else 1.0)) - 0.5)
    return torch.stack(channels, dim=1).contiguous(memory_format=torch.channels_last)


def _window(hu: Tensor, low: float, high: float) -> Tensor:
    return ((hu - low) / (high - low)).clamp(0, 1) - 0.5


def _place(task: Task, views: Views, size: int, folded: bool) -> list[Tensor]:
    count, height, width = views.worth.shape
    steps_down = torch.arange(height, device=views.worth.device, dtype=torch.float32)
    steps_across = torch.arange(width, device=views.worth.device, dtype=torch.float32)
    row = ((views.place[:, 1, None] + steps_down) / size - 0.5)[:, :, None].expand(count, height, width)
    across = (views.place[:, 2, None] + steps_across) / size - 0.5
    if folded:
        across = (views.place[:, 2, None] + steps_across - (size - 1) / 2).abs() / size * 2 - 0.5
    column = across[:, None, :].expand(count, height, width)
    if not task.volume:
        return [row, column]
    return [row, column, (views.place[:, 0] / 2)[:, None, None].expand(count, height, width)]
