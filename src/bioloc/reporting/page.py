"""reports/index.html: everything that was measured, on one page that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from bioloc.files import write_text
from bioloc.project import Project
from bioloc.reporting.content import TaskContent, gather
from bioloc.reporting.real_ct import read_real_ct
from bioloc.reporting.sections import READING, registry_table, section_of
from bioloc.reporting.statistics import tests_table
from bioloc.reporting.study import read_studies, study_table
from bioloc.reporting.study_figures import draw_study
from bioloc.reporting.summary import runs_table, summary_table

_TEMPLATE = "report.html.j2"


def write_html(project: Project, sources: dict[str, str], addresses: Mapping[str, str] | None = None) -> Path:
    """Write reports/index.html: results.md, the tables of details, and every figure within the page itself.

    Studies and real scans are shown where reports/study/*.json and reports/real_ct/real_ct.json exist.

    Args:
        project: Where the stages left their files; any of them may be missing.
        sources: Task name to its source in params.yaml.
        addresses: Where MLflow shows a run, by run key.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    addresses = addresses or {}
    contents = gather(project, sources)
    reports = project.root / "reports"
    studies, unread = read_studies(reports / "study")
    real = read_real_ct(reports / "real_ct", _present(contents))
    environment = Environment(
        loader=PackageLoader("bioloc.reporting"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template(_TEMPLATE).render(
        sections=[section_of(content) for content in contents],
        summary=summary_table(contents),
        side_by_side={content.name: picture_uri(content.side_by_side) for content in contents if content.side_by_side},
        figures={
            content.name: [(method, kind, picture_uri(path)) for method, kind, path in content.figures] for content in contents
        },
        runs={content.name: runs_table(content, addresses) for content in contents},
        addresses={address.rpartition("/")[2]: address for address in addresses.values()},
        studies=[(study.title, study_table(study), _uri(draw_study(study))) for study in studies],
        unread=unread,
        real=real,
        real_pictures={look.title: picture_uri(look.figure) for look in real.looks if look.figure is not None},
        cards=[(path.stem, path.read_text(encoding="utf-8")) for path in sorted((reports / "cards").glob("*.md"))],
        tests=tests_table(contents),
        registry=registry_table(contents),
        reading=READING,
        phantom=[name for name, source in sources.items() if source == "phantom"],
    )
    path = reports / "index.html"
    write_text(path, page)
    return path


def _present(contents: list[TaskContent]) -> dict[str, str]:
    """Run key of each task's champion; where there is none, of the localizer that was evaluated."""
    trained = {content.name: run.key for content in contents for run in content.runs if run.method == "localizer"}
    return trained | {content.name: content.champion for content in contents if content.champion is not None}


def picture_uri(path: Path) -> str:
    """A PNG file as an address that holds it."""
    return _uri(path.read_bytes())


def _uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
