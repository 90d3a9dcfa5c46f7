"""A real `make repro` of a cohort that has values and no mask, as most have: all goes its way, without the segmenter."""

import json

import pandas as pd
import pytest
import yaml
from conftest_study import make_study, run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("repro")]
REASON = "16 of 16 cases of train and val have no reference mask"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = make_study(tmp_path_factory.mktemp("repro") / "study", ["liver"])
    own = tmp_path_factory.mktemp("own") / "cohort"
    run(root, "git", "init", "-q")
    run(root, "dvc", "init", "-q")
    run(root, "bioloc-cli", "phantom", "--task", "liver", "--output", str(own), "--seed", "5", "--patients", "24")
    table = pd.read_csv(own / "manifest.csv").drop(columns="mask")
    table["split"] = (["train"] * 3 + ["val", "gate", "test"]) * 4
    table.to_csv(own / "manifest.csv", index=False)
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["tasks"]["liver"]["source"] = str(own / "manifest.csv")
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    run(root, "python", "-m", "bioloc.stages.repro")
    return root


def read(root, path):
    return json.loads((root / path).read_text())


def test_the_localizer_is_promoted(root):
    assert read(root, "reports/registry/liver.json")["decision"] == "promoted"
    content = json.loads(run(root, "bioloc-cli", "evaluate", "--task", "liver", "--json").stdout)
    assert content["metrics"]["mae"]["value"] > 0


def test_the_segmenter_is_left_out_and_the_reason_is_said(root):
    assert read(root, "models/liver/segmenter/run.json")["left_out"] == REASON
    assert read(root, "reports/evaluation/liver/segmenter/metrics.json")["left_out"] == REASON
    rows = read(root, "reports/comparison/liver.json")["rows"]
    methods = [name for name, row in rows.items() if row["kind"] == "method"]
    assert methods == ["localizer", "localizer-paper", "regressor", "regressor-candidates"]
    assert "oracle" not in rows  # that row is the masks' own
    for report in ("results.md", "index.html"):
        assert f"Left out: segmenter, since {REASON}." in (root / "reports" / report).read_text(), report


def test_what_is_left_out_is_no_run_and_no_warning(root):
    done = run(root, "bioloc-cli", "registry", "sync")
    assert "warning" not in done.stderr
    assert "runs: 4," in done.stderr


def test_a_second_repro_has_nothing_to_do(root):
    assert "Running stage" not in run(root, "dvc", "repro").stdout
