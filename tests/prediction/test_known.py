"""Cases predicted in processes, and what fresh ones say: against `calibrate`, and against numbers made up for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tiny_packages import tiny

from bioloc.cohorts.phantom_cohort import orders, write_phantoms
from bioloc.errors import DataError
from bioloc.inference.package import load_package
from bioloc.prediction.calibrate import calibrate, fit_to
from bioloc.prediction.fresh import beside_test, measure_coverage
from bioloc.prediction.known import as_cases, predict_known, usable
from bioloc.tasks import TASKS

PMA = TASKS["pma"]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("package"), "pma")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve phantoms; the scan of one is gone."""
    folder = tmp_path_factory.mktemp("cohort")
    write_phantoms(orders(PMA, 3, {"test": 12}), folder, 1)
    (folder / "images" / "pma-test-0004.nii.gz").unlink()
    return folder / "manifest.csv"


def test_it_predicts_as_calibrate_does(package: Path, manifest: Path) -> None:
    table = predict_known(package, manifest, workers=1, masks=True)
    assert table["case_id"].tolist() == [f"pma-test-{number:04d}" for number in range(12)]
    assert table["value"].tolist() == pytest.approx(pd.read_csv(manifest)["value"].tolist())
    (failed,) = table["error"].dropna()
    assert "no such file or folder" in failed
    assert usable(table)["dice"].between(0, 1).all()
    plain, told = calibrate(load_package(package), manifest, False, lambda line: None)
    fitted, summary = fit_to(load_package(package), as_cases(table), manifest, False)
    assert len(numbers(summary)) > 3
    assert numbers(summary) == pytest.approx(numbers(told), rel=1e-4)  # float32 rounds by the process's threads
    assert summary["failed"][0]["case_id"] == "pma-test-0004"
    assert numbers(fitted.calibration.to_dict()) == pytest.approx(numbers(plain.calibration.to_dict()), rel=1e-4)


def numbers(content: Any) -> list[float]:
    """The numbers that JSON content holds, in order."""
    if isinstance(content, dict | list):
        parts = content.values() if isinstance(content, dict) else content
        return [number for part in parts for number in numbers(part)]
    return [content] if isinstance(content, int | float) else []


def made(count: int, **columns: Any) -> pd.DataFrame:
    known = np.linspace(10, 50, count)
    rows = {"case_id": [f"c{k}" for k in range(count)], "value": known, "predicted": known, "error": None}
    rows |= {"interval_low": known - 2, "interval_high": known + 2, "unlike_training": False}
    return pd.DataFrame(rows | {"patient_id": rows["case_id"]} | columns)


def test_coverage_counts_what_lies_inside() -> None:
    table = made(200)
    table.loc[:9, "value"] -= 5
    table.loc[10:29, "value"] += 5
    table.loc[20:39, "unlike_training"] = True
    table.loc[199, "error"] = "gone"
    found = measure_coverage(PMA, table, 50)
    assert (found["n_cases"], found["n_failed"]) == (199, 1)
    assert found["coverage"]["value"] == pytest.approx(169 / 199)
    assert (found["coverage"]["ci_low"], found["coverage"]["ci_high"]) == pytest.approx((0.7930, 0.8921), abs=1e-3)
    assert (found["below"], found["above"]) == pytest.approx((10 / 199, 20 / 199))
    assert found["flagged"]["value"] == pytest.approx(20 / 199)
    assert found["coverage_unflagged"]["value"] == pytest.approx(159 / 179)
    assert found["mean_width"] == pytest.approx(4)
    assert found["mae"]["value"] == pytest.approx(150 / 199)


def test_nothing_unflagged_has_no_coverage() -> None:
    found = measure_coverage(PMA, made(5, unlike_training=True), 10)
    assert np.isnan(found["coverage_unflagged"]["value"])
    assert found["coverage"]["value"] == 1


def test_fresh_metrics_are_held_against_the_test_splits() -> None:
    table = made(30, dice=0.8)
    table["predicted"] += np.tile([1.0, -1.0], 15)
    test = {
        "pearson_r": {"value": 0.9, "ci_low": 0.99, "ci_high": 1.0},
        "mae": {"value": 2.0, "ci_low": 1.5, "ci_high": 2.5},
        "dice": {"value": 0.82, "ci_low": 0.79, "ci_high": 0.85},
    }
    found = beside_test(PMA, table, test, 50)
    metrics = found["metrics"]
    assert {name: row["inside"] for name, row in metrics.items()} == {"pearson_r": True, "mae": False, "dice": True}
    assert metrics["mae"]["fresh"]["value"] == pytest.approx(1)
    assert metrics["mae"]["overlapping"] is False
    assert metrics["dice"]["test"] == test["dice"]


def test_too_few_predicted_cases_are_told() -> None:
    table = made(4)
    table.loc[1:, "error"] = "gone"
    with pytest.raises(DataError, match=r"1 of 4 cases can be predicted.*first that failed is c1: gone"):
        usable(table)
