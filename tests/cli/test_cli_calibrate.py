"""`calibrate`: a model and own cases with values in, a model with intervals out, which `predict` takes."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest
import torch
from cli_scans import CAC_SPACING, chest, heart, nifti

from bioloc.cli.main import run
from bioloc.inference.package import load_package

NEW = ("interval_low", "interval_high", "interval_level", "unlike_training", "novelty")
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """No drawing, and one thread for networks this small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr("bioloc.prediction.case.overlay", lambda picture, path, locator: path.write_bytes(PNG))
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Fourteen chests of one slice with more and more muscle."""
    folder = tmp_path_factory.mktemp("chests")
    rng = np.random.default_rng(0)
    for number in range(14):
        hu = chest((20 + 9 * number,))
        hu[hu > -500] += np.rint(rng.normal(0, 5, (hu > -500).sum())).astype(np.int16)
        nifti(folder / f"c{number:02d}.nii.gz", hu)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def raw_values(scans, models, tmp_path_factory):
    """What the model says of them before any calibration."""
    output = tmp_path_factory.mktemp("raw") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bioloc.prediction.case.overlay", lambda picture, path, locator: path.write_bytes(PNG))
        assert run(["predict", "--task", "pma", "--model", str(models["pma"]), "--output", str(output), *map(str, scans)]) == 0
    return [row["value"] for row in json.loads((output / "results.json").read_text())["results"]]


@pytest.fixture
def manifest(scans, raw_values):
    """A manifest of these cases whose known values are `slope` * predicted + `shift`, a little off."""

    def written(slope=1.0, shift=0.0, count=14, **changes):
        rng = np.random.default_rng(1)
        rows = [
            {
                "case_id": scan.name[:3],
                "patient_id": scan.name[:3],
                "image": scan.name,
                "value": slope * value + shift + rng.uniform(0, 0.05 * value),
                "unit": "cm2",
                **changes,
            }
            for scan, value in zip(scans[:count], raw_values, strict=False)
        ]
        path = scans[0].parent / "cases.csv"
        pd.DataFrame(rows).to_csv(path, index=False)
        return path

    return written


def test_a_calibrated_model_gives_intervals_that_hold_the_known_values(call, models, manifest, scans, tmp_path):
    mine = tmp_path / "mine"
    table = manifest()
    done = call("calibrate", "--task", "pma", "--model", models["pma"], "--manifest", table, "--output", mine, "--json")
    assert done.status == 0, done.err
    content = done.json
    assert list(content) == [*("task", "model", "output", "n_cases", "failed", "unit", "interval", "novelty", "recalibration")]
    assert (content["n_cases"], content["failed"], content["unit"], content["recalibration"]) == (14, [], "cm2", None)
    assert content["interval"]["level"] == 0.9
    assert content["novelty"]["cases"] == 14
    assert done.err.count("(known ") == 14
    facts = load_package(mine).facts
    assert facts["calibrated_from"]["model"] == str(models["pma"])

    done = call("predict", "--task", "pma", "--model", mine, "--output", tmp_path / "out", "--json", table)
    assert done.status == 0, done.err
    rows = done.json["results"]
    known = pd.read_csv(table)["value"]
    held = [row["interval_low"] <= value <= row["interval_high"] for row, value in zip(rows, known, strict=True)]
    assert np.mean(held) >= 0.9
    assert {(row["interval_level"], row["unlike_training"]) for row in rows} == {(0.9, False)}
    assert all(0 < row["novelty"] <= 1 for row in rows)
    with (tmp_path / "out" / "results.csv").open() as table:
        (line, *_) = csv.DictReader(table)
    assert float(line["interval_high"]) == pytest.approx(rows[0]["interval_high"])
    parquet = pd.read_parquet(tmp_path / "out" / "results.parquet")
    assert parquet["unlike_training"].dtype == bool
    assert parquet["novelty"].to_numpy() == pytest.approx([row["novelty"] for row in rows])


def test_a_scan_of_another_kind_is_flagged_with_a_warning(call, models, manifest, tmp_path):
    call("calibrate", "--task", "pma", "--model", models["pma"], "--manifest", manifest(), "--output", tmp_path / "mine")
    hu = chest((70,))
    hu[hu > -500] += np.rint(np.random.default_rng(0).normal(0, 60, (hu > -500).sum())).astype(np.int16)
    scan = nifti(tmp_path / "noisy.nii.gz", hu)
    done = call("predict", "--task", "pma", "--model", tmp_path / "mine", "--output", tmp_path / "out", "--json", scan)
    (row,) = done.json["results"]
    assert row["unlike_training"] is True
    assert row["novelty"] > 1
    assert any("unlike those that the model was trained or calibrated on" in warning for warning in row["warnings"])


def test_recalibration_moves_the_value_but_not_map_or_mask(call, models, manifest, raw_values, tmp_path):
    table = manifest(slope=1.5, shift=3)
    options = ("--task", "pma", "--model", models["pma"], "--manifest", table)
    done = call("calibrate", *options, "--output", tmp_path / "mine", "--recalibrate", "--json")
    line = done.json["recalibration"]
    assert line["kept"]
    assert line["error_after"] < 0.2 * line["error_before"]
    done = call("predict", "--task", "pma", "--model", tmp_path / "mine", "--output", tmp_path / "out", "--json", table)
    known = pd.read_csv(table)["value"]
    for row, value, raw in zip(done.json["results"], known, raw_values, strict=True):
        assert row["value"] == pytest.approx(value, rel=0.06)
        assert row["value"] == pytest.approx(line["slope"] * raw + line["intercept"], rel=1e-4)
        assert row["mask_value"] <= row["candidates_value"]
    again = call(
        "calibrate", "--task", "pma", "--model", tmp_path / "mine", *options[4:], "--output", tmp_path / "more", "--json"
    )
    assert load_package(tmp_path / "more").calibration.line == load_package(tmp_path / "mine").calibration.line
    assert again.json["recalibration"] is None


def test_a_correction_that_does_not_help_is_told_and_left_out(call, models, manifest, tmp_path):
    table = manifest(value=None)
    frame = pd.read_csv(table)
    frame["value"] = 20 - 0.1 * np.arange(14)  # known values fall where predicted ones rise
    frame.to_csv(table, index=False)
    options = ("--task", "pma", "--model", models["pma"], "--manifest", table, "--output", tmp_path / "mine", "--recalibrate")
    done = call("calibrate", *options)
    assert done.status == 0
    assert "not kept, since it does not help" in done.out
    assert load_package(tmp_path / "mine").calibration.line is None


def test_calcium_is_calibrated_on_volumes(call, models, tmp_path):
    rows = []
    for number in range(12):
        hu = heart()
        hu[2, 20 : 22 + number % 4, 30 : 33 + number % 3] = 200 + 20 * number
        nifti(tmp_path / f"h{number}.nii.gz", hu, spacing=CAC_SPACING)
        rows.append(
            {
                "case_id": f"h{number}",
                "patient_id": number,
                "image": f"h{number}.nii.gz",
                "value": 30.0 * number,
                "unit": "points",
            }
        )
    table = tmp_path / "hearts.csv"
    pd.DataFrame(rows).to_csv(table, index=False)
    options = ("--task", "cac", "--model", models["cac"], "--manifest", table, "--output", tmp_path / "mine")
    assert call("calibrate", *options, "--recalibrate").status == 0
    done = call("predict", "--task", "cac", "--model", tmp_path / "mine", "--output", tmp_path / "out", "--json", table)
    assert all(0 <= row["interval_low"] <= row["value"] <= row["interval_high"] for row in done.json["results"])


def test_a_model_without_calibration_has_nulls(call, models, scans, tmp_path):
    done = call("predict", "--task", "pma", "--model", models["pma"], "--output", tmp_path / "out", "--json", scans[0], tmp_path)
    good, failed = done.json["results"]
    assert [good[name] for name in NEW] == [failed[name] for name in NEW] == [None] * 5


def test_failed_cases_are_told_and_the_others_count(call, models, manifest, tmp_path):
    table = manifest()
    frame = pd.read_csv(table)
    frame.loc[3, "image"] = "gone.nii.gz"
    frame.to_csv(table, index=False)
    done = call(
        "calibrate", "--task", "pma", "--model", models["pma"], "--manifest", table, "--output", tmp_path / "mine", "--json"
    )
    assert done.status == 1
    assert done.json["n_cases"] == 13
    assert [row["case_id"] for row in done.json["failed"]] == ["c03"]
    assert (tmp_path / "mine" / "model.json").is_file()


def test_too_few_cases_are_told(call, models, manifest, tmp_path):
    options = ("--task", "pma", "--model", models["pma"], "--output", tmp_path / "mine")
    done = call("calibrate", *options, "--manifest", manifest(count=9))
    assert done.status == 2
    assert "9 of 9 cases can be predicted, and a calibration needs at least 10" in done.err.splitlines()[-1]
    assert not (tmp_path / "mine").exists()


def test_too_few_values_above_0_cannot_be_recalibrated(call, models, tmp_path):
    for number in range(12):
        nifti(tmp_path / f"h{number}.nii.gz", heart().clip(max=40 + number), spacing=CAC_SPACING)
    rows = [{"case_id": n, "patient_id": n, "image": f"h{n}.nii.gz", "value": 0, "unit": "points"} for n in range(12)]
    table = tmp_path / "hearts.csv"
    pd.DataFrame(rows).to_csv(table, index=False)
    options = ("--task", "cac", "--model", models["cac"], "--manifest", table)
    done = call("calibrate", *options, "--output", tmp_path / "mine", "--recalibrate")
    assert done.status == 2
    assert "0 cases have a predicted value above 0, and --recalibrate needs at least 10" in done.err.splitlines()[-1]
    assert call("calibrate", *options, "--output", tmp_path / "mine").status == 0


def test_wrong_manifests_and_folders_end_before_anything_is_written(call, models, manifest, tmp_path):
    options = ("calibrate", "--task", "pma", "--model", models["pma"], "--output", tmp_path / "mine", "--manifest")
    call(*options, manifest(value="")).one_sentence("no value, and no mask to measure it from")
    call(*options, manifest(value="", mask="c00.nii.gz")).one_sentence("a calibration compares with known ones")
    table = manifest()
    mixed = pd.read_csv(table)
    mixed.loc[5, "unit"] = "mm2"
    mixed.to_csv(table, index=False)
    call(*options, table).one_sentence("unit 'mm2': pma is measured in cm2")
    assert not (tmp_path / "mine").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    done = call(*options[:5], "--output", tmp_path / "full", "--manifest", manifest())
    done.one_sentence("exists and is not an empty folder: choose another one for the calibrated model")
