"""The heart's region, and whether a scan shows the whole chest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn import CARINA_MM, belly, chest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.anatomy import covers_chest_width, heart_region
from bioloc.ct.read import read_ct
from bioloc.errors import AnatomyError
from bioloc.phantoms import heart as heart_phantom
from bioloc.phantoms.patient import Change


def share(mask: np.ndarray, part: np.ndarray) -> float:
    return float((mask & part).sum() / part.sum())


@settings(max_examples=5, deadline=None)
@given(
    increment=st.sampled_from([2.0, 4.0, 5.0]),
    size=st.floats(0.9, 1.1),
    arms=st.booleans(),
    low_mm=st.floats(0, 60),
)
def test_holds_the_heart_and_not_the_bones(increment: float, size: float, arms: bool, low_mm: float) -> None:
    drawing = chest((increment, 3.0, 3.0), size=size, arms=arms, low_mm=low_mm)
    region = heart_region(drawing.scan(), drawing.spacing)
    assert region.mask.shape == drawing.hu.shape
    assert share(region.mask, drawing.parts["heart"]) > 0.98
    assert share(region.mask, drawing.parts["spine"]) < 0.02
    assert share(region.mask, drawing.parts["sternum"]) < 0.1
    assert region.mask.sum() < 6 * drawing.parts["heart"].sum()
    heights = drawing.z[region.mask.any(axis=(1, 2))] * size
    assert heights.max() <= CARINA_MM * size + 2 * increment + 3


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"low_mm": CARINA_MM - 80}, "within the heart"),
        ({"high_mm": CARINA_MM}, "less than 45 mm of the trachea"),
        ({"airway": False}, "no trachea"),
    ],
)
def test_gives_up_with_the_reason(how: dict, reason: str) -> None:
    drawing = chest(**how)
    with pytest.raises(AnatomyError, match=rf"find the heart \(.*{reason}.*--roi"):
        heart_region(drawing.scan(), drawing.spacing)


def test_gives_up_without_a_spine() -> None:
    drawing = chest()
    drawing.paint("spine", drawing.parts["spine"], 50)
    with pytest.raises(AnatomyError, match="no vertebrae"):
        heart_region(drawing.scan(), drawing.spacing)


def test_a_whole_chest_is_covered_also_when_the_skin_is_not() -> None:
    for width in (460, 350, 300):
        drawing = chest(width_mm=width)
        assert covers_chest_width(drawing.scan(), drawing.spacing)


def test_a_volume_of_the_heart_is_not_a_whole_chest() -> None:
    drawing = chest(width_mm=240, low_mm=70, high_mm=CARINA_MM)
    assert not covers_chest_width(drawing.scan(), drawing.spacing)
    rows, columns = np.indices(drawing.hu.shape[1:])
    middle = (np.array(drawing.hu.shape[1:]) - 1) / 2
    outside = np.hypot(rows - middle[0], columns - middle[1]) > middle.min()
    round_field = np.where(outside, -1024, drawing.scan()).astype(np.int16)
    assert not covers_chest_width(round_field, drawing.spacing)


@pytest.mark.parametrize("seed", [0, 1])
def test_phantoms_of_the_heart_are_not_whole_chests(seed: int) -> None:
    patient = heart_phantom.draw(np.random.default_rng(seed), "coronary_calcium", False, Change())
    assert not covers_chest_width(patient.hu, patient.spacing_mm)


def test_belly_is_covered() -> None:
    drawing = belly()
    assert covers_chest_width(drawing.scan(), drawing.spacing)


@pytest.mark.parametrize(
    "scan", ["lung_pet_ct_dx/Lung_Dx-A0001_5mm_B.nii.gz", "pyradiomics/lung2_image.nrrd", "chest_imaging_platform/ct-64.nrrd"]
)
def test_real_chests_have_a_heart(real_ct: Path, scan: str) -> None:
    ct = read_ct(real_ct / scan)
    assert covers_chest_width(ct.hu, ct.spacing_mm)
    region = heart_region(ct.hu, ct.spacing_mm).mask
    assert share(region, ct.hu > 250) < 0.02, "bone is mostly outside"
    assert region.sum() * np.prod(ct.spacing_mm) > 1.5e6, "mm3: a heart with what is around it"
