"""A zoomed image has the areas that it is said to have, and nothing that may count leaves the grid."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.ct.image import AIR
from bioloc.networks.views import Views
from bioloc.training.zoom import zoomed

SIDE = 64


def disc(radius: float, row: float = 31.5, column: float = 31.5) -> Views:
    """Two samples: within a disc 50 HU, worth 0.25 and 100 mm deep, and the left half of it is the target; fat around it."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    inside = ((rows - row) ** 2 + (columns - column) ** 2 <= radius**2).expand(2, SIDE, SIDE)
    return Views(
        planes=torch.where(inside, 50, -100).to(torch.int16)[:, None],
        worth=0.25 * inside,
        depth=(100 * inside).to(torch.uint8)[:, None].repeat(1, 2, 1, 1),
        place=torch.zeros(2, 3),
        reference_hu=torch.zeros(2),
        sample=torch.tensor([0, 1]),
        samples=2,
        lesions=torch.zeros(2, 0, 0, dtype=torch.int16),
        target=(inside & (columns < column)).float(),
    )


@settings(derandomize=True, deadline=None, max_examples=30)
@given(seed=st.integers(0, 9999), radius=st.floats(8, 20), share=st.floats(0.02, 0.3))
def test_the_area_grows_by_what_is_said(seed: int, radius: float, share: float) -> None:
    views = disc(radius)
    changed, growth = zoomed(views, share, np.random.default_rng(seed))
    assert (1 - share) ** 2 <= growth <= (1 + share) ** 2
    area = changed.worth[0].sum() / views.worth[0].sum()
    assert float(area) == pytest.approx(growth, rel=2 / radius)  # a row more or less along each axis


def test_areas_are_right_in_the_mean() -> None:
    views, rng = disc(15), np.random.default_rng(1)
    drawn = [zoomed(views, 0.2, rng) for _ in range(200)]
    ratios = [float(changed.worth[0].sum() / views.worth[0].sum()) / growth for changed, growth in drawn]
    assert np.mean(ratios) == pytest.approx(1, abs=0.005)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(seed=st.integers(0, 9999), row=st.floats(12, 51), column=st.floats(12, 51))
def test_everything_moves_together_and_nothing_that_may_count_is_lost(seed: int, row: float, column: float) -> None:
    views = disc(10, row, column)
    changed, growth = zoomed(views, 0.5, np.random.default_rng(seed))
    inside = changed.worth > 0
    assert torch.equal(changed.planes[:, 0] == 50, inside)
    assert set(changed.planes.unique().tolist()) <= {50, -100, AIR}
    assert not ((changed.planes[:, 0] == AIR) & inside).any()
    assert changed.depth.dtype == torch.uint8
    assert (changed.depth[:, 0][inside] == round(min(100 * growth**0.5, 255))).all()
    assert changed.target is not None
    assert not (changed.target > 0)[~inside].any()
    # Grown beyond its grid a disc would be cut; shrunk, rows are left out.
    assert float(inside[0].sum()) == pytest.approx(growth * float((views.worth[0] > 0).sum()), rel=0.25)


def test_what_is_at_the_edge_grows_no_more() -> None:
    rng = np.random.default_rng(3)
    assert all(zoomed(disc(10, row=9, column=54), 0.3, rng)[1] <= 1 for _ in range(40))
    assert any(zoomed(disc(10), 0.3, rng)[1] > 1.1 for _ in range(40))


def test_images_without_candidates_are_zoomed_too() -> None:
    views = disc(0.1, row=0.5)
    assert not views.worth.any()
    _, growth = zoomed(views, 0.2, np.random.default_rng(5))
    assert growth != 1
