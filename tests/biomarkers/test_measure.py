"""What a reader's mask measures."""

from __future__ import annotations

import numpy as np
import pytest

from bioloc.biomarkers.measure import MASS_CALIBRATION, measure
from bioloc.tasks import TASKS, get_task


def test_an_area_counts_the_masks_pixels_in_range() -> None:
    hu = np.array([[[0, 50, 200, -100], [0, 0, 0, 0]]], np.int16)
    labels = np.array([[[1, 1, 1, 1], [0, 0, 0, 2]]], np.uint16)
    measured = measure(get_task("pma"), hu, (5.0, 2.0, 5.0), labels)
    assert measured.value == pytest.approx(3 * 0.1)
    assert [(row["label"], row["pixels"], row["mean_hu"]) for row in measured.components] == [(1, 2, 25.0), (2, 1, 0.0)]


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_an_empty_mask_measures_nothing(task) -> None:
    hu = np.full((2, 4, 4), 60, np.int16)
    measured = measure(task, hu, (3.0, 1.0, 1.0), np.zeros(hu.shape, np.uint16))
    assert measured.value == 0
    assert measured.components == []


def test_a_lesions_companions_by_hand() -> None:
    hu = np.full((1, 4, 4), 0, np.int16)
    hu[0, 1, 1:3] = (200, 320)
    row = measure(get_task("cac"), hu, (1.5, 0.8, 1.0), (hu > 0).astype(np.uint16)).components[0]
    assert row["value"] == pytest.approx(1.6 * 3 * 0.5)
    assert row["area_mm2"] == pytest.approx(1.6)
    assert row["volume_mm3"] == pytest.approx(2.4)
    assert row["mass_mg"] == pytest.approx(MASS_CALIBRATION * 260 * 2.4)
    assert (row["density_factor"], row["peak_hu"], row["mean_hu"], row["slice"]) == (3, 320, 260, 0)


def test_each_label_is_measured_by_itself() -> None:
    hu = np.array([[[150, 450]]], np.int16)  # one component, split by the labels
    measured = measure(get_task("cac"), hu, (3.0, 1.0, 1.0), np.array([[[1, 2]]], np.uint16))
    assert [(row["label"], row["value"]) for row in measured.components] == [(1, 1.0), (2, 4.0)]
    assert measured.value == 5.0


def test_denser_than_the_mask_shows_is_not_looked_at() -> None:
    hu = np.array([[[150, 450]]], np.int16)
    assert measure(get_task("cac"), hu, (3.0, 1.0, 1.0), np.array([[[1, 0]]], np.uint16)).value == 1.0
