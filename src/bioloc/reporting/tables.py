"""reports/results.md, reports/index.html, and the results in a README."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from bioloc.errors import DataError
from bioloc.files import write_text
from bioloc.project import Project
from bioloc.reporting.content import gather
from bioloc.reporting.sections import READING, Section, Table, registry_table, section_of

BEGIN, END = "<!-- results -->", "<!-- /results -->"
_TEMPLATE = "report.html.j2"


def write_results(project: Project, sources: dict[str, str]) -> Path:
    """Write reports/results.md: for every task in `sources` its tables and what failed, then the registry.

    Args:
        project: Where the stages left their files; any of them may be missing.
        sources: Task name to its source in params.yaml; `phantom` is said to be so.
    """
    contents = gather(project, sources)
    blocks = [block for content in contents for block in _markdown_section(section_of(content))]
    blocks += ["### Registry", *_markdown_table(registry_table(contents))]
    blocks += ["### How to read the tables", "\n".join(f"- {_escaped(line)}" for line in READING)]
    path = project.root / "reports" / "results.md"
    write_text(path, "\n\n".join(blocks) + "\n")
    return path


def write_html(project: Project, sources: dict[str, str]) -> Path:
    """Write reports/index.html: the same, with the figures as links relative to the page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    contents = gather(project, sources)
    sections = [section_of(content) for content in contents]
    folder = project.root / "reports"
    figures = {
        section.name: [
            (method, kind, quote(path.relative_to(folder).as_posix())) for method, kind, path in section.content.figures
        ]
        for section in sections
    }
    environment = Environment(
        loader=PackageLoader("bioloc.reporting"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template(_TEMPLATE).render(
        sections=sections,
        figures=figures,
        registry=registry_table(contents),
        reading=READING,
        phantom=[name for name, source in sources.items() if source == "phantom"],
    )
    path = folder / "index.html"
    write_text(path, page)
    return path


def insert_results(readme: Path, results: Path) -> None:
    """Replace what is between the markers in `readme` with the text of `results`; the rest stays as it is.

    Raises:
        DataError: A file cannot be read, or the README does not have each marker once, in order.
    """
    try:
        text, new = readme.read_text(encoding="utf-8"), results.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror}): run `bioloc-cli report` first") from error
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise DataError(f"{readme}: put the markers {BEGIN} and {END} once each, in this order, where the results belong")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    write_text(readme, f"{before}{BEGIN}\n\n{new.strip()}\n\n{END}{after}")


def _markdown_section(section: Section) -> Iterable[str]:
    yield f"### {_escaped(section.heading)}"
    if section.results is None:
        yield "No results: see below."
    else:
        yield from _markdown_table(section.results)
    if section.remark:
        yield _escaped(section.remark)
    if section.pairs is not None:
        yield from _markdown_table(section.pairs)
    for name, lines in (("Failed or missing:", section.content.problems), ("Validation warns:", section.content.warnings)):
        if lines:
            yield "\n".join([name, "", *(f"- {_escaped(line)}" for line in lines)])


def _markdown_table(table: Table) -> Iterable[str]:
    yield _escaped(table.caption)
    lines = [table.headings, [":--", *["--:"] * (len(table.headings) - 1)], *table.rows]
    if table.headings[0] == "task":
        lines[1] = [":--"] * len(table.headings)
    yield "\n".join("| " + " | ".join(_escaped(cell) for cell in line) + " |" for line in lines)


def _escaped(text: str) -> str:
    """Text that is shown as it is: no HTML, links, table borders or new lines; backticks keep their meaning."""
    flat = re.sub(r"\s+", " ", text).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([|*]|(?<=\])\()", r"\\\1", flat)
