"""`bioloc-cli tasks`: what can be measured; needs neither torch nor data."""

from __future__ import annotations

import typer

from bioloc.cli.options import Json, print_json
from bioloc.methods import METHODS
from bioloc.tasks import TASKS


def tasks(as_json: Json = False) -> None:
    """List the biomarkers."""
    rows = [
        {
            "name": task.name,
            "title": task.title,
            "unit": task.unit,
            "dimensions": 3 if task.volume else 2,
            "candidates_hu": list(task.hu_range),
            "region": task.region,
            "categories": list(task.category_names) or None,
            "methods": list(METHODS),
        }
        for task in TASKS.values()
    ]
    if as_json:
        print_json(rows)
        return
    for task in TASKS.values():
        taken = "a volume" if task.volume else "one axial slice"
        typer.echo(f"{task.name:6} {task.title}, {task.unit}; {taken}; region of interest: {task.region}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(tasks)
