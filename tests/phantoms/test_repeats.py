"""The same patient under new noise: for how repeatable a number is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from bioloc.cohorts.phantom_cohort import Order
from bioloc.phantoms.patient import Change
from bioloc.tasks import TASKS, get_task


@pytest.mark.parametrize("task", TASKS)
def test_only_the_noise_is_new(task: str) -> None:
    order = Order(get_task(task), 1, "test", 3)
    (one, value), (again, other) = (replace(order, change=Change(repeat=number)).draw() for number in (1, 2))
    first, _ = order.draw()
    assert again.facts.keys() == first.facts.keys()
    assert again.hu.shape == first.hu.shape
    for a, b in ((one, again), (first, one)):
        difference = a.hu.astype(np.float64) - b.hu
        assert difference.std() > 3
        # Anatomy cancels out: what is left is fine-grained, and in the mean nothing.
        assert ndimage.gaussian_filter(difference, (0, 8, 8)).std() < 0.35 * difference.std()
        assert abs(difference.mean()) < 0.5
    assert other == pytest.approx(value, rel=0.25, abs=20)


def test_a_repeat_is_drawn_the_same_each_time() -> None:
    order = Order(get_task("liver"), 1, "test", 3, Change(repeat=2))
    assert order.draw()[0].hu.tobytes() == order.draw()[0].hu.tobytes()
