"""Tables, page and README insertion, from made-up JSON."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from bioloc.errors import DataError
from bioloc.files import read_json, write_json
from bioloc.methods import METHODS
from bioloc.project import Project
from bioloc.reporting.numbers import correlation, number, p_value, percent, share, with_interval
from bioloc.reporting.page import write_html
from bioloc.reporting.tables import insert_results, write_results
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
        "bias": _metric(-0.5678),
        "limit_low": _metric(-4.321),
        "limit_high": _metric(3.219),
        "proportional_bias": _metric(0.1357),
        "calibration_slope": _metric(0.9753),
        "calibration_intercept": _metric(1.357),
    }
    if task == "cac":
        found |= {"pearson_r_log1p": _metric(0.913), "category_accuracy": _metric(0.731), "weighted_kappa": _metric(0.699)}
        found |= {
            "mae_log1p": _metric(0.2468),
            "lesion_sensitivity": _metric(0.8642),
            "lesion_sensitivity_pooled": _metric(0.7913),
        }
        found |= {"false_positive_lesions": _metric(1.234)}
    return found


def _tests(*p_values: float) -> list[dict[str, Any]]:
    """Tests as the comparison writes them."""
    row = {"one": "localizer", "outcome": "dice", **_metric(0.3111), "share_better": 0.874, "n_patients": 127, "p_holm": 0.0432}
    return [{**row, "other": f"other-{number}", "p_value": p} for number, p in enumerate(p_values)]


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


def test_tests_are_corrected_over_all_tasks(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for task, p_values in (("pma", (0.01, 0.2)), ("sfa", (0.012,)), ("liver", ())):
        fill(project, task)
        comparison = read_json(project.comparison(task))
        write_json(project.comparison(task), comparison | {"tests": [*_tests(*p_values), 3, {"p_value": None}]})
    text = write_results(project, {"pma": "phantom", "sfa": "phantom", "liver": "phantom"}).read_text()
    table = text.split("### Tests between methods")[1].split("### Registry")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| ")][2:]
    assert [(row[0], row[-3], row[-2], row[-1]) for row in rows] == [
        ("pma", "0.010", "0.043", "0.030"),  # 3 * 0.01
        ("pma", "0.200", "0.043", "0.200"),
        ("sfa", "0.012", "0.043", "0.030"),  # 2 * 0.012, but not below the smaller p's
    ]
    assert rows[0][1:6] == ["localizer - other-0", "Dice", "0.311 [0.301, 0.321]", "87 %", "127"]
    assert "over all 3 tests" in table
    assert 'href="#tests"' in write_html(project, {"pma": "phantom"}).read_text()


def test_reports_of_before_the_tests_survive(tmp_path: Path) -> None:
    project = Project(tmp_path)
    fill(project, "pma")
    assert "### Tests between methods" not in write_results(project, {"pma": "phantom"}).read_text()
    page = write_html(project, {"pma": "phantom"}).read_text()
    assert 'id="tests"' not in page
    assert "predicted &gt;400" not in page


def test_the_page_has_agreement_lesions_and_categories(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for task in ("pma", "cac"):
        fill(project, task)
    comparison = read_json(project.comparison("cac"))
    counts = [[11, 12, 0, 0, 0]] + [[0] * 5] * 3 + [[0, 0, 0, 0, 987]]
    comparison["rows"]["localizer"]["confusion"] = {"categories": list(TASKS["cac"].category_names), "known_by_predicted": counts}
    write_json(project.comparison("cac"), comparison)
    page = write_html(project, {"pma": "phantom", "cac": "phantom"}).read_text()
    pma, cac = page.split('id="task-pma"')[1].split('id="task-cac"')
    for there in (
        "-0.568 [-0.578, -0.558]",
        "-4.32 [-4.33, -4.31]",
        "3.22 [3.21, 3.23]",
        "0.136",
        "0.975 [0.965, 0.985]",
        "1.36 [",
    ):
        assert there in pma, there
        assert there in cac, there
    for there in ("0.864 [0.854, 0.874]", "0.791 [", "1.23 [", "987", "predicted &gt;400"):
        assert there in cac, there
    for there in ("sensitivity", "predicted &gt;400"):
        assert there not in pma, there


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


def test_page_needs_nothing_beside_it(tmp_path: Path) -> None:
    project = Project(tmp_path)
    fill(project, "pma")
    picture = base64.b64encode(b"a scatter").decode()
    (project.evaluation("pma", "localizer") / "scatter.png").write_bytes(b"a scatter")
    project.comparison("pma").with_suffix(".png").write_bytes(b"all methods")
    page = write_html(project, {"pma": "phantom"}).read_text()
    assert page.lstrip().startswith("<!doctype html>")
    assert f'src="data:image/png;base64,{picture}"' in page
    assert "The same cases, all methods" in page
    assert set(re.findall(r'src="([^,"]*)', page)) == {"data:image/png;base64"}
    assert all(address.startswith("#") for address in re.findall(r'href="([^"]*)"', page))
    assert "url(" not in page
    assert "Bland-Altman)" not in page
    assert "Nothing: every stage of every task ran" in page
    assert 'href="#task-pma"' in page
    assert 'id="study"' not in page


def test_page_leads_to_the_runs(tmp_path: Path) -> None:
    project = Project(tmp_path)
    fill(project, "pma")
    write_json(project.evaluation("pma", "localizer") / "metrics.json", {"run_key": "feed", "splits": {}})
    write_json(project.model("pma", "localizer") / "run.json", {"run_key": "feed", "seconds": 12.5, "git_commit": "c0ffee"})
    address = "http://127.0.0.1:5000/#/experiments/1/runs/0a1b"
    page = write_html(project, {"pma": "phantom"}, {"feed": address, "other": "http://127.0.0.1:5000/#/x/2c3d"}).read_text()
    assert f'<a href="{address}">0a1b</a>' in page
    assert "c0ffee" in page
    assert "2c3d" not in page


def test_page_has_studies_once_they_are_there(tmp_path: Path) -> None:
    project = Project(tmp_path)
    fill(project, "pma")
    trial = {"study": "ablation", "task": "pma", "method": "localizer", "variant": "no-flip", "x": None, "metrics": {"mae": 4.25}}
    write_json(tmp_path / "reports/study/results.json", {"machine": {}, "rows": [trial]})
    page = write_html(project, {"pma": "phantom"}).read_text()
    for there in ("Ablations", "no-flip", "4.25", 'href="#study"'):
        assert there in page, there


def test_all_tasks_are_in_one_table_first(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for task in TASKS:
        fill(project, task)
    text = write_results(project, SOURCES).read_text()
    table = text.split("### All tasks")[1].split("###")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| ")]
    assert len(rows[0]) == 1 + len(METHODS)
    assert ["pma: MAE (cm2)", *["2.35"] * len(METHODS)] in rows
    assert ["cac: r of log(1 + value)", *["0.913 [0.903, 0.923]"] * len(METHODS)] in rows
    assert "mean of the training values" not in table


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
    assert [percent(value) for value in (0.874, 1, None)] == ["87 %", "100 %", "–"]
    assert with_interval({"value": 0.9, "ci_low": None, "ci_high": None}) == "0.900"
    assert with_interval(None) == correlation({"value": 0, "ci_low": 0, "ci_high": 0}) == "–"
