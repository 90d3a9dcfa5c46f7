"""Tables, page and README insertion, from made-up JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bioloc.errors import DataError
from bioloc.files import write_json
from bioloc.methods import METHODS
from bioloc.project import Project
from bioloc.reporting.numbers import correlation, number, p_value, share, with_interval
from bioloc.reporting.tables import insert_results, write_html, write_results
from bioloc.tasks import TASKS

SOURCES = dict.fromkeys(TASKS, "phantom")


def _metric(value: float, spread: float = 0.01) -> dict[str, float]:
    return {"value": value, "ci_low": value - spread, "ci_high": value + spread}


def _metrics(task: str) -> dict[str, Any]:
    found = {
        "pearson_r": _metric(0.9531, 0.0125),
        "mae": _metric(2.3456),
        "ccc": _metric(0.944),
        "dice": _metric(0.8123, 0.02),
        "hd95_mm": _metric(7.777),
        "false_positive": _metric(0.3219),
    }
    if task == "cac":
        found |= {"pearson_r_log1p": _metric(0.913), "category_accuracy": _metric(0.731), "weighted_kappa": _metric(0.699)}
    return found


def fill(project: Project, task: str, decision: str = "promoted") -> None:
    names = {name: method.title for name, method in METHODS.items()} | {"training-mean": "mean of the training values"}
    rows: dict[str, Any] = {
        name: {
            "title": title,
            "kind": "method" if name in METHODS else "honesty",
            "supervision": METHODS[name].supervision if name in METHODS else None,
            "metrics": _metrics(task),
            "shift": {"pearson_r": _metric(0.8642), "pearson_r_log1p": _metric(0.8642), "dice": _metric(0.7531)},
        }
        for name, title in names.items()
    }
    rows["training-mean"] |= {"metrics": {"pearson_r": _metric(0, 0), "mae": _metric(8.765)}, "shift": None}
    rows["oracle"] = {"title": "oracle", "kind": "honesty", "metrics": {"pearson_r": _metric(0.9991), "dice": _metric(0.971)}}
    difference = {"value": -1.234, "ci_low": -1.5, "ci_high": -1.0, "p_value": 0.0005}
    pairs = [{"one": "localizer", "other": "regressor", "metrics": {"mae": difference, "dice": _metric(0.3111)}}]
    content = {"task": task, "title": TASKS[task].title, "unit": TASKS[task].unit, "split": "test", "rows": rows, "pairs": pairs}
    write_json(project.comparison(task), content)
    write_json(project.validation(task), {"task": task, "success": True, "critical": [], "warnings": []})
    for method in METHODS:
        write_json(project.evaluation(task, method) / "metrics.json", {"splits": {"test": {"n_cases": 128, "n_patients": 127}}})
    gates = [{"gate": "pearson_r >= 0.9", "passed": decision != "refused", "detail": "0.8766 on the gate split"}]
    registry = {"decision": decision, "method": "localizer", "run_key": "abc", "version": 3, "gates": gates, "message": "done"}
    write_json(project.promotion(task), registry)


def test_tables_hold_the_numbers_and_say_phantom(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for task in TASKS:
        fill(project, task)
    text = write_results(project, SOURCES).read_text()
    for there in ("0.953", "2.35", "7.78", "0.322", "0.864", "0.753", "-1.23", "<0.001".replace("<", "&lt;"), "0.731", "0.699"):
        assert there in text, there
    assert text.count("Phantom results:") == len(TASKS)
    assert "n = 128 cases of 127 patients" in text
    assert "MAE (cm2)" in text
    assert "MAE (points)" in text
    assert "THE WORKING GRID" not in text
    assert "Failed or missing" not in text
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    assert all(len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1 for table in tables)
    assert "Phantom" not in write_results(project, {"pma": "cohorts/mine.csv"}).read_text()


def test_a_constant_row_has_no_correlation(tmp_path: Path) -> None:
    project = Project(tmp_path)
    fill(project, "pma")
    line = next(line for line in write_results(project, {"pma": "phantom"}).read_text().splitlines() if "| mean of" in line)
    assert line.split("|")[2:4] == [" – ", " 8.77 "] or line.split("|")[2:4] == [" – ", " 8.76 "]


def test_missing_and_broken_files_survive(tmp_path: Path) -> None:
    project = Project(tmp_path)
    critical = [{"check": "values", "message": "3 values are negative", "rows": ["<script>alert(1)</script>", "b|c"]}]
    write_json(project.validation("pma"), {"success": False, "critical": critical, "warnings": None})
    fill(project, "sfa", "refused")
    project.comparison("liver").parent.mkdir(parents=True, exist_ok=True)
    project.comparison("liver").write_text("{")
    write_json(
        project.comparison("cac"), {"rows": {"localizer": {"metrics": None, "shift": None}, "odd": None}, "pairs": [{}, 3]}
    )
    project.registry_log.write_text('{"task": "sfa", "run_key": "old"}\nbroken\n{"task": "sfa", "run_key": "f00d"}\n')
    text = write_results(project, SOURCES | {"unheard": "x.csv"}).read_text()
    assert "Data validation failed: values: 3 values are negative" in text
    assert "<script>" not in text
    assert "Promotion refused at the gate 'pearson\\_r >= 0.9'".replace("\\_", "_") in text
    assert "comparison/liver.json cannot be read" in text
    assert "f00d" in text
    assert "dvc repro promote@pma" in text
    page = write_html(project, SOURCES).read_text()
    assert "3 values are negative" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_page_is_self_contained_and_links_figures(tmp_path: Path) -> None:
    project = Project(tmp_path)
    fill(project, "pma")
    (project.evaluation("pma", "localizer") / "scatter.png").write_bytes(b"x")
    page = write_html(project, {"pma": "phantom"}).read_text()
    assert page.lstrip().startswith("<!doctype html>")
    assert 'src="evaluation/pma/localizer/scatter.png"' in page
    assert "http" not in page
    assert "overlays.png" not in page
    assert "Nothing: every stage of every task ran" in page
    assert 'href="#task-pma"' in page


def test_insertion_replaces_only_between_the_markers(tmp_path: Path) -> None:
    readme, results = tmp_path / "README.md", tmp_path / "results.md"
    results.write_text("| new |\n")
    readme.write_text("# A\n<!-- results -->\nold\n<!-- /results -->\nend\n")
    insert_results(readme, results)
    once = readme.read_text()
    assert once == "# A\n<!-- results -->\n\n| new |\n\n<!-- /results -->\nend\n"
    insert_results(readme, results)
    assert readme.read_text() == once


@pytest.mark.parametrize("text", ["", "<!-- results -->", "<!-- /results --><!-- results -->", "<!-- results -->" * 2])
def test_insertion_wants_both_markers(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.md").write_text("x")
    (tmp_path / "README.md").write_text(text)
    with pytest.raises(DataError, match="markers"):
        insert_results(tmp_path / "README.md", tmp_path / "r.md")
    with pytest.raises(DataError, match="cannot be read"):
        insert_results(tmp_path / "README.md", tmp_path / "none.md")


def test_numbers_as_text() -> None:
    assert [number(value) for value in (0, 12.345, 1234.5, 0.012345, -2.3456, None, float("nan"))] == [
        *("0", "12.3", "1230", "0.0123", "-2.35", "–", "–"),
    ]
    assert [share(value) for value in (0.95312, 0.99991, 1.0, None)] == ["0.953", ">0.999", "1.000", "–"]
    assert [p_value(value) for value in (0.0004, 0.0312, None)] == ["<0.001", "0.031", "–"]
    assert with_interval({"value": 0.9, "ci_low": None, "ci_high": None}) == "0.900"
    assert with_interval(None) == correlation({"value": 0, "ci_low": 0, "ci_high": 0}) == "–"
