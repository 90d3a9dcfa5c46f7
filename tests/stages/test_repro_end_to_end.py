"""A real `dvc repro` of a small study: one task from end to end, and one whose data validation stops it."""

import json
import shutil

import pandas as pd
import pytest
import yaml
from conftest_study import run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("repro")]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    from conftest_study import make_study

    root = make_study(tmp_path_factory.mktemp("repro") / "study", ["cac", "pma"])
    run(root, "git", "init", "-q")
    run(root, "dvc", "init", "-q")
    own = tmp_path_factory.mktemp("own") / "cohort"
    run(root, "bioloc-cli", "phantom", "--task", "pma", "--output", str(own), "--seed", "5", "--patients", "24")
    spoil_units(own / "manifest.csv")
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["tasks"]["pma"]["source"] = str(own / "manifest.csv")
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    return root, run(root, "python", "-m", "bioloc.stages.repro", check=False)


def spoil_units(manifest):
    """Square millimetres in a column that says cm2, and splits for the patients."""
    table = pd.read_csv(manifest)
    table["value"] *= 100
    table["split"] = (["train"] * 3 + ["val", "gate", "test"]) * 4
    table.to_csv(manifest, index=False)


def test_one_task_ends_well_and_the_other_is_stopped_by_its_gate(finished):
    root, done = finished
    assert done.returncode != 0  # a stopped task is not overlooked
    decision = json.loads((root / "reports/registry/cac.json").read_text())
    assert decision["decision"] == "promoted", decision
    refused = json.loads((root / "reports/validation/pma.json").read_text())
    assert refused["success"] is False
    assert any("mm2" in entry["message"] for entry in refused["critical"])
    assert not (root / "models/pma").exists()


def test_the_report_tells_of_both(finished):
    root, _ = finished
    page = (root / "reports/index.html").read_text()
    assert "coronary calcium" in page
    assert "mm2" in page
    assert "localizer" in (root / "reports/results.md").read_text()


def test_times_are_printed(finished):
    _, done = finished
    assert "train" in done.stdout
    assert "localizer" in done.stdout


def test_a_second_repro_runs_no_stage_of_the_good_task(finished):
    root, _ = finished
    again = run(root, "dvc", "repro", "--keep-going", "promote@cac")
    assert "Running stage" not in again.stdout


def test_the_champion_evaluates_and_predicts(finished, tmp_path):
    root, _ = finished
    content = json.loads(run(root, "bioloc-cli", "evaluate", "--task", "cac", "--json").stdout)
    assert {"task", "model", "split", "n_cases", "n_patients", "unit", "metrics"} <= set(content)
    assert {"pearson_r", "pearson_r_log1p", "spearman", "category_accuracy", "weighted_kappa", "dice"} <= set(content["metrics"])
    fresh = tmp_path / "fresh"
    run(root, "bioloc-cli", "phantom", "--task", "cac", "--output", str(fresh), "--seed", "9", "--patients", "2")
    done = run(
        root, "bioloc-cli", "predict", "--task", "cac", "--json", "--output", str(tmp_path / "out"), str(fresh / "manifest.csv")
    )
    rows = json.loads(done.stdout)["results"]
    assert [row["status"] for row in rows] == ["ok", "ok"]
    assert all(row["category"] for row in rows)


def test_the_registry_comes_back_and_moves_along(finished, tmp_path):
    root, _ = finished
    (root / "mlflow.db").unlink()
    run(root, "bioloc-cli", "registry", "sync")
    shown = json.loads(run(root, "bioloc-cli", "registry", "list", "--json").stdout)
    assert any("champion" in str(row) for row in shown)
    moved = tmp_path / "elsewhere"
    shutil.copytree(root, moved, symlinks=True)
    hidden = root.with_name("gone")
    root.rename(hidden)
    try:
        content = json.loads(run(moved, "bioloc-cli", "evaluate", "--task", "cac", "--json").stdout)
        assert content["n_cases"] == 5
    finally:
        hidden.rename(root)
