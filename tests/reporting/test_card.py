"""A model card says what the files of its model say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from bioloc.files import read_json, write_json
from bioloc.project import Project
from bioloc.reporting.card import render_card
from bioloc.reporting.content import gather
from bioloc.reporting.page import write_html

KEY = "feed0123feed0123"
HEADINGS = (  # Mitchell et al., 2019, figure 1
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
)


def _interval(value: float) -> dict[str, float]:
    return {"value": value, "ci_low": value - 0.01, "ci_high": value + 0.01}


def _model(project: Project, source: str = "phantom", **parts: Any) -> Path:
    """models/pma/localizer with a champion's files, and reports on it."""
    folder = project.model("pma", "localizer")
    spec = {"encoder": "regnetx_002", "size": 132, "pixel_mm": 3.3, "patch": 0}
    write_json(folder / "package" / "model.json", {"bioloc": "0.1.0", "spec": spec, "threshold": 0.36, **parts})
    tensors = {"a.weight": torch.zeros(3, 5), "a.running_mean": torch.zeros(7)}
    save_file(tensors, folder / "package" / "weights.safetensors")
    run = {
        "run_key": KEY,
        "method": "localizer",
        "created": "2026-11-24T12:54:01+00:00",
        "git_commit": "c0ffee",
        "seconds": 123.5,
        "params": {"seed": 2020, "source": source},
        "data": {"cohort_md5": "c1" * 16, "candidates_md5": "c2" * 16, "cases": {"train": 511, "val": 97}},
        "environment": {"processor": "a | processor", "threads": 2, "accelerator": "none", "torch": "2"},
    }
    write_json(folder / "run.json", run)
    found = {"pearson_r": _interval(0.912), "mae": _interval(1.75), "dice": _interval(0.834)}
    splits = {
        "test": {"n_cases": 128, "n_patients": 127, "metrics": found},
        "shift": {"n_cases": 48, "n_patients": 48, "metrics": {"dice": _interval(0.721)}},
    }
    metrics = {"run_key": KEY, "splits": splits}
    write_json(folder / "metrics.json", metrics)
    write_json(project.evaluation("pma", "localizer") / "metrics.json", metrics)
    cases = pd.DataFrame({"case_id": ["anna"] * 3, "split": "test", "value": [10.0, 20, 30], "predicted": [10.5, 27, 30.5]})
    cases.assign(dice=[0.9, 0.25, 0.8]).to_csv(project.evaluation("pma", "localizer") / "predictions.csv", index=False)
    row = {"title": "segmenter", "kind": "method", "supervision": "mask", "metrics": {"mae": _interval(1.25)}}
    write_json(project.comparison("pma"), {"rows": {"segmenter": row}})
    gate = {"gate": "pearson_r >= 0.9", "passed": True, "detail": "0.9904 on the gate split"}
    write_json(project.promotion("pma"), {"run_key": KEY, "decision": "promoted", "version": 7, "gates": [gate]})
    return folder


def _card(project: Project, folder: Path, source: str = "phantom") -> str:
    return render_card(project, gather(project, {"pma": source})[0], folder)


def test_the_numbers_come_from_the_files(tmp_path: Path) -> None:
    project = Project(tmp_path)
    text = _card(project, _model(project))
    positions = [text.index(f"## {heading}") for heading in HEADINGS]
    assert positions == sorted(positions)
    for there in (
        KEY,
        "version 7",
        "15 weights",
        "c0ffee",
        "123.5 s",
        "a \\| processor",
        "c1" * 16,
        "train 511, val 97",
        "128 cases of 127 patients",
        "0.912 [0.902, 0.922]",
        "0.721 [0.711, 0.731]",
        "| segmenter \\* | – | 1.25 | – |",
        "passed: pearson_r >= 0.9 (0.9904 on the gate split)",
        "27.0 for a known 20.0; 10.5 for a known 10.0; 30.5 for a known 30.0",
        "On 1 of 3 test cases",
        "Not a medical device",
        "Trained on phantoms only",
        "carries neither intervals",
    ):
        assert there in text, there
    assert "anna" not in text


def test_a_users_cohort_and_uncertainty(tmp_path: Path) -> None:
    project = Project(tmp_path)
    interval = {"level": 0.9, "cases": 211}
    folder = _model(project, "mine/manifest.csv", interval=interval, novelty={"level": 0.99, "cases": 333, "limit": 4.0})
    text = _card(project, folder, "mine/manifest.csv")
    assert "Cohort: mine/manifest.csv" in text
    assert "hantom" not in text
    assert "nominal 90 % coverage (split conformal), calibrated on 211 cases" in text
    assert "333 known cases than 99 %" in text


def test_reports_on_another_model_are_left_out(tmp_path: Path) -> None:
    project = Project(tmp_path)
    folder = _model(project)
    for path in (project.promotion("pma"), project.evaluation("pma", "localizer") / "metrics.json"):
        path.write_text(path.read_text().replace(KEY, "another"))
    text = _card(project, folder)
    assert "version 7" not in text
    assert "decided at an earlier promotion" in text
    assert "largest errors" not in text
    assert "0.912 [0.902, 0.922]" in text  # metrics.json beside the package is its own


def test_before_the_registry_has_the_model_its_own_evaluation_is_told(tmp_path: Path) -> None:
    project = Project(tmp_path)
    folder = _model(project)
    (folder / "metrics.json").unlink()
    text = _card(project, folder)
    assert "Not evaluated" not in text
    assert "0.912 [0.902, 0.922]" in text


@pytest.mark.parametrize("there", [True, False])
def test_the_page_shows_the_cards(tmp_path: Path, there: bool) -> None:
    project = Project(tmp_path)
    if there:
        project.card("pma").parent.mkdir(parents=True)
        project.card("pma").write_text("# A card <b>")
    page = write_html(project, {"pma": "phantom"}).read_text()
    assert ("# A card &lt;b&gt;" in page) == there
    assert ('href="#cards"' in page) == there


def test_what_a_training_began_with_is_told(tmp_path: Path) -> None:
    project = Project(tmp_path)
    folder = _model(project)
    assert "- Training began with random weights.\n" in _card(project, folder)  # a run.json from before there was a choice
    run = read_json(folder / "run.json")
    start = {"uri": "models:/bioloc-pma/3", "run_key": "beef4567beef4567", "cohorts": []}
    write_json(folder / "run.json", run | {"started_from": start})
    text = _card(project, folder)
    assert "- Training began with the weights of models:/bioloc-pma/3 (run key `beef4567beef4567`), a model" in text
    write_json(folder / "run.json", run | {"started_from": None})
    assert "- Training began with random weights.\n" in _card(project, folder)
