"""Channels: HU windows, neighbours, place and candidates, each about -0.5 to 0.5."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bioloc.cohorts.load import Sample
from bioloc.networks.inputs import DEPTHS_MM, FAT_DEPTHS_MM, Seen, input_channels, make_inputs
from bioloc.networks.views import Views, store_views
from bioloc.tasks import TASKS, get_task

SIZE, WORTH = 32, 0.25
BLIND, SEEING = Seen(candidates=False), Seen(candidates=True)


def make_views(name: str, side: int = 0, seed: int = 0) -> Views:
    rng = np.random.default_rng(seed)
    shape = (3, SIZE, SIZE)
    hu = rng.integers(-1024, 2000, shape).astype(np.int16)
    factor = np.where(rng.random(shape) < 0.1, rng.integers(1, 5 if get_task(name).rule == "lesions" else 2, shape), 0)
    depth = rng.integers(0, 256, (3, 2, SIZE, SIZE)).astype(np.uint8) if get_task(name).depth else None
    return store_views([Sample("a", hu, (factor * WORTH).astype(np.float32), 1.0, depth)], side, get_task(name)).batch([0])


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("seen", [BLIND, SEEING, Seen(candidates=True, depth=True, fat_depth=True, folded=True, deviation=True)])
@pytest.mark.parametrize("side", [0, 16])
def test_as_many_channels_as_announced_within_bounds(name: str, seen: Seen, side: int) -> None:
    task, views = get_task(name), make_views(name, side)
    seen = replace(
        seen,
        depth=seen.depth and task.depth,
        fat_depth=seen.fat_depth and task.depth,
        deviation=seen.deviation and task.relative_window is not None,
    )
    inputs = make_inputs(task, views, SIZE, WORTH, seen)
    assert inputs.shape == (len(views.sample), input_channels(task, seen), side or SIZE, side or SIZE)
    assert inputs.dtype == torch.float32
    assert inputs.is_contiguous(memory_format=torch.channels_last)
    assert float(inputs.min()) >= -0.5
    assert float(inputs.max()) <= 0.5


@pytest.mark.parametrize("name", TASKS)
def test_windows_are_linear_between_their_ends(name: str) -> None:
    task, views = get_task(name), make_views(name)
    inputs = make_inputs(task, views, SIZE, WORTH, BLIND)
    middle = views.planes[:, views.planes.shape[1] // 2].numpy().astype(np.float64)
    for channel, (low, high) in enumerate(task.windows):
        assert inputs[:, channel].numpy() == pytest.approx(np.clip((middle - low) / (high - low), 0, 1) - 0.5, abs=1e-6)


def test_a_volumes_neighbours_are_seen_in_the_first_window() -> None:
    task, views = get_task("cac"), make_views("cac")
    inputs = make_inputs(task, views, SIZE, WORTH, BLIND)
    assert torch.equal(inputs[1, 2], inputs[0, 0])  # below
    assert torch.equal(inputs[1, 3], inputs[2, 0])  # above


def test_an_offset_is_hu_of_its_own_for_each_view() -> None:
    task, views = get_task("pma"), make_views("pma")
    offset = torch.tensor([10.0, -20.0, 0.0])
    moved = replace(views, planes=(views.planes + offset[:, None, None, None]).to(torch.int16))
    found = make_inputs(task, views, SIZE, WORTH, SEEING, offset)
    assert torch.allclose(found, make_inputs(task, moved, SIZE, WORTH, SEEING), atol=1e-6)


def test_the_relative_window_does_not_see_an_offset() -> None:
    task, views = get_task("liver"), make_views("liver")
    channel = len(task.windows)
    plain = make_inputs(task, views, SIZE, WORTH, SEEING)
    offset = make_inputs(task, views, SIZE, WORTH, SEEING, torch.full((3,), 25.0))
    assert torch.allclose(plain[:, channel], offset[:, channel], atol=1e-6)
    assert not torch.allclose(plain[:, 0], offset[:, 0], atol=1e-3)
    center, half = float(views.reference_hu[0]), float(task.relative_window or 0)
    expected = np.clip((views.planes[0, 0].numpy() - center + half) / (2 * half), 0, 1) - 0.5
    assert plain[0, channel].numpy() == pytest.approx(expected, abs=1e-6)


def test_patches_are_given_their_place_on_the_grid() -> None:
    task = get_task("cac")
    whole, patches = make_views("cac"), make_views("cac", 16)
    grid = make_inputs(task, whole, SIZE, WORTH, BLIND)[:, -3:]
    parts = make_inputs(task, patches, SIZE, WORTH, BLIND)[:, -3:]
    for part, (height, row, column) in zip(parts, patches.place.tolist(), strict=True):
        window = grid[round(height + 1), :, int(row) : int(row) + 16, int(column) : int(column) + 16]
        assert torch.allclose(part, window)
    assert grid[:, 2, 0, 0].tolist() == [-0.5, 0.0, 0.5]  # from the feet up


@pytest.mark.parametrize(("name", "factor"), [("pma", 1), ("liver", 1), ("cac", 4)])
def test_the_candidates_channel_is_full_at_the_largest_factor(name: str, factor: int) -> None:
    task, views = get_task(name), make_views(name)
    channel = make_inputs(task, views, SIZE, WORTH, SEEING)[:, -4 if task.volume else -3]  # before the places
    assert torch.equal(channel == -0.5, views.worth == 0)
    full = views.worth == WORTH * factor
    assert full.any()
    assert torch.equal(channel[full], torch.full((int(full.sum()),), 0.5))


def test_depths_are_six_channels_that_end_where_they_say() -> None:
    task, views = get_task("sfa"), make_views("sfa")
    seen = Seen(candidates=True, depth=True, fat_depth=True)
    ends = [(way, end) for way, some in enumerate((DEPTHS_MM, FAT_DEPTHS_MM)) for end in some]
    assert len(ends) == 6
    assert input_channels(task, seen) == input_channels(task, SEEING) + 6
    inputs = make_inputs(task, views, SIZE, WORTH, seen)
    first = inputs.shape[1] - 8  # depths and two places come last
    depths = views.depth.numpy().astype(np.float64)
    for channel, (way, end) in enumerate(ends, start=first):
        assert inputs[:, channel].numpy() == pytest.approx(np.minimum(depths[:, way] / end, 1) - 0.5, abs=1e-6)
    others = [channel for channel in range(inputs.shape[1]) if not first <= channel < first + 6]
    assert torch.equal(inputs[:, others], make_inputs(task, views, SIZE, WORTH, SEEING))


def test_the_deviation_is_the_unsigned_distance_from_the_healthy_organ() -> None:
    task, views = get_task("liver"), make_views("liver")
    seen = Seen(candidates=True, deviation=True)
    assert input_channels(task, seen) == input_channels(task, SEEING) + 1
    inputs, channel = make_inputs(task, views, SIZE, WORTH, seen), len(task.windows) + 1
    away = np.abs(views.planes[:, 0].numpy() - views.reference_hu.numpy()[:, None, None])
    assert inputs[:, channel].numpy() == pytest.approx(np.minimum(away / (task.relative_window or 0), 1) - 0.5, abs=1e-6)
    offset = make_inputs(task, views, SIZE, WORTH, seen, torch.full((3,), 25.0))
    assert torch.allclose(inputs[:, channel], offset[:, channel], atol=1e-6)


@pytest.mark.parametrize("name", TASKS)
def test_folded_places_are_the_same_on_both_sides(name: str) -> None:
    task, views = get_task(name), make_views(name)
    at = -2 if task.volume else -1
    column = make_inputs(task, views, SIZE, WORTH, Seen(candidates=False, folded=True))[:, at]
    assert torch.allclose(column, column.flip(-1), atol=1e-6)
    across = column[0, 0, SIZE // 2 :]
    assert (across.diff() > 0).all()  # the farther out the larger
    assert float(across[0]) == pytest.approx(-0.5, abs=1 / SIZE)
    assert float(across[-1]) == pytest.approx(0.5, abs=1 / SIZE)
    plain = make_inputs(task, views, SIZE, WORTH, BLIND)
    assert not torch.allclose(plain[:, at], plain[:, at].flip(-1), atol=1e-3)
    assert torch.equal(plain[:, at - 1], make_inputs(task, views, SIZE, WORTH, Seen(candidates=False, folded=True))[:, at - 1])


def test_folded_places_of_patches_are_those_of_the_grid() -> None:
    task, seen = get_task("cac"), Seen(candidates=False, folded=True)
    patches = make_views("cac", 16)
    grid = make_inputs(task, make_views("cac"), SIZE, WORTH, seen)[0, -2, 0]
    for part, (_, _, column) in zip(make_inputs(task, patches, SIZE, WORTH, seen), patches.place.tolist(), strict=True):
        assert torch.allclose(part[-2, 0], grid[int(column) : int(column) + 16], atol=1e-6)


@pytest.mark.parametrize("block", [2, 4])
@pytest.mark.parametrize("name", ["sfa", "liver", "cac"])
def test_blocks_have_each_pixels_hu_and_one_place_and_depth(name: str, block: int) -> None:
    task, views = get_task(name), make_views(name)
    seen = Seen(candidates=True, depth=task.depth, fat_depth=task.depth)
    pixels = make_inputs(task, views, SIZE, WORTH, seen)
    blocks = make_inputs(task, views, SIZE, WORTH, replace(seen, block=block))
    assert blocks.shape == (len(views.sample), input_channels(task, replace(seen, block=block)), SIZE // block, SIZE // block)
    places = 3 if task.volume else 2
    coarse = places + (len(DEPTHS_MM) + len(FAT_DEPTHS_MM) if task.depth else 0)
    fine = torch.nn.functional.pixel_unshuffle(pixels[:, :-coarse], block)
    assert torch.equal(blocks[:, :-coarse], fine)
    means = torch.nn.functional.avg_pool2d(pixels[:, -places:], block)
    assert torch.allclose(blocks[:, -places:], means, atol=1e-6)
    if task.depth:
        straight = torch.nn.functional.avg_pool2d(views.depth[:, 0].float(), block)
        assert torch.allclose(blocks[:, -coarse + 2], (straight / DEPTHS_MM[2]).clamp(0, 1) - 0.5, atol=1e-6)
