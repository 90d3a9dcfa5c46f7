"""The tables behind the results: agreement, lesions, categories, and the declared tests of all tasks together."""

from __future__ import annotations

from typing import Any

from bioloc.evaluation.significance import holm
from bioloc.reporting.columns import Column, Table, metric, row_title, rows_of
from bioloc.reporting.content import TaskContent, as_dict
from bioloc.reporting.numbers import NOTHING, is_number, number, p_value, percent, share, with_interval

_OUTCOMES = {"absolute_error": "absolute error", "absolute_error_log1p": "absolute error of log(1 + value)", "dice": "Dice"}


def agreement_table(content: TaskContent) -> Table | None:
    """Bland-Altman and calibration of every row, with intervals."""

    def signed(found: Any) -> str:
        return with_interval(found, number)

    columns: list[Column] = [
        (f"bias ({content.unit})", metric("bias", signed)),
        (f"lower 95 % limit ({content.unit})", metric("limit_low", signed)),
        (f"upper 95 % limit ({content.unit})", metric("limit_high", signed)),
        ("proportional bias (r)", metric("proportional_bias", with_interval)),
        ("calibration slope", metric("calibration_slope", signed)),
        (f"calibration intercept ({content.unit})", metric("calibration_intercept", signed)),
    ]
    caption = "Agreement with the known values: Bland-Altman and calibration, each with its 95 % interval."
    return _of_rows(content, columns, caption, "bias")


def lesion_table(content: TaskContent) -> Table | None:
    """How many lesions were found, for tasks whose candidates are lesions."""
    columns: list[Column] = [
        ("sensitivity, mean of scans", metric("lesion_sensitivity", with_interval)),
        ("sensitivity, all lesions", metric("lesion_sensitivity_pooled", with_interval)),
        ("false-positive lesions per scan", metric("false_positive_lesions", lambda found: with_interval(found, number))),
    ]
    caption = "Lesions found: a lesion is a component in its slice, and counts as found if at least half of it is in the mask."
    return _of_rows(content, columns, caption, "lesion_sensitivity")


def category_table(content: TaskContent) -> Table | None:
    """Known against predicted categories of the first method that has them."""
    for name, row in rows_of(content).items():
        found = as_dict(row.get("confusion"))
        names, counts = found.get("categories"), found.get("known_by_predicted")
        if isinstance(names, list) and isinstance(counts, list):
            rows = [[str(known), *(str(count) for count in line)] for known, line in zip(names, counts, strict=False)]
            caption = f"Cases by known (rows) and predicted (columns) category: {row_title(row, name)}."
            return Table(["known", *(f"predicted {predicted}" for predicted in names)], rows, caption)
    return None


def tests_table(contents: list[TaskContent]) -> Table | None:
    """The declared tests of all tasks, with Holm's correction over all of them; None where no task has any."""
    found = [(content, test) for content in contents for test in _tests(content)]
    if not found:
        return None
    corrected = holm([test["p_value"] for _, test in found])
    rows = [
        [
            content.name,
            f"{test.get('one')} - {test.get('other')}",
            _OUTCOMES.get(str(test.get("outcome")), str(test.get("outcome"))),
            with_interval(test, share if test.get("outcome") == "dice" else number),
            percent(test.get("share_better")),
            NOTHING if test.get("n_patients") is None else str(test.get("n_patients")),
            p_value(test["p_value"]),
            p_value(test.get("p_holm")),
            p_value(p),
        ]
        for (content, test), p in zip(found, corrected, strict=True)
    ]
    headings = ["task", "methods", "outcome", "difference [95 % CI]", "patients better", "patients"]
    caption = (
        "Declared tests: the localizer against every other method, in error and in Dice; two-sided p of Wilcoxon's signed-rank "
        f"test on the patients' means, as it is, after Holm's correction within the task, and over all {len(rows)} tests here. "
        "A difference below 0 favours the first method for errors, above 0 for Dice."
    )
    return Table([*headings, "p", "p (Holm, task)", "p (Holm, all)"], rows, caption)


def _tests(content: TaskContent) -> list[dict[str, Any]]:
    tests = content.comparison.get("tests")
    return [
        test for test in (tests if isinstance(tests, list) else []) if isinstance(test, dict) and is_number(test.get("p_value"))
    ]


def _of_rows(content: TaskContent, columns: list[Column], caption: str, needed: str) -> Table | None:
    """A table of the rows that have the metric `needed`."""
    rows = {name: row for name, row in rows_of(content).items() if needed in as_dict(row.get("metrics"))}
    if not rows:
        return None
    cells = [[row_title(row, name), *(draw(row) for _, draw in columns)] for name, row in rows.items()]
    honest = {at for at, row in enumerate(rows.values()) if row.get("kind") == "honesty"}
    return Table(["method", *(heading for heading, _ in columns)], cells, caption, honest)
