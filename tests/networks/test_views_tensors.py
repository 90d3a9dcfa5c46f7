"""Samples as batches of views: every view with its planes, place and sample, and sums per sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bioloc.cohorts.load import Sample
from bioloc.networks.reference import reference_hu
from bioloc.networks.views import Views, store_views
from bioloc.tasks import get_task

EMPTY, SIZE = "empty", 32


def make_sample(name: str, slices: int = 3, seed: int = 0, share: float = 0.02) -> Sample:
    rng = np.random.default_rng(seed)
    shape = (slices, SIZE, SIZE)
    hu = rng.integers(-1024, 1500, shape).astype(np.int16)
    worth = np.where(rng.random(shape) < share, rng.random(shape) + 0.1, 0).astype(np.float32)
    return Sample(name, hu, worth * (name != EMPTY), 1.0)


def test_a_whole_slice_is_a_view_of_one_plane() -> None:
    samples = [make_sample("a", 1, 1), make_sample("b", 1, 2)]
    views = store_views(samples, 0, task=get_task("pma")).batch([1, 0])
    assert views.planes.dtype == torch.int16
    assert np.array_equal(views.planes[:, 0], np.stack([samples[1].hu[0], samples[0].hu[0]]))
    assert np.array_equal(views.worth, np.stack([samples[1].worth[0], samples[0].worth[0]]))
    assert views.sample.tolist() == [0, 1]
    assert views.samples == 2
    assert views.place.tolist() == [[-1, 0, 0], [-1, 0, 0]]
    assert views.target is None


def test_a_volumes_slices_go_along_with_their_neighbours() -> None:
    sample = make_sample("a", 4, 3)
    views = store_views([sample], 0, task=get_task("cac")).batch([0])
    assert views.planes.shape == (4, 3, SIZE, SIZE)
    for number, around in enumerate([(0, 0, 1), (0, 1, 2), (1, 2, 3), (2, 3, 3)]):  # the end is its own neighbour
        assert np.array_equal(views.planes[number], sample.hu[list(around)])
    assert views.place[:, 0].tolist() == pytest.approx([-1, -1 / 3, 1 / 3, 1])


def test_patches_are_windows_of_their_slice() -> None:
    sample = make_sample("a", 3, 4)
    target = np.where(sample.worth > 0.5, 0.75, 0).astype(np.float32)
    views = store_views([sample], 16, task=get_task("cac"), targets=[target]).batch([0])
    assert len(views.sample) > 3
    assert views.target is not None
    for plane, place, worth, wanted in zip(views.planes, views.place, views.worth, views.target, strict=True):
        number = round((float(place[0]) + 1) * (len(sample.hu) - 1) / 2)
        window = (slice(int(place[1]), int(place[1]) + 16), slice(int(place[2]), int(place[2]) + 16))
        assert np.array_equal(plane[1], sample.hu[number][window])
        assert np.array_equal(wanted, target[number][window])
        held = worth.numpy() > 0
        assert np.array_equal(worth.numpy()[held], sample.worth[number][window][held])


@settings(derandomize=True, deadline=None, max_examples=20)
@given(seed=st.integers(0, 999), side=st.sampled_from([0, 16, 24, 32]), share=st.sampled_from([0.001, 0.05, 0.7]))
def test_sums_per_sample_are_the_samples_own(seed: int, side: int, share: float) -> None:
    samples = [make_sample(name, 2, seed + n, share) for n, name in enumerate(("a", EMPTY, "c", "d"))]
    store = store_views(samples, side, task=get_task("cac"))
    assert len(store) == 4
    chosen = [3, 1, 0, 3]  # any order, also twice
    views = store.batch(chosen)
    sums = views.sums(views.worth.sum((1, 2)))
    assert sums.dtype == torch.float32
    expected = [float(samples[number].worth.sum(dtype=np.float64)) for number in chosen]
    assert sums.tolist() == pytest.approx(expected, rel=1e-5)


def test_a_sample_without_candidates_has_no_patch_and_the_sum_0() -> None:
    store = store_views([make_sample(EMPTY), make_sample("b"), make_sample(EMPTY)], 16, task=get_task("cac"))
    views = store.batch([0, 1, 2])
    assert set(views.sample.tolist()) == {1}
    assert views.samples == 3
    assert views.sums(torch.ones(len(views.sample))).tolist() == [0, len(views.sample), 0]


def test_a_cohort_without_candidates_has_no_views_of_the_right_shape() -> None:
    views = store_views([make_sample(EMPTY)], 16, task=get_task("cac")).batch([0])
    assert views.planes.shape == (0, 3, 16, 16)
    assert views.worth.shape == (0, 16, 16)
    assert views.place.shape == (0, 3)
    assert views.sums(views.worth.sum((1, 2))).tolist() == [0]


def test_an_empty_batch_has_no_samples() -> None:
    views = store_views([make_sample("a")], 0, task=get_task("pma")).batch([])
    assert (views.samples, len(views.sample)) == (0, 0)


def test_only_tasks_that_compare_with_an_organ_have_its_hu() -> None:
    sample = make_sample("a", 3, 5, share=0.6)
    liver = store_views([sample, make_sample(EMPTY)], 0, task=get_task("liver")).batch([0, 1])
    assert liver.reference_hu[:3].tolist() == pytest.approx([reference_hu(sample.hu, sample.worth > 0)] * 3)
    assert liver.reference_hu[3:].tolist() == [0, 0, 0]
    assert not store_views([sample], 0, task=get_task("pma")).batch([0]).reference_hu.any()


def test_a_mirror_image_is_exchanged_in_all_that_lies_on_the_grid() -> None:
    depth = np.random.default_rng(8).integers(0, 256, (3, 2, SIZE, SIZE)).astype(np.uint8)
    sample = replace(make_sample("a", 3, 6), depth=depth)
    views = store_views([sample], 0, task=get_task("pma"), targets=[sample.worth]).batch([0])
    mirror = views.mirrored()
    for name in ("planes", "worth", "depth", "target"):
        assert torch.equal(getattr(mirror, name), getattr(views, name).flip(-1))
        assert torch.equal(getattr(mirror.mirrored(), name), getattr(views, name))
    assert torch.equal(mirror.place, views.place)
    assert mirror.lesions.shape == views.lesions.shape  # areas have none


def test_rolled_views_keep_their_sums_and_come_back() -> None:
    sample = make_sample("a", 3, 6)
    views = store_views([sample], 0, task=get_task("pma"), targets=[sample.worth]).batch([0])
    moved = views.rolled(2, -3)
    for name in ("planes", "worth", "target"):
        assert np.array_equal(getattr(moved, name), np.roll(getattr(views, name), (2, -3), (-2, -1)))
        assert torch.equal(getattr(moved.rolled(-2, 3), name), getattr(views, name))
    assert moved.worth.sum((1, 2)).tolist() == pytest.approx(views.worth.sum((1, 2)).tolist())
    assert torch.equal(moved.place, views.place)
    assert views.rolled(0, 0) is views


def test_sums_of_half_precision_are_float32() -> None:
    views = store_views([make_sample("a", 3)], 0, task=get_task("pma")).batch([0])
    parts = torch.tensor([256.0, 1.0, 1.0], dtype=torch.bfloat16)  # bfloat16 has 8 bits: 256 + 1 is 256 there
    assert views.sums(parts).tolist() == [258.0]


def test_views_move_with_their_targets() -> None:
    sample = make_sample("a", 1)
    views = store_views([sample], 0, task=get_task("pma"), targets=[sample.worth]).batch([0]).to(torch.device("cpu"))
    assert views.target is not None
    assert np.array_equal(views.target[0], sample.worth[0])


def test_depths_go_along_with_their_window() -> None:
    rng = np.random.default_rng(8)
    depth = rng.integers(0, 256, (3, 2, SIZE, SIZE)).astype(np.uint8)
    sample = replace(make_sample("a", 3, 6), depth=depth)
    whole = store_views([sample], 0, task=get_task("pma")).batch([0])
    assert whole.depth.dtype == torch.uint8
    assert np.array_equal(whole.depth, depth)
    patches = store_views([sample], 16, task=get_task("pma")).batch([0])
    for part, (height, row, column) in zip(patches.depth, patches.place.tolist(), strict=True):
        assert np.array_equal(part, depth[round(height + 1), :, int(row) : int(row) + 16, int(column) : int(column) + 16])


def test_without_depths_there_are_as_many_empty_ones_as_views() -> None:
    views = store_views([make_sample("a"), make_sample("b")], 0, task=get_task("pma")).batch([1])
    assert views.depth.shape == (3, 2, 0, 0)
    assert views.lesions.shape == (3, 0, 0)


def views_of_worth(*worths: Tensor, volume: bool = True) -> Views:
    """One slice each."""
    hu = np.zeros((1, SIZE, SIZE), np.int16)
    samples = [Sample(str(number), hu, worth[None].numpy(), 1.0) for number, worth in enumerate(worths)]
    return store_views(samples, 0, get_task("cac" if volume else "pma")).batch(range(len(samples)))


def test_a_lesions_pixels_get_their_mean_weighted_by_worth() -> None:
    one, other = torch.zeros(SIZE, SIZE), torch.zeros(SIZE, SIZE)
    one[2, 2], one[3, 3] = 1.0, 3.0  # they touch at a corner: one lesion
    one[10, 10:12] = 2.0
    other[2, 2] = 5.0  # the same number in another view
    views = views_of_worth(one, torch.zeros(SIZE, SIZE), other)  # the one between has none
    per_pixel = torch.arange(3 * SIZE * SIZE, dtype=torch.float32).reshape(3, SIZE, SIZE) / 100
    expected = per_pixel.clone()
    expected[0, 2, 2] = expected[0, 3, 3] = (per_pixel[0, 2, 2] + 3 * per_pixel[0, 3, 3]) / 4
    expected[0, 10, 10:12] = per_pixel[0, 10, 10:12].mean()
    means = views.lesion_means(per_pixel)
    assert torch.allclose(means, expected, atol=1e-6)
    assert torch.allclose((means * views.worth).sum((1, 2)), (per_pixel * views.worth).sum((1, 2)))
    assert torch.unique(views.lesions[0]).tolist() == [0, 1, 2]
    assert not views.lesions[1].any()


@pytest.mark.parametrize("volume", [True, False])
def test_where_there_are_no_lesions_every_pixel_keeps_its_number(volume: bool) -> None:
    worth = torch.zeros(SIZE, SIZE) if volume else torch.ones(SIZE, SIZE)  # an area's candidates are no lesions
    per_pixel = torch.randn(2, SIZE, SIZE)
    assert torch.equal(views_of_worth(worth, worth, volume=volume).lesion_means(per_pixel), per_pixel)


def test_lesion_means_of_no_view_are_none() -> None:
    views = store_views([make_sample(EMPTY)], 16, task=get_task("cac")).batch([0])
    assert views.lesion_means(torch.zeros(0, 16, 16)).shape == (0, 16, 16)


def test_a_lesions_pixels_share_the_gradient() -> None:
    worth = torch.zeros(SIZE, SIZE)
    worth[4, 4:6] = torch.tensor([1.0, 3.0])
    per_pixel = torch.zeros(1, SIZE, SIZE, requires_grad=True)
    views_of_worth(worth).lesion_means(per_pixel)[0, 4, 4].backward()
    assert per_pixel.grad is not None
    assert per_pixel.grad[0, 4, 4:6].tolist() == pytest.approx([0.25, 0.75])
    assert float(per_pixel.grad.sum()) == pytest.approx(1)


def test_batches_are_put_together_where_the_store_lies() -> None:
    samples = [make_sample(name, 1) for name in "abcd"]
    store = store_views(samples, 0, task=get_task("pma")).to(torch.device("meta"))
    views = store.batch([2, 0])
    assert {views.planes.device.type, views.sample.device.type, views.place.device.type} == {"meta"}
    store.set_target(torch.zeros(4, SIZE, SIZE))
    assert store.views.target is not None
    assert store.views.target.device.type == "meta"
