"""The liver, in a drawn belly and in real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn import SPACING, belly
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.anatomy import find_liver
from bioloc.ct.read import read_ct, read_mask
from bioloc.errors import AnatomyError


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


@settings(max_examples=4, deadline=None)
@given(
    increment=st.sampled_from([2.0, 4.0, 5.0]),
    liver_hu=st.sampled_from([30.0, 65.0, 110.0, 150.0]),
    size=st.floats(0.85, 1.15),
    low_mm=st.floats(0, 120),
)
def test_finds_the_liver(increment: float, liver_hu: float, size: float, low_mm: float) -> None:
    drawing = belly((increment, 3.0, 3.0), liver_hu=liver_hu, size=size, low_mm=low_mm)
    region = find_liver(drawing.scan(20), drawing.spacing)
    assert dice(region.mask, drawing.parts["liver"]) > 0.9
    assert (region.mask & drawing.parts["tumour"]).sum() > 0.95 * drawing.parts["tumour"].sum()


def test_gives_up_on_a_mirrored_scan() -> None:
    with pytest.raises(AnatomyError, match=r"find the liver \(.*--roi"):
        find_liver(np.ascontiguousarray(belly().scan()[:, :, ::-1]), SPACING)


def test_gives_up_without_a_liver() -> None:
    drawing = belly()
    for part in ("liver", "tumour"):
        drawing.paint(part, drawing.parts[part], -95)
    with pytest.raises(AnatomyError, match=r"find the liver \(.*--roi"):
        find_liver(drawing.scan(), SPACING)


def test_gives_up_where_the_liver_cannot_be_told_from_what_is_around_it() -> None:
    drawing = belly(liver_hu=55)
    drawing.paint("fat", drawing.parts["fat"], 55)
    with pytest.raises(AnatomyError, match=r"find the liver \(.*--roi"):
        find_liver(drawing.scan(), SPACING)


@pytest.mark.parametrize(
    ("scan", "mask", "label"),
    [
        ("totalsegmentator/example_ct.nii.gz", "totalsegmentator/example_seg_fast_force_split.nii.gz", 5),
        ("totalsegmentator/example_ct_sm.nii.gz", "totalsegmentator/example_seg.nii.gz", 5),
        ("dcmqi_liver3/ct_3slice.nii.gz", "dcmqi_liver3/seg/liver_seg.nrrd", 1),
    ],
)
def test_agrees_with_masks_of_real_scans(real_ct: Path, scan: str, mask: str, label: int) -> None:
    ct = read_ct(real_ct / scan)
    assert dice(find_liver(ct.hu, ct.spacing_mm).mask, read_mask(real_ct / mask, ct) == label) > 0.85
