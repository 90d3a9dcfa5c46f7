"""What a network is given of a view: HU windows, place, and (where the method sees them) the candidates.

A network that works on blocks of pixels is given HU and candidates of each of a block's pixels, side by side as channels;
places and depths, which hardly change from pixel to pixel, once for the block.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

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
        deviation: Unsigned distance from the healthy organ's HU.
        block: Side of the blocks of pixels that the network works on.
    """

    candidates: bool
    depth: bool = False
    fat_depth: bool = False
    folded: bool = False
    deviation: bool = False
    block: int = 1


def input_channels(task: Task, seen: Seen) -> int:
    """How many channels `make_inputs` gives."""
    planes = 2 if task.volume else 0  # the neighbours, in the first window
    relative = task.relative_window is not None
    fine = len(task.windows) + planes + relative + seen.deviation + seen.candidates
    depths = (len(DEPTHS_MM) if seen.depth else 0) + (len(FAT_DEPTHS_MM) if seen.fat_depth else 0)
    return fine * seen.block**2 + depths + (3 if task.volume else 2)


def make_inputs(task: Task, views: Views, size: int, pixel_worth: float, seen: Seen, offset_hu: Tensor | None = None) -> Tensor:
    """(V, C, h / block, w / block) float32 channels, each about -0.5 to 0.5.

    Args:
        task: The biomarker.
        views: The views.
        size: Side of the working grid, for the place.
        pixel_worth: Worth of a grid pixel full of candidates of factor 1.
        seen: Which channels there are beside HU windows and place.
        offset_hu: (V,) HU added to each view, for augmentation.
    """
    fine = torch.stack(_of_pixels(task, views, pixel_worth, seen, offset_hu), dim=1)
    if seen.block > 1:
        fine = functional.pixel_unshuffle(fine, seen.block)
    coarse = torch.stack(_depths(views, seen) + _place(task, views, size, seen), dim=1)
    return torch.cat([fine, coarse], dim=1).contiguous(memory_format=torch.channels_last)


def _of_pixels(task: Task, views: Views, pixel_worth: float, seen: Seen, offset_hu: Tensor | None) -> list[Tensor]:
    """(V, h, w) channels of HU and candidates."""
    hu = views.planes.float()
    if offset_hu is not None:
        hu = hu + offset_hu[:, None, None, None]
    middle = hu[:, hu.shape[1] // 2]
    channels = [_window(middle, *window) for window in task.windows]
    if task.volume:
        channels += [_window(hu[:, 0], *task.windows[0]), _window(hu[:, 2], *task.windows[0])]
    if task.relative_window is not None:
        reference = views.reference_hu if offset_hu is None else views.reference_hu + offset_hu
        away = middle - reference[:, None, None]
        channels.append(_window(away, -task.relative_window, task.relative_window))
        if seen.deviation:
            channels.append(_window(away.abs(), 0, task.relative_window))
    if seen.candidates:
        channels.append(views.worth / (pixel_worth * (_SEEN_FACTOR if task.rule == "lesions" else 1.0)) - 0.5)
    return channels


def _depths(views: Views, seen: Seen) -> list[Tensor]:
    """(V, h / block, w / block) channels of the blocks' mean depths."""
    if not seen.depth and not seen.fat_depth:
        return []
    straight, along = functional.avg_pool2d(views.depth.float(), seen.block).unbind(1)
    channels = [_window(straight, 0, end) for end in DEPTHS_MM] if seen.depth else []
    return channels + ([_window(along, 0, end) for end in FAT_DEPTHS_MM] if seen.fat_depth else [])


def _window(hu: Tensor, low: float, high: float) -> Tensor:
    return ((hu - low) / (high - low)).clamp(0, 1) - 0.5


def _place(task: Task, views: Views, size: int, seen: Seen) -> list[Tensor]:
    """(V, h / block, w / block) channels of where the blocks' middles lie."""
    count, height, width = len(views.worth), *(side // seen.block for side in views.worth.shape[1:])
    device, middle = views.worth.device, (seen.block - 1) / 2
    steps_down = torch.arange(height, device=device, dtype=torch.float32) * seen.block + middle
    steps_across = torch.arange(width, device=device, dtype=torch.float32) * seen.block + middle
    row = ((views.place[:, 1, None] + steps_down) / size - 0.5)[:, :, None].expand(count, height, width)
    across = (views.place[:, 2, None] + steps_across) / size - 0.5
    if seen.folded:
        across = (views.place[:, 2, None] + steps_across - (size - 1) / 2).abs() / size * 2 - 0.5
    column = across[:, None, :].expand(count, height, width)
    if not task.volume:
        return [row, column]
    return [row, column, (views.place[:, 0] / 2)[:, None, None].expand(count, height, width)]
