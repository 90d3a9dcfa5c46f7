"""Tasks beside methods, as in the paper's table, and the runs behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bioloc.methods import METHODS
from bioloc.reporting.columns import Table, metric, plain, row_title, rows_of
from bioloc.reporting.content import TaskContent
from bioloc.reporting.numbers import NOTHING, correlation, number, with_interval

Measure = tuple[str, Callable[[dict[str, Any]], str]]


def summary_table(contents: list[TaskContent]) -> Table | None:
    """Correlation, error and Dice of every task, a column for each method; None where no task has a comparison."""
    rows_by_task = {
        content.name: {name: row for name, row in rows_of(content).items() if row.get("kind") == "method"} for content in contents
    }
    methods = {name: row_title(row, name) for rows in rows_by_task.values() for name, row in rows.items()}
    if not methods:
        return None
    rows = [
        [f"{content.name}: {name}", *(draw(rows_by_task[content.name].get(method, {})) for method in methods)]
        for content in contents
        if rows_by_task[content.name]
        for name, draw in _measures(content)
    ]
    caption = "All tasks and methods, test split, with 95 % intervals. What each measure means is said below."
    return Table(["task and measure", *methods.values()], rows, caption)


def runs_table(content: TaskContent, addresses: Mapping[str, str]) -> Table | None:
    """Where the numbers of a task come from: the training of each method, and its run in MLflow.

    Args:
        content: The task.
        addresses: Where MLflow shows a run, by run key; the address ends in the run's identifier.
    """
    if not content.runs:
        return None
    rows = [
        [
            METHODS[run.method].title,
            run.key,
            addresses.get(run.key, NOTHING).rpartition("/")[2],
            number(run.seconds),
            run.created,
            run.commit,
        ]
        for run in content.runs
    ]
    headings = ["method", "run key", "MLflow run", "training (s)", "made", "git commit"]
    caption = "Where the numbers come from. `make ui` opens the runs on this machine; the run key is the package's digest."
    return Table(headings, rows, caption)


def _measures(content: TaskContent) -> list[Measure]:
    if content.log:
        first: list[Measure] = [
            ("r of log(1 + value)", metric("pearson_r_log1p", correlation)),
            ("category accuracy", metric("category_accuracy", with_interval)),
        ]
    else:
        first = [("r", metric("pearson_r", correlation))]
    return [*first, (f"MAE ({content.unit})", metric("mae", plain(number))), ("Dice", metric("dice", with_interval))]
