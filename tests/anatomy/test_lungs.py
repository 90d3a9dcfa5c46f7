"""The lungs, without the airways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn import SPACING, belly, chest

from bioloc.anatomy import lungs
from bioloc.ct.read import read_ct, read_mask
from bioloc.errors import AnatomyError


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


@pytest.mark.parametrize("spacing", [SPACING, (2.0, 2.2, 2.2), (5.0, 4.0, 4.0)])
def test_lungs_without_airway(spacing: tuple[float, float, float]) -> None:
    drawing = chest(spacing)
    found = lungs(drawing.scan(), spacing)
    assert dice(found, drawing.parts["lungs"]) > 0.96
    trachea = drawing.parts["airway"] & (drawing.z > 240) & (drawing.z < 320)
    assert not (found & trachea).any()


def test_table_and_gas_are_no_lungs() -> None:
    drawing = chest()
    gas = drawing.ellipsoid((60, -40, 0), (30, 28, 18))
    drawing.paint("gas", gas & ~drawing.parts["lungs"], -1000)
    found = lungs(drawing.scan(), SPACING)
    assert not (found & drawing.parts["gas"]).any()
    assert not found[:, drawing.y[:, 0] > 116].any()


def test_lungs_are_found_without_an_airway() -> None:
    drawing = chest(airway=False)
    assert dice(lungs(drawing.scan(), SPACING), drawing.parts["lungs"]) > 0.96


def test_gives_up_without_lungs() -> None:
    with pytest.raises(AnatomyError, match="find the lungs"):
        lungs(belly().scan(), SPACING)


def test_agrees_with_the_labels_of_a_real_chest(real_ct: Path) -> None:
    ct = read_ct(real_ct / "chest_imaging_platform" / "ct-64.nrrd")
    label = read_mask(real_ct / "chest_imaging_platform" / "wholeLung-64.nrrd", ct) > 0
    assert dice(lungs(ct.hu, ct.spacing_mm), label) > 0.9
