"""The slice above the aortic arch, in a drawn chest and in real ones."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from drawn import CARINA_MM, LUNG_TOP_MM, SPACING, belly, chest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.anatomy import arch_slice
from bioloc.anatomy.arch import CARINA_TO_ARCH_MM
from bioloc.ct.read import read_ct
from bioloc.errors import AnatomyError, ImageError


def height_mm(number: int, increment: float, low_mm: float = 0.0) -> float:
    return low_mm + (number + 0.5) * increment


@cache
def whole_chest() -> np.ndarray:
    return chest().scan()


@settings(max_examples=6, deadline=None)
@given(
    increment=st.sampled_from([2.0, 3.0, 5.0, 8.0]),
    size=st.floats(0.85, 1.15),
    low_mm=st.floats(0, 150),
    seed=st.integers(0, 100),
)
def test_level_moves_with_the_anatomy(increment: float, size: float, low_mm: float, seed: int) -> None:
    spacing = (increment, 3.0, 3.0)
    drawing = chest(spacing, size=size, low_mm=low_mm, seed=seed)
    level = arch_slice(drawing.scan(), spacing)
    at = height_mm(level.slice_number, increment, low_mm)
    assert at == pytest.approx(CARINA_MM * size + CARINA_TO_ARCH_MM, abs=max(6, 2 * increment))
    assert height_mm(level.landmarks["lung_top"], increment, low_mm) == pytest.approx(LUNG_TOP_MM * size, abs=12)


@settings(max_examples=5, deadline=None)
@given(off=st.integers(1, 50))
def test_slices_cut_off_at_the_feet_shift_the_number(off: int) -> None:
    whole = whole_chest()
    level, shorter = arch_slice(whole, SPACING), arch_slice(whole[off:], SPACING)
    assert shorter.slice_number == level.slice_number - off
    assert shorter.landmarks == {name: number - off for name, number in level.landmarks.items()}


@pytest.mark.parametrize(
    "how", [{"arms": True}, {"table": False}, {"width_mm": 350}, {"spacing": (4.0, 1.3, 1.3)}, {"spacing": (4.0, 4.2, 4.2)}]
)
def test_surroundings_do_not_matter(how: dict) -> None:
    drawing = chest(**how)
    level = arch_slice(drawing.scan(), drawing.spacing)
    assert height_mm(level.slice_number, drawing.spacing[0]) == pytest.approx(CARINA_MM + CARINA_TO_ARCH_MM, abs=8)
    assert f"slice {level.landmarks['carina']}" in level.rule


def test_a_tube_in_the_trachea_is_no_carina() -> None:
    drawing = chest((4.0, 1.3, 1.3), width_mm=350)
    tube = np.abs(np.hypot(drawing.x, drawing.y - 18) - 4.5) < 0.7
    drawing.paint("tube", tube & (drawing.z > CARINA_MM + 25), 300)
    level = arch_slice(drawing.scan(), drawing.spacing)
    assert height_mm(level.slice_number, 4.0) == pytest.approx(CARINA_MM + CARINA_TO_ARCH_MM, abs=6)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"high_mm": CARINA_MM + 48}, "the scan ends"),
        ({"high_mm": CARINA_MM + 15}, "of the trachea is in the scan"),
        ({"high_mm": CARINA_MM - 40}, "no trachea is seen"),
        ({"low_mm": CARINA_MM + 20}, "ends above the carina"),
        ({"airway": False}, "no trachea is seen"),
        ({"spacing": (10.0, 3.0, 3.0)}, "slices are 10 mm apart"),
        ({"low_mm": 250, "high_mm": 265}, "no lung, or too little"),
    ],
)
def test_gives_up_with_the_reason(how: dict, reason: str) -> None:
    drawing = chest(**how)
    with pytest.raises(AnatomyError, match=rf"find the slice above the aortic arch \(.*{reason}.*--slice"):
        arch_slice(drawing.scan(), drawing.spacing)


def test_gives_up_without_lungs() -> None:
    with pytest.raises(ImageError, match="there is no lung"):
        arch_slice(belly().scan(), SPACING)
    with pytest.raises(AnatomyError, match="no lung"):
        arch_slice(np.full((4, 40, 40), -1000, np.int16), SPACING)


@pytest.mark.parametrize(
    ("scan", "arch_top"),  # the highest slice with the arch, by eye; the scans' README says "near 46" of the first
    [
        ("lung_pet_ct_dx/Lung_Dx-A0001_5mm_B.nii.gz", 47),
        ("pyradiomics/lung2_image.nrrd", 47),
        ("chest_imaging_platform/ct-64.nrrd", 60),
    ],
)
def test_within_10_mm_of_the_arch_of_real_chests(real_ct: Path, scan: str, arch_top: int) -> None:
    ct = read_ct(real_ct / scan)
    assert abs(arch_slice(ct.hu, ct.spacing_mm).slice_number - arch_top) * ct.spacing_mm[0] <= 10


def test_gives_up_on_a_real_abdomen(real_ct: Path) -> None:
    ct = read_ct(real_ct / "totalsegmentator" / "example_ct.nii.gz")
    with pytest.raises(AnatomyError, match="--slice"):
        arch_slice(ct.hu, ct.spacing_mm)
