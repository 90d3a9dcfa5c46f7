"""Stage `report`: what was measured, as a page and as a table."""

from __future__ import annotations

from pathlib import Path

from bioloc.params import Params
from bioloc.project import Project
from bioloc.reporting.tables import insert_results, write_html, write_results


def make_report(project: Project, params: Params, readme: bool) -> list[Path]:
    """Stage `report`: reports/results.md and reports/index.html; with `readme`, the README's table too."""
    sources = {name: section.source for name, section in params.tasks.items()}
    results, page = write_results(project, sources), write_html(project, sources)
    if readme:
        insert_results(project.root / "README.md", results)
    return [results, page]
