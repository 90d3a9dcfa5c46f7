"""Tables and text as markdown, shown as they are whatever they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bioloc.reporting.columns import Table


def markdown_table(table: Table) -> Iterator[str]:
    """The caption, then the table; tables that begin with a task are of words, so they are aligned to the left."""
    if table.caption:
        yield escaped(table.caption)
    lines = [table.headings, [":--", *["--:"] * (len(table.headings) - 1)], *table.rows]
    if table.headings[0] == "task":
        lines[1] = [":--"] * len(table.headings)
    yield "\n".join("| " + " | ".join(escaped(cell) for cell in line) + " |" for line in lines)


def escaped(text: str) -> str:
    """Text that is shown as it is: no HTML, links, table borders or new lines; backticks keep their meaning."""
    flat = re.sub(r"\s+", " ", text).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([|*]|(?<=\])\()", r"\\\1", flat)
