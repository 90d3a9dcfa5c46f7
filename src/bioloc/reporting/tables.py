"""reports/results.md, and the same in a README."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bioloc.errors import DataError
from bioloc.files import write_text
from bioloc.project import Project
from bioloc.reporting.content import gather
from bioloc.reporting.markdown import escaped, markdown_table
from bioloc.reporting.sections import READING, Section, registry_table, section_of
from bioloc.reporting.statistics import tests_table
from bioloc.reporting.summary import summary_table

BEGIN, END = "<!-- results -->", "<!-- /results -->"


def write_results(project: Project, sources: dict[str, str]) -> Path:
    """Write reports/results.md: all tasks in one table; for each its tables and what failed; then the registry.

    Args:
        project: Where the stages left their files; any of them may be missing.
        sources: Task name to its source in params.yaml; `phantom` is said to be so.
    """
    contents = gather(project, sources)
    summary = summary_table(contents)
    blocks = [] if summary is None else ["### All tasks", *markdown_table(summary)]
    blocks += [block for content in contents for block in _markdown_section(section_of(content))]
    tests = tests_table(contents)
    blocks += [] if tests is None else ["### Tests between methods", *markdown_table(tests)]
    blocks += ["### Registry", *markdown_table(registry_table(contents))]
    blocks += ["### How to read the tables", "\n".join(f"- {escaped(line)}" for line in READING)]
    path = project.root / "reports" / "results.md"
    write_text(path, "\n\n".join(blocks) + "\n")
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
    yield f"### {escaped(section.heading)}"
    if section.results is None:
        yield "No results: see below."
    else:
        yield from markdown_table(section.results)
    if section.remark:
        yield escaped(section.remark)
    if section.pairs is not None:
        yield from markdown_table(section.pairs)
    for name, lines in (("Failed or missing:", section.content.problems), ("Validation warns:", section.content.warnings)):
        if lines:
            yield "\n".join([name, "", *(f"- {escaped(line)}" for line in lines)])
