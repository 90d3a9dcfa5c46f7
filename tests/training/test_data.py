"""Batches take every sample once per pass, and augmentation keeps every sum."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.cohorts.load import Sample
from bioloc.errors import DataError
from bioloc.networks.views import Views, ViewStore, store_views
from bioloc.params import Augment
from bioloc.tasks import get_task
from bioloc.training.data import Split, augmented, batches, load_split, resident

STILL = Augment(flip=False, shift=0, hu=0.0)
SIZE = 32


def make_views(volume: bool, side: int = 0, targets: bool = True) -> Views:
    samples = []
    for number in range(3):
        rng = np.random.default_rng(number)
        shape = (2 if volume else 1, SIZE, SIZE)
        worth = np.where(rng.random(shape) < 0.2, rng.random(shape), 0).astype(np.float32)
        samples.append(Sample(str(number), rng.integers(-1024, 900, shape).astype(np.int16), worth, 1.0))
    masks = [(sample.worth > 0.5).astype(np.float32) for sample in samples] if targets else None
    return store_views(samples, side, get_task("cac" if volume else "pma"), masks).batch([0, 1, 2])


@settings(derandomize=True, deadline=None, max_examples=25)
@given(count=st.integers(1, 40), batch_size=st.integers(1, 17), seed=st.integers(0, 2**32 - 1))
def test_each_pass_takes_every_sample_once(count: int, batch_size: int, seed: int) -> None:
    drawn = list(islice(batches(count, batch_size, seed), 3 * count // batch_size + 1))
    assert all(len(batch) == batch_size for batch in drawn)
    flat = np.concatenate(drawn)
    for start in range(0, len(flat) - count + 1, count):
        assert sorted(flat[start : start + count]) == list(range(count))


def test_the_order_is_the_seeds() -> None:
    one, same, other = (np.concatenate(list(islice(batches(30, 8, seed), 12))) for seed in (5, 5, 6))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one[:30], one[30:60])  # each pass in an order of its own


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), flip=st.booleans(), shift=st.integers(0, 9), volume=st.booleans(), side=st.sampled_from([0, 16]))
def test_augmentation_keeps_every_samples_sum(seed: int, flip: bool, shift: int, volume: bool, side: int) -> None:
    views = make_views(volume, side)
    changed, _, _ = augmented(views, Augment(flip=flip, shift=shift, hu=8.0), SIZE, np.random.default_rng(seed))
    before, after = views.sums(views.worth.sum((1, 2))), changed.sums(changed.worth.sum((1, 2)))
    assert after.tolist() == pytest.approx(before.tolist(), rel=1e-5)
    for old, new in ((views.worth, changed.worth), (views.target, changed.target)):
        assert old is not None
        assert new is not None
        assert torch.equal(old.flatten(1).sort(1).values, new.flatten(1).sort(1).values)  # the same pixels, elsewhere
    # What belongs to a pixel moves with it.
    together = torch.stack([views.planes[:, 0].float(), views.worth, views.target], -1).flatten(1, 2)
    moved = torch.stack([changed.planes[:, 0].float(), changed.worth, changed.target], -1).flatten(1, 2)
    for one, other in zip(together, moved, strict=True):
        assert torch.equal(torch.unique(one, dim=0), torch.unique(other, dim=0))


@pytest.mark.parametrize("seed", [0, 2, 3, 4])  # 1 happens to move nothing
def test_depths_and_lesions_move_with_their_pixels(seed: int) -> None:
    views = make_views(volume=True)
    views = replace(views, depth=torch.cat([views.planes[:, 1:2], -views.planes[:, 1:2]], dim=1))
    changed, _, _ = augmented(views, Augment(flip=True, shift=5, hu=0.0), SIZE, np.random.default_rng(seed))
    assert not torch.equal(changed.planes, views.planes)
    assert torch.equal(changed.depth[:, 0], changed.planes[:, 1])
    assert torch.equal(changed.depth[:, 1], -changed.planes[:, 1])
    assert torch.equal(changed.lesions > 0, changed.worth > 0)
    assert torch.equal(torch.bincount(changed.lesions.flatten()), torch.bincount(views.lesions.flatten()))


def test_offsets_are_one_per_sample_in_hu() -> None:
    views = make_views(volume=True)
    _, offsets, _ = augmented(views, Augment(flip=False, shift=0, hu=8.0), SIZE, np.random.default_rng(0))
    assert offsets.dtype == torch.float32
    assert offsets[0::2].tolist() == offsets[1::2].tolist()  # a sample's two slices get the same
    assert len(set(offsets.tolist())) == 3
    assert 1 < float(offsets.abs().mean()) < 24


def test_no_augmentation_changes_nothing() -> None:
    views = make_views(volume=False)
    same, offsets, growth = augmented(views, STILL, SIZE, np.random.default_rng(0))
    assert torch.equal(same.planes, views.planes)
    assert torch.equal(same.worth, views.worth)
    assert not offsets.any()
    assert growth == 1


def test_a_zoom_says_what_it_multiplies_values_with() -> None:
    views = make_views(volume=False)
    changed, _, growth = augmented(views, STILL.model_copy(update={"zoom": 0.2}), SIZE, np.random.default_rng(0))
    assert growth != 1
    assert float(changed.worth.sum()) == pytest.approx(growth * float(views.worth.sum()), rel=0.1)


def test_flips_are_left_to_right() -> None:
    views = make_views(volume=False, targets=False)
    flip = Augment(flip=True, shift=0, hu=0.0)
    found = [augmented(views, flip, SIZE, np.random.default_rng(seed))[0] for seed in range(20)]
    flipped = [not torch.equal(one.worth, views.worth) for one in found]
    assert 3 < sum(flipped) < 17
    assert all(torch.equal(one.worth, views.worth.flip(-1)) for one, is_flipped in zip(found, flipped, strict=True) if is_flipped)


def test_places_are_off_by_a_share_of_the_grid_and_a_samples_together() -> None:
    views = make_views(volume=True, targets=False)
    changed, _, _ = augmented(views, Augment(flip=False, shift=0, hu=0.0, place=0.1), SIZE, np.random.default_rng(4))
    off = changed.place - views.place
    assert torch.allclose(off[0::2], off[1::2], atol=1e-5)  # a sample's two slices
    assert len(set(off[:, 1].round(decimals=4).tolist())) == 3
    assert (off.abs() <= torch.tensor([0.2, 3.2, 3.2]) + 1e-5).all()
    assert (off.abs().amax(0) > torch.tensor([0.02, 0.3, 0.3])).all()
    assert torch.equal(changed.planes, views.planes)


def test_a_draw_is_its_seeds() -> None:
    views, augment = make_views(volume=False), Augment(flip=True, shift=4, hu=8.0)
    one, same = (augmented(views, augment, SIZE, np.random.default_rng([3, 7])) for _ in range(2))
    assert torch.equal(one[0].planes, same[0].planes)
    assert torch.equal(one[1], same[1])


@pytest.mark.parametrize(("free", "moves"), [(1.0, True), (0.99, False)])
def test_a_split_moves_to_a_gpu_where_it_takes_up_half_of_what_is_free_there(
    free: float, moves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = torch.device("cuda")
    store = store_views([Sample("a", np.zeros((1, 8, 8), np.int16), np.ones((1, 8, 8), np.float32), 1.0)], 0, get_task("pma"))
    split = Split(store, torch.ones(1), np.ones(1))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (int(free * 2 * store.views.nbytes), 10**12))
    moved: list[tuple[Split, torch.device]] = []
    monkeypatch.setattr(Split, "to", lambda *given: moved.append(given) or "moved")
    assert resident(split, there) is (split if not moves else "moved")
    assert moved == ([(split, there)] if moves else [])
    assert resident(split, torch.device("cpu")) is split


def test_all_of_a_split_moves() -> None:
    views = make_views(volume=True)
    split = Split(ViewStore(views, np.arange(4)), torch.ones(3), np.ones(3)).to(torch.device("meta"))
    moved = split.views.views
    grids = (moved.planes, moved.worth, moved.depth, moved.place, moved.reference_hu, moved.sample, moved.lesions, moved.target)
    assert {grid.device.type for grid in (*grids, split.values) if grid is not None} == {"meta"}
    assert moved.nbytes == sum(grid.numel() * grid.element_size() for grid in grids if grid is not None)


def test_a_segmenter_without_a_mask_is_told_which_case_lacks_it() -> None:
    class OneCase:
        def __len__(self) -> int:
            return 1

        def sample(self, number: int) -> Sample:
            return Sample(f"c{number}", np.zeros((1, 8, 8), np.int16), np.ones((1, 8, 8), np.float32), 1.0)

        def shape(self, number: int) -> tuple[int, int, int]:
            return 1, 8, 8

    class NoMask:
        def mask(self, case_id: str, shape: tuple[int, int, int]) -> None:
            return None

    with pytest.raises(DataError, match="c0 has no reference mask: the segmenter needs one for every training case"):
        load_split(OneCase(), NoMask())  # type: ignore[arg-type]  # stand-ins with only what is asked of them
