"""The Agatston score: cases by hand, a naive second implementation, and a scanned phantom with known scores."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bioloc.biomarkers.agatston import density_factor, find_lesions
from bioloc.biomarkers.candidates import find_candidates
from bioloc.biomarkers.measure import measure
from bioloc.ct import read_ct, read_mask
from bioloc.tasks import get_task

CAC = get_task("cac")
MM = (3.0, 1.0, 1.0)


def volume(*slices: list[list[int]]) -> NDArray[np.int16]:
    return np.array(slices, np.int16)


def score(hu: NDArray[np.int16], spacing_mm: tuple[float, float, float]) -> float:
    return find_candidates(CAC, hu, spacing_mm).total()


def naive_score(hu: NDArray[np.int16], spacing_mm: tuple[float, float, float], inside: NDArray[np.bool_]) -> float:
    """The definition, pixel by pixel, with a flood fill."""
    total, seen = 0.0, np.zeros(hu.shape, bool)
    for s, r, c in np.argwhere((hu >= 130) & inside):
        if seen[s, r, c]:
            continue
        seen[s, r, c] = True
        stack, lesion = [(r, c)], []
        while stack:
            row, column = stack.pop()
            lesion.append(int(hu[s, row, column]))
            for y in range(max(row - 1, 0), min(row + 2, hu.shape[1])):
                for x in range(max(column - 1, 0), min(column + 2, hu.shape[2])):
                    if not seen[s, y, x] and hu[s, y, x] >= 130 and inside[s, y, x]:
                        seen[s, y, x] = True
                        stack.append((y, x))
        area = len(lesion) * spacing_mm[1] * spacing_mm[2]
        if area >= 1 - 1e-6:
            factor = next(g for edge, g in ((400, 4), (300, 3), (200, 2), (130, 1)) if max(lesion) >= edge)
            total += area * factor * spacing_mm[0] / 3
    return total


@pytest.mark.parametrize(
    ("peak", "factor"),
    [(129, 0), (130, 1), (199, 1), (200, 2), (299, 2), (300, 3), (399, 3), (400, 4), (3000, 4)],
)
def test_density_factor(peak: int, factor: int) -> None:
    assert density_factor(np.array([peak], float)).tolist() == [factor]


@pytest.mark.parametrize(
    ("peak", "spacing_mm", "expected"),
    [
        (130, (3.0, 1.0, 1.0), 4.0),  # 4 pixels, 4 mm2, factor 1
        (400, (3.0, 1.0, 1.0), 16.0),
        (250, (1.5, 1.0, 1.0), 4.0),  # overlapping slices: the increment counts
        (399, (3.0, 0.5, 0.8), 4.8),  # 1.6 mm2 * 3
        (200, (2.5, 0.5, 0.5), 2 * 2.5 / 3),  # 1 mm2 * 2 * 2.5/3
    ],
)
def test_a_square_lesion_by_hand(peak: int, spacing_mm: tuple[float, float, float], expected: float) -> None:
    hu = np.full((1, 6, 6), 40, np.int16)
    hu[0, 2:4, 2:4] = 130
    hu[0, 3, 3] = peak  # the factor is that of the whole component's maximum
    assert score(hu, spacing_mm) == pytest.approx(expected)
    measured = measure(CAC, hu, spacing_mm, np.ones(hu.shape, np.uint16))
    assert measured.value == pytest.approx(expected)
    assert len(measured.components) == 1


def test_129_hu_is_no_calcium() -> None:
    assert score(np.full((2, 4, 4), 129, np.int16), MM) == 0


@pytest.mark.parametrize(("pixels", "side_mm", "kept"), [(4, 0.5, True), (3, 0.5, False), (1, 1.0, True), (1, 0.99, False)])
def test_a_lesion_of_1_mm2_is_kept_and_a_smaller_one_dropped(pixels: int, side_mm: float, kept: bool) -> None:
    hu = np.zeros((1, 3, 8), np.int16)
    hu[0, 1, 1 : 1 + pixels] = 500
    found = find_candidates(CAC, hu, (3.0, side_mm, side_mm))
    assert found.mask.any() == kept
    assert found.total() == pytest.approx(4 * pixels * side_mm**2 if kept else 0)


def test_1_mm2_is_kept_when_the_file_rounds_the_spacing() -> None:
    hu = np.zeros((1, 3, 8), np.int16)
    hu[0, 1, 1:5] = 150
    assert find_lesions(hu, (3.0, float(np.nextafter(0.5, 0)), 0.5)).pixels.tolist() == [4]


def test_pixels_that_touch_at_a_corner_are_one_lesion() -> None:
    hu = volume([[150, 0, 0], [0, 350, 0], [0, 0, 150]])
    assert score(hu, MM) == pytest.approx(3 * 3)  # apart they were 1 + 3 + 1
    assert find_lesions(hu, MM).pixels.tolist() == [3]
    assert score(hu, (3.0, 0.6, 0.6)) == pytest.approx(3 * 0.36 * 3)  # and apart they were too small


def test_components_are_per_slice() -> None:
    hu = volume([[150, 150], [0, 0]], [[450, 450], [0, 0]])
    assert score(hu, MM) == pytest.approx(2 * 1 + 2 * 4)
    lesions = find_lesions(hu, MM)
    assert lesions.slice_number.tolist() == [0, 1]
    assert lesions.peak_hu.tolist() == [150, 450]
    small = volume([[150, 0], [0, 0]], [[150, 0], [0, 0]])
    assert score(small, (3.0, 0.8, 0.8)) == 0  # 0.64 mm2 each: slices do not add up to a lesion


def test_a_region_cuts_lesions() -> None:
    hu = volume([[150, 150, 450]])
    region = np.array([[[True, True, False]]])
    assert find_candidates(CAC, hu, MM, region).total() == pytest.approx(2)


@st.composite
def scans(draw: st.DrawFn) -> tuple[NDArray[np.int16], tuple[float, float, float], NDArray[np.bool_]]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = tuple(draw(st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12))))
    share = draw(st.floats(0, 0.7))
    hu = np.where(rng.random(shape) < share, rng.integers(125, 450, shape), -20).astype(np.int16)
    spacing_mm = tuple(draw(st.tuples(st.sampled_from([0.5, 1.5, 3.0]), *[st.sampled_from([0.3, 0.5, 0.75, 1.0])] * 2)))
    return hu, spacing_mm, rng.random(shape) < draw(st.sampled_from([0.6, 1.0]))


@settings(derandomize=True, deadline=None, max_examples=30)
@given(scans(), st.integers(0, 2**32 - 1))
def test_whole_lesions_add_up_to_the_naive_score(
    scan: tuple[NDArray[np.int16], tuple[float, float, float], NDArray[np.bool_]], seed: int
) -> None:
    hu, spacing_mm, region = scan
    found = find_candidates(CAC, hu, spacing_mm, region)
    assert found.lesions is not None
    assert found.total() == pytest.approx(naive_score(hu, spacing_mm, region))
    chosen = np.random.default_rng(seed).random(found.lesions.max() + 1) < 0.5
    chosen[0] = False
    mask = chosen[found.lesions]
    assert found.value(mask) == pytest.approx(naive_score(hu, spacing_mm, mask))
    assert measure(CAC, hu, spacing_mm, mask.astype(np.uint16)).value == pytest.approx(found.value(mask))


def test_the_scanned_phantom_has_its_reference_scores(real_ct: Path) -> None:
    folder = real_ct / "qrm_cac_phantom"
    ct = read_ct(folder / "canon_aquilion_Large_rep1.nii.gz")
    labels = read_mask(folder / "inserts_mask.nii.gz", ct)
    measured = measure(CAC, ct.hu, ct.spacing_mm, labels)
    assert measured.value == pytest.approx(966.63, abs=0.5)
    by_label: dict[int, dict[str, float]] = {}
    for row in measured.components:
        sums = by_label.setdefault(row["label"], {"value": 0.0, "volume_mm3": 0.0})
        for name in sums:
            sums[name] += row[name]
    with (folder / "reference_Large_rep1.csv").open(encoding="utf-8") as stream:
        references = {number: row for number, row in enumerate(csv.DictReader(stream), start=1) if row["centre_zyx_voxel"]}
    references = {number: row for number, row in references.items() if float(row["agatston_ref"]) > 0}
    assert len(references) == 7
    assert set(by_label) == set(references)
    for number, row in references.items():
        assert by_label[number]["value"] == pytest.approx(float(row["agatston_ref"]), rel=1e-3), row["insert"]
        assert by_label[number]["volume_mm3"] == pytest.approx(float(row["volume_ref_mm3"]), rel=1e-3), row["insert"]
