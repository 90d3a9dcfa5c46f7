"""Losses: values in the loss space, pseudo-masks that add up to the known value, and masks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from bioloc.networks.views import Views
from bioloc.tasks import get_task
from bioloc.training import losses
from bioloc.training.losses import (
    ROUGH,
    mask_loss,
    pseudo_masks,
    segmentation_loss,
    self_training_loss,
    sparsity_loss,
    squared_loss,
    symmetry_loss,
    to_loss_space,
    value_loss,
    weighted_cross_entropy,
)

SIDE, PIXEL = 16, 0.05


def make_views(worth: Tensor, sample: list[int], samples: int, target: Tensor | None = None) -> Views:
    count = len(worth)
    planes = torch.zeros(count, 1, SIDE, SIDE, dtype=torch.int16)
    return Views(
        planes=planes,
        worth=worth,
        depth=torch.zeros(count, 2, 0, 0, dtype=torch.uint8),
        place=torch.zeros(count, 3),
        reference_hu=torch.zeros(count),
        sample=torch.tensor(sample),
        samples=samples,
        lesions=torch.zeros(count, 0, 0, dtype=torch.int16),
        target=target,
    )


def apart(count: int, rng: np.random.Generator) -> Tensor:
    """(count, SIDE, SIDE) logits in random order, 0.02 apart within each sample's pixels: wider than the histogram's bins."""
    size = count * SIDE * SIDE
    steps = rng.permutation(size).reshape(count, SIDE, SIDE) - size / 2
    return torch.tensor(steps * min(0.02, 20 / size), dtype=torch.float32)


def pseudo_mask(logits: Tensor, views: Views, known: Tensor, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """The target that the loss trains towards."""
    seen: list[Tensor] = []

    def keep(given_logits: Tensor, target: Tensor, given_views: Views) -> Tensor:
        seen.append(target)
        return weighted_cross_entropy(given_logits, target, given_views)

    with monkeypatch.context() as patch:
        patch.setattr(losses, "weighted_cross_entropy", keep)
        self_training_loss(logits, views, known)
    return seen[0]


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.93, 1.0, 1.5])
@pytest.mark.parametrize("seed", range(3))
def test_a_pseudo_mask_adds_up_to_the_known_value_within_a_pixel(
    share: float, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    logits = torch.stack([apart(1, rng)[0] for _ in range(3)])
    worth = torch.tensor(np.where(rng.random((3, SIDE, SIDE)) < 0.6, PIXEL, 0), dtype=torch.float32)
    views = make_views(worth, [0, 1, 2], 3)
    totals = worth.sum((1, 2))
    known = totals * share
    pseudo = pseudo_mask(logits, views, known, monkeypatch)
    reached = (pseudo * worth).sum((1, 2))
    assert torch.unique(pseudo).tolist() in ([0.0, 1.0], [0.0], [1.0])
    assert reached.tolist() == pytest.approx(torch.minimum(known, totals).tolist(), abs=PIXEL * 1.001)
    for number in range(3):  # those of the highest map
        inside = worth[number] > 0
        on, off = logits[number][inside & (pseudo[number] > 0)], logits[number][inside & (pseudo[number] == 0)]
        assert not len(on) or not len(off) or on.min() > off.max()


def test_a_samples_views_share_one_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    logits = torch.tensor(rng.permutation(2 * 64).reshape(2, 64) * 0.02 - 1.2, dtype=torch.float32)
    worth = torch.zeros(2, SIDE, SIDE)
    worth[:, :8, :8] = PIXEL
    spread = torch.full((2, SIDE, SIDE), 5.0)  # outside the candidates: must not count
    spread[:, :8, :8] = logits.reshape(2, 8, 8)
    known = torch.tensor([40 * PIXEL])
    pseudo = pseudo_mask(spread, make_views(worth, [0, 0], 1), known, monkeypatch)
    assert float((pseudo * worth).sum()) == pytest.approx(float(known), abs=PIXEL * 1.001)


def test_value_0_is_all_background(monkeypatch: pytest.MonkeyPatch) -> None:
    worth = torch.full((2, SIDE, SIDE), PIXEL)
    logits = torch.full((2, SIDE, SIDE), 30.0)  # however sure the map is
    views = make_views(worth, [0, 1], 2)
    pseudo = pseudo_mask(logits, views, torch.tensor([0.0, 3.0]), monkeypatch)
    assert not pseudo[0].any()
    assert pseudo[1].any()
    logits = logits.clone().requires_grad_()
    self_training_loss(logits, views, torch.tensor([0.0, 3.0])).backward()
    assert logits.grad is not None
    assert (logits.grad[0] > 0).all()


def test_a_sample_without_views_costs_nothing() -> None:
    worth = torch.full((1, SIDE, SIDE), PIXEL)
    logits = apart(1, np.random.default_rng(0))
    alone = self_training_loss(logits, make_views(worth, [0], 1), torch.tensor([2.0]))
    beside = self_training_loss(logits, make_views(worth, [0], 2), torch.tensor([2.0, 7.0]))
    assert float(beside) == pytest.approx(float(alone) / 2, rel=1e-6)


def test_the_pseudo_mask_takes_no_gradient_and_the_map_does() -> None:
    logits = apart(1, np.random.default_rng(0)).requires_grad_()
    worth = torch.full((1, SIDE, SIDE), PIXEL)
    worth[0, 0] = 0
    self_training_loss(logits, make_views(worth, [0], 1), torch.tensor([3.0])).backward()
    assert logits.grad is not None
    assert not logits.grad[0, 0].any()  # outside the candidates
    assert logits.grad[0, 1:].all()


def test_in_dice_a_small_target_weighs_as_much_as_a_large_one() -> None:
    """Both samples miss half of their target: 2 * (n / 2) / (n / 2 + n), whatever their size."""
    worth = torch.full((2, SIDE, SIDE), PIXEL)
    target, logits = torch.zeros(2, SIDE, SIDE), torch.full((2, SIDE, SIDE), -30.0)
    for number, rows in enumerate((2, SIDE // 2)):
        target[number, :rows] = 1
        logits[number, : rows // 2] = 30
    views = make_views(worth, [0, 1], 2)
    plain, both = (float(segmentation_loss(logits, target, views, dice)) for dice in (0.0, 1.0))
    assert both - plain == pytest.approx(1 / 3, abs=0.02)
    assert plain == pytest.approx(float(weighted_cross_entropy(logits, target, views)))
    assert float(segmentation_loss(logits, target, views, 2.0)) - plain == pytest.approx(2 * (both - plain))


def test_areas_are_compared_as_they_are_and_scores_as_log1p() -> None:
    values = torch.tensor([0.0, 1.0, 99.0])
    assert torch.equal(to_loss_space(get_task("pma"), values), values)
    assert to_loss_space(get_task("cac"), values).tolist() == pytest.approx([0, math.log(2), math.log(100)], rel=1e-6)
    assert to_loss_space(get_task("cac"), torch.tensor([-5.0])).tolist() == [0]  # never not-a-number


@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    task=st.sampled_from(["pma", "sfa", "cac", "liver"]),
    known=st.floats(0, 4000, width=32),
    predicted=st.floats(0, 4000, width=32),
    spread=st.floats(0.5, 100),
)
def test_the_value_loss_is_hubers_in_units_of_the_spread(task: str, known: float, predicted: float, spread: float) -> None:
    space = math.log1p if task == "cac" else float
    error = abs(space(predicted) - space(known)) / spread
    expected = error**2 / 0.2 if error < 0.1 else error - 0.05
    found = value_loss(get_task(task), torch.tensor([predicted]), torch.tensor([known]), spread)
    assert found.dtype == torch.float32
    assert float(found) == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_the_value_loss_of_a_network_that_has_learnt_nothing_is_the_squared_error() -> None:
    known, spread = torch.tensor([10.0, 40.0]), 10.0
    one, other = (value_loss(get_task("pma"), known + error, known, spread, ROUGH) for error in (5.0, 20.0))
    assert float(other) == pytest.approx(16 * float(one), rel=1e-5)


def test_the_mask_loss_is_minimal_at_the_reference() -> None:
    rng = np.random.default_rng(0)
    worth = torch.tensor(rng.random((3, SIDE, SIDE)), dtype=torch.float32)
    target = torch.tensor(rng.random((3, SIDE, SIDE)) < 0.3, dtype=torch.float32)
    target[2] = 0  # an empty reference
    views = make_views(worth, [0, 0, 1], 2, target)
    best = 40 * target - 20
    smallest = float(mask_loss(best, views))
    assert smallest == pytest.approx(0, abs=1e-4)
    for seed in range(5):
        flipped = torch.tensor(np.random.default_rng(seed).random(target.shape) < 0.01)
        assert float(mask_loss(torch.where(flipped, -best, best), views)) > smallest + 1e-3
    logits = torch.zeros_like(target, requires_grad=True)
    mask_loss(logits, views).backward()
    assert logits.grad is not None
    assert torch.equal(logits.grad < 0, target > 0)  # downhill is towards the reference, at every pixel


def test_the_mask_loss_by_hand() -> None:
    worth, target = torch.zeros(1, SIDE, SIDE), torch.zeros(1, SIDE, SIDE)
    worth[0, 0, :2], target[0, 0, 0] = 2.0, 1.0
    logits = torch.zeros(1, SIDE, SIDE)  # 1/2 everywhere
    overlap, both = 2 * 0.5, (2 * 0.5 * 2) + 2
    unit = 0.01 * both
    expected = math.log(2) + 1 - (2 * overlap + unit) / (both + unit)
    assert float(mask_loss(logits, make_views(worth, [0], 1, target))) == pytest.approx(expected, rel=1e-6)


def test_cross_entropy_weighs_each_sample_alike() -> None:
    worth = torch.stack([torch.full((SIDE, SIDE), 1.0), torch.full((SIDE, SIDE), 50.0)])
    logits = torch.stack([torch.full((SIDE, SIDE), 1.0), torch.full((SIDE, SIDE), -2.0)])
    target = torch.ones(2, SIDE, SIDE)
    each = functional.binary_cross_entropy_with_logits(torch.tensor([1.0, -2.0]), torch.ones(2), reduction="none")
    assert float(weighted_cross_entropy(logits, target, make_views(worth, [0, 1], 2))) == pytest.approx(float(each.mean()))


def test_views_without_masks_have_no_mask_loss() -> None:
    with pytest.raises(ValueError, match="no reference mask"):
        mask_loss(torch.zeros(1, SIDE, SIDE), make_views(torch.ones(1, SIDE, SIDE), [0], 1))


def test_cross_entropy_is_of_float32_where_the_target_is_of_half_precision() -> None:
    """A teacher's targets are kept as float16, of which gradients of many candidates would be multiples of 6e-8."""
    worth = torch.full((1, SIDE, SIDE), PIXEL)
    target = torch.full((1, SIDE, SIDE), 0.25)
    found = []
    for kind in (torch.float32, torch.float16):
        logits = torch.linspace(-3, 3, SIDE * SIDE).reshape(1, SIDE, SIDE).requires_grad_()
        loss = 1e-4 * weighted_cross_entropy(logits, target.to(kind), make_views(worth, [0], 1))
        assert loss.dtype == torch.float32
        loss.backward()
        found.append(logits.grad)
    assert torch.equal(*found)


@pytest.mark.parametrize(
    ("task", "errors"),
    [("pma", (3.0 / 2, -4.0 / 2)), ("cac", ((math.log(14) - math.log(11)) / 2, (math.log(7) - math.log(11)) / 2))],
)
def test_the_squared_loss_by_hand(task: str, errors: tuple[float, float]) -> None:
    found = squared_loss(get_task(task), torch.tensor([13.0, 6.0]), torch.tensor([10.0, 10.0]), 2.0)
    assert float(found) == pytest.approx((errors[0] ** 2 + errors[1] ** 2) / 2, rel=1e-5)


def test_the_sparsity_loss_is_the_maps_mean_over_all_pixels() -> None:
    worth, logits = torch.zeros(2, SIDE, SIDE), torch.full((2, SIDE, SIDE), -40.0)
    logits[0, :4], logits[1, 0, 0] = 0.0, 40.0
    found = sparsity_loss(logits, make_views(worth, [0, 0], 1))  # whatever the candidates
    assert float(found) == pytest.approx((4 * SIDE / 2 + 1) / (2 * SIDE * SIDE))


def test_the_sparsity_of_no_view_is_0_with_a_gradient() -> None:
    logits = torch.zeros(0, SIDE, SIDE, requires_grad=True)
    found = sparsity_loss(logits, make_views(torch.zeros(0, SIDE, SIDE), [], 1))
    found.backward()
    assert found.item() == 0
    assert logits.grad is not None


def test_the_symmetry_loss_by_hand() -> None:
    worth = torch.zeros(3, SIDE, SIDE)
    worth[0, 2, 3], worth[0, 5, SIDE - 1] = 4.0, 1.0  # one sample, whose second view
    worth[1, 0, SIDE - 2] = 2.0  # adds to the other side
    worth[2, 1, 1] = 0.1
    views = make_views(worth, [0, 0, 1], 2)
    logits = torch.zeros(3, SIDE, SIDE)  # 1/2 everywhere
    large, small = (4 - 1 - 2) / 2 / 2.0, 0.1 / 2 / 2.0  # differences in units of the spread
    expected = ((large - 0.05) + small**2 / 0.2) / 2
    assert float(symmetry_loss(logits, views, 2.0)) == pytest.approx(expected, rel=1e-6)
    assert float(symmetry_loss(logits.flip(-1), make_views(worth.flip(-1), [0, 0, 1], 2), 2.0)) == pytest.approx(
        expected, rel=1e-6
    )


def test_what_is_alike_on_both_sides_costs_nothing_nor_does_the_middle_column() -> None:
    half = torch.rand(2, SIDE, 7, generator=torch.Generator().manual_seed(0))
    worth = torch.cat([half, torch.ones(2, SIDE, 1), half.flip(-1)], dim=-1)
    logits = torch.zeros_like(worth)
    assert float(symmetry_loss(logits, make_views(worth, [0, 1], 2), 0.1)) == pytest.approx(0, abs=1e-9)
    logits[..., :7] = 1.0
    assert float(symmetry_loss(logits, make_views(worth, [0, 1], 2), 0.1)) > 1


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_pseudo_masks_above_one_half_add_up_to_the_known_value(share: float, sharpness: float) -> None:
    rng = np.random.default_rng(3)
    logits = torch.cat([apart(2, rng), apart(1, rng)])
    worth = torch.tensor(np.where(rng.random((3, SIDE, SIDE)) < 0.6, PIXEL, 0), dtype=torch.float32)
    views = make_views(worth, [0, 0, 1], 2)  # a sample of two views, and one of one
    known = share * views.sums(worth.sum((1, 2)))
    soft = pseudo_masks(logits, views, known, sharpness)
    assert soft.dtype == torch.float32
    reached = views.sums(((soft > 0.5) * worth).sum((1, 2)))
    assert reached.tolist() == pytest.approx(known.tolist(), abs=PIXEL * 1.001)
    moved = torch.logit(soft.double()) / sharpness - logits
    for rows in ([0, 1], [2]):
        cuts = moved[rows][(soft[rows] > 1e-3) & (soft[rows] < 1 - 1e-3)]  # one for all of a sample
        assert len(cuts) > 10
        assert float(cuts.max() - cuts.min()) < 0.01


def test_sharp_pseudo_masks_add_up_themselves_and_value_0_has_none() -> None:
    logits = apart(2, np.random.default_rng(5))
    worth = torch.full((2, SIDE, SIDE), PIXEL)
    views = make_views(worth, [0, 1], 2)
    soft = pseudo_masks(logits, views, torch.tensor([4.0, 0.0]), 1e4)
    sums = views.sums((soft * worth).sum((1, 2)))
    assert float(sums[0]) == pytest.approx(4.0, abs=PIXEL * 1.001)
    assert not soft[1].any()
