"""Stage `report`: what was measured, as a page and as a table."""

from __future__ import annotations

from pathlib import Path

from bioloc.files import read_json
from bioloc.params import Params
from bioloc.project import Project
from bioloc.reporting.card import write_card
from bioloc.reporting.content import gather
from bioloc.reporting.page import write_html
from bioloc.reporting.tables import insert_results, write_results
from bioloc.tracking.journal import on_shelf, shelf
from bioloc.tracking.links import run_addresses


def make_report(project: Project, params: Params, readme: bool) -> list[Path]:
    """Stage `report`: reports/results.md, cards/ and index.html; with `readme`, the README's table too."""
    sources = {name: section.source for name, section in params.tasks.items()}
    cards = _cards(project, sources)
    results, page = write_results(project, sources), write_html(project, sources, run_addresses(project.root))
    if readme:
        insert_results(project.root / "README.md", results)
    return [results, *cards, page]


def _cards(project: Project, sources: dict[str, str]) -> list[Path]:
    """Cards of the champions whose packages are here; others stay as they are."""
    project.card("").parent.mkdir(parents=True, exist_ok=True)
    found = []
    for content in gather(project, sources):
        folder = None if content.champion is None else _champion(project, content.name, content.champion)
        if folder is not None:
            found.append(write_card(project, content, folder))
    return found


def _champion(project: Project, task: str, run_key: str) -> Path | None:
    """The folder with the champion's package: on the shelf, or, before that is filled, in models/."""
    if on_shelf(project.root, task, run_key):
        return shelf(project.root, task, run_key)
    for path in sorted(project.root.glob(f"models/{task}/*/run.json")):
        if (path.parent / "package" / "model.json").is_file() and read_json(path).get("run_key") == run_key:
            return path.parent
    return None
