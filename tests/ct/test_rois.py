"""Outlines of coronary lesions land on the pixels and the slice that they were drawn on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_trees import HEART_ORIGIN, HEART_SPACING, LESION_SCORE, LESIONS, heart, heart_series, plist

from bioloc.biomarkers import measure
from bioloc.ct import CT, read_ct, read_mask
from bioloc.errors import ImageError
from bioloc.tasks import get_task

LAD = "Left Anterior Descending Artery"


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> CT:
    return read_ct(heart_series(tmp_path_factory.mktemp("heart") / "series", heart()))


def height(number: int) -> float:
    return HEART_ORIGIN[2] + number * HEART_SPACING[0]


def test_the_score_inside_the_outlines_is_exact(tmp_path: Path, scan: CT) -> None:
    labels = read_mask(plist(tmp_path / "1.xml"), scan)
    assert labels.dtype == np.uint16
    assert set(np.unique(labels)) == {0, 1, 3}
    found = measure(get_task("cac"), scan.hu, scan.spacing_mm, labels)
    assert found.value == pytest.approx(LESION_SCORE, rel=1e-9)
    assert [(row["label"], row["slice"], row["density_factor"]) for row in found.components] == [(1, 2, 2), (3, 7, 4)]


@pytest.mark.parametrize(
    "index",
    [
        lambda z: round((z - HEART_ORIGIN[2]) / 3),  # from the feet
        lambda z: 9 - round((z - HEART_ORIGIN[2]) / 3),  # from the head
        lambda z: 10 - round((z - HEART_ORIGIN[2]) / 3),  # from the head, from 1
    ],
)
def test_what_image_index_counts_does_not_matter(tmp_path: Path, scan: CT, index: object) -> None:
    plain = read_mask(plist(tmp_path / "a.xml"), scan)
    assert np.array_equal(read_mask(plist(tmp_path / "b.xml", index=index), scan), plain)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(0, 9), st.integers(0, 38), st.integers(0, 42), st.integers(1, 20), st.integers(1, 20), st.floats(-0.4, 0.4))
def test_a_rectangle_is_its_pixels(
    tmp_path_factory: pytest.TempPathFactory, scan: CT, number: int, row: int, column: int, rows: int, columns: int, off: float
) -> None:
    low, high = (row, column), (min(row + rows, 39), min(column + columns, 43))
    corners = [(low[1], low[0]), (high[1], low[0]), (high[1], high[0]), (low[1], high[0])]
    points = [(x + off, y - off) for x, y in corners]
    path = plist(tmp_path_factory.mktemp("roi") / "x.xml", [(LAD, points, height(number) + off)])
    wanted = np.zeros(scan.hu.shape, bool)
    wanted[number, low[0] : high[0] + 1, low[1] : high[1] + 1] = True
    assert np.array_equal(read_mask(path, scan) > 0, wanted)


@pytest.mark.parametrize("points", [[(5, 7)], [(5, 7), (6, 9)]])
def test_one_or_two_points_are_those_pixels(tmp_path: Path, scan: CT, points: list[tuple[float, float]]) -> None:
    labels = read_mask(plist(tmp_path / "1.xml", [(LAD, points, height(4))]), scan)
    assert {(int(s), int(c), int(r)) for s, r, c in np.argwhere(labels)} == {(4, x, y) for x, y in points}


def test_no_points_and_no_outlines_are_nothing(tmp_path: Path, scan: CT) -> None:
    assert not read_mask(plist(tmp_path / "1.xml", [(LAD, [], 0)]), scan).any()
    assert not read_mask(plist(tmp_path / "2.xml", []), scan).any()


@pytest.mark.parametrize("axes", [(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0), (-1, 0, 0, 0, 1, 0)])
def test_outlines_follow_the_image_however_the_patient_lay(tmp_path: Path, axes: tuple[int, ...]) -> None:
    ct = read_ct(heart_series(tmp_path / "series", heart(), ImageOrientationPatient=list(axes)))
    labels = read_mask(plist(tmp_path / "1.xml"), ct)
    assert (ct.hu[labels == 1] == 250).sum() == 6
    assert (ct.hu[labels == 3] == 450).sum() == 4


@pytest.mark.parametrize("off_mm", [-HEART_SPACING[0], 30.0])
def test_an_outline_above_or_below_the_scan_is_refused(tmp_path: Path, scan: CT, off_mm: float) -> None:
    place = height(0) + off_mm if off_mm < 0 else height(9) + off_mm
    with pytest.raises(ImageError, match=f"{place:.1f} mm is above or below"):
        read_mask(plist(tmp_path / "1.xml", [(LAD, LESIONS[0][1], place)]), scan)


def test_an_unknown_artery_is_named(tmp_path: Path, scan: CT) -> None:
    with pytest.raises(ImageError, match="an outline of 'Aorta'"):
        read_mask(plist(tmp_path / "1.xml", [("Aorta", [(1, 1)], height(1))]), scan)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no xml",
        "<a/>",
        "<plist version='1.0'><dict><key>Images</key><array><dict/></array></dict></plist>",
        "<plist version='1.0'><array/></plist>",
    ],
)
def test_another_file_is_refused(tmp_path: Path, scan: CT, text: str) -> None:
    path = tmp_path / "1.xml"
    path.write_text(text)
    with pytest.raises(ImageError, match="not a list of outlines") as caught:
        read_mask(path, scan)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("point", ["__import__('os').getcwd()", "(1, )", "(1, 2, 3)", "12", "(1, 'a')", "(1, 1e999)"])
def test_a_point_is_two_numbers(tmp_path: Path, scan: CT, point: str) -> None:
    path = plist(tmp_path / "1.xml", [(LAD, [(1, 1)], height(1))])
    path.write_text(path.read_text().replace("(1.000000, 1.000000)", point))
    with pytest.raises(ImageError, match="not a list of outlines"):
        read_mask(path, scan)


def test_a_missing_file_is_told(tmp_path: Path, scan: CT) -> None:
    with pytest.raises(ImageError, match=r"none\.xml"):
        read_mask(tmp_path / "none.xml", scan)
