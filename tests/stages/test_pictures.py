"""Which cases are shown side by side, and what is said of them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bioloc.project import Project
from bioloc.stages import pictures
from bioloc.stages.evaluate import _headline
from bioloc.tasks import TASKS


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draws tables of predictions without a network; gives the cases that would be drawn."""
    shown = []
    empty = np.zeros((1, 4, 4))
    monkeypatch.setattr(pictures, "load_package", lambda folder: folder.parent.name)
    monkeypatch.setattr(pictures, "predict_native", lambda *_: (0.0, empty, empty > 0))
    monkeypatch.setattr(pictures, "_picture", lambda *arguments: arguments[-1])
    monkeypatch.setattr(pictures, "side_by_side", lambda cases, path: shown.extend([*cases, path]))

    def draw(tables):
        cohort = SimpleNamespace(table=tables["localizer"], shape=lambda _: (1, 4, 4))
        masks = SimpleNamespace(mask=lambda *_: None)
        pictures.draw_side_by_side(Project(tmp_path), TASKS["pma"], cohort, masks, tables)
        return shown[:-1], shown[-1]

    return draw


def _table(errors, dice=np.nan):
    known = np.arange(10.0, 30.0)
    cases = [f"case-{number}" for number in range(20)]
    table = pd.DataFrame({"case_id": cases, "value": known, "predicted": known, "dice": dice})
    for at, error in errors.items():
        table.loc[at, "predicted"] += error
    return table


def test_the_localizers_worst_case_is_among_them_and_named(drawn, tmp_path):
    tables = {"localizer": _table({1: -5.0}, dice=0.8125), "regressor": _table({0: 9.0})}
    cases, path = drawn(tables)
    assert path == tmp_path / "reports/comparison/pma.png"
    assert len(cases) == 5
    assert [case.title for case in cases if "WORST" in case.title] == [
        "case-1, known 11.0 cm2, WORST: largest absolute error of the localizer"
    ]
    assert cases[-1].pictures == {"localizer": "6.00 cm2, Dice 0.812", "regressor (CAM)": "11.0 cm2"}


def test_a_worst_case_that_is_typical_too_is_shown_once(drawn):
    cases, _ = drawn({"localizer": _table({18: 4.0})})
    assert [("WORST" in case.title) for case in cases] == [False, False, False, True]


def test_the_headline_is_flat_and_of_two_splits():
    metrics = {"pearson_r": {"value": 0.9, "ci_low": 0.8}, "icc": {"value": 0.5}}
    splits = {"gate": {"metrics": metrics}, "test": {"metrics": metrics}, "shift": {"metrics": {"dice": {"value": 0.7}}}}
    assert _headline(splits) == {"pearson_r": 0.9, "shift_dice": 0.7}
