"""`bioloc-cli registry`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bioloc.cli.options import Json, MethodName, TaskName, note, print_json, study_of
from bioloc.project import Project
from bioloc.tasks import TASKS, get_task

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
OptionalTask = Annotated[str | None, typer.Option("--task", help="Only this task.", metavar="TASK")]


@app.command("list")
def list_models(task: OptionalTask = None, as_json: Json = False) -> None:
    """List registered versions and their aliases."""
    from bioloc.tracking.registry import listing

    rows = listing(Project.find().root, get_task(task).name if task else None)
    if as_json:
        print_json(rows)
    elif not rows:
        note("the registry is empty: `make repro` or `dvc repro` fills it")
    else:
        for row in rows:
            typer.echo(_line(row))


@app.command()
def show(task: OptionalTask = None, as_json: Json = False) -> None:
    """Show the champion, the one before, and the history."""
    from bioloc.tracking.registry import show as shown

    root = Project.find().root
    contents = {name: shown(root, name) for name in ([get_task(task).name] if task else TASKS)}
    if as_json:
        print_json(contents[task] if task else contents)
        return
    for name, content in contents.items():
        typer.echo(f"{name}:")
        for alias in ("champion", "previous"):
            typer.echo(f"  {alias}: {_line(content[alias]) if content[alias] else 'none'}")
        typer.echo(f"  {len(content['versions'])} versions, {len(content['log'])} promotions and rollbacks (--json shows them)")


@app.command()
def promote(task: TaskName, method: MethodName = "localizer") -> None:
    """Make a model champion if it passes every gate."""
    from bioloc.cli.study import promote as promoted

    promoted(task, method)


@app.command()
def rollback(task: TaskName) -> None:
    """Make the previous champion champion again."""
    from bioloc.tracking.registry import rollback as rolled_back

    project, _, chosen = study_of(task)
    content = rolled_back(project.root, chosen.name)
    note(f"{chosen.name}: version {content['version']} (run {content['champion']}) is champion again")


@app.command()
def sync(task: OptionalTask = None) -> None:
    """Bring runs, versions and aliases back from the study's files."""
    from bioloc.tracking.registry import sync as synced

    content = synced(Project.find().root, get_task(task).name if task else None)
    for warning in content["warnings"]:
        note(f"warning: {warning}")
    champions = ", ".join(f"{name} {run_key or 'none'}" for name, run_key in content["champions"].items())
    note(f"runs: {content['runs']}, versions: {content['versions']}, champions: {champions or 'none'}")


def _line(row: dict[str, Any]) -> str:
    named = f" ({', '.join(row['aliases'])})" if row["aliases"] else ""
    return f"{row['model']} version {row['version']}{named}: {row['method']}, run {row['run_key']}"
