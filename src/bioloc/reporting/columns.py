"""Tables as plain text cells: a heading for each column, and how its text is made from a row of JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bioloc.reporting.content import TaskContent, as_dict

Column = tuple[str, Callable[[dict[str, Any]], str]]


@dataclass(frozen=True)
class Table:
    """Headings, rows of text, a caption before it; `honest` are the numbers of the rows without a network."""

    headings: list[str]
    rows: list[list[str]]
    caption: str
    honest: set[int] = field(default_factory=set)


def rows_of(content: TaskContent) -> dict[str, dict[str, Any]]:
    """The rows of a task's comparison by name; none where there is no comparison."""
    return {name: as_dict(row) for name, row in as_dict(content.comparison.get("rows")).items()}


def metric(name: str, as_text: Callable[[Any], str], part: str = "metrics") -> Callable[[dict[str, Any]], str]:
    """Text of one metric of a row: {"value", "ci_low", "ci_high"}."""
    return lambda row: as_text(as_dict(row.get(part)).get(name))


def plain(as_text: Callable[[Any], str]) -> Callable[[Any], str]:
    """Text of a metric without its interval."""
    return lambda found: as_text(as_dict(found).get("value"))


def row_title(row: dict[str, Any], name: str) -> str:
    """How tables call a row; * marks training with masks."""
    title = str(row.get("title") or name)
    return f"{title} *" if row.get("supervision") == "mask" else title
