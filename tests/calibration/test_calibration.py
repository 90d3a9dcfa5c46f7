"""What a package says of one prediction, with all parts, some, or none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bioloc.calibration import FEATURES, Calibration, Line, Uncertainty, fit_interval, fit_novelty
from bioloc.tasks import TASKS

RNG = np.random.default_rng(0)
KNOWN = RNG.uniform(10, 90, 60)
FEATURED = RNG.normal(0, 1, (60, len(FEATURES)))
INTERVAL = fit_interval(TASKS["pma"], KNOWN, KNOWN + RNG.normal(0, 2, 60), "abc")
NOVELTY = fit_novelty(FEATURED, "abc")
LINE = Line("linear", 0.5, 3.0, 20, "abc", 2.0, 1.0)


def test_a_package_without_parts_says_nothing():
    nothing = Calibration()
    assert nothing.corrected(12.5) == 12.5
    assert nothing.uncertainty(12.5, FEATURED[0]) == Uncertainty()
    assert set(Uncertainty().row().values()) == {None}
    assert nothing.to_dict() == {"interval": None, "novelty": None, "recalibration": None}
    assert Calibration.from_dict({"format": "an old package"}) == nothing


def test_all_parts_together():
    whole = Calibration(INTERVAL, NOVELTY, LINE)
    assert whole.corrected(12.0) == 9
    found = whole.uncertainty(50.0, NOVELTY.center)
    assert 40 < found.interval_low < 50 < found.interval_high < 60
    assert found.interval_level == 0.9
    assert (found.unlike_training, found.novelty, found.warning) == (False, 0, None)
    odd = whole.uncertainty(50.0, NOVELTY.center + 30)
    assert odd.unlike_training is True
    assert f"(novelty {odd.novelty:.2f}, limit 1)" in odd.warning


@pytest.mark.parametrize("parts", [(INTERVAL, None, None), (None, NOVELTY, None), (None, None, LINE), (INTERVAL, NOVELTY, LINE)])
def test_json_and_back(parts):
    calibration = Calibration(*parts)
    again = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    assert again.to_dict() == calibration.to_dict()
    assert again.uncertainty(20.0, FEATURED[0]) == calibration.uncertainty(20.0, FEATURED[0])
    assert again.corrected(20.0) == calibration.corrected(20.0)
