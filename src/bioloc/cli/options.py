"""Options that commands share, and the three lines that most begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bioloc.errors import UsageError
from bioloc.files import to_json
from bioloc.methods import METHODS
from bioloc.params import Params, read_params
from bioloc.project import Project
from bioloc.tasks import TASKS, Task, get_task

if TYPE_CHECKING:
    from bioloc.training.start import Start

TaskName = Annotated[str, typer.Option("--task", help=f"Biomarker: {', '.join(TASKS)}.", metavar="TASK")]
MethodName = Annotated[str, typer.Option("--method", help=f"How it is trained: {', '.join(METHODS)}.", metavar="METHOD")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")]
ModelUri = Annotated[
    str | None,
    typer.Option(
        "--model", help="models:/NAME@ALIAS, runs:/... or a package's folder; the champion, if not given.", metavar="URI"
    ),
]
InitUri = Annotated[
    str | None,
    typer.Option(
        "--init",
        help="Start from this model's weights: models:/NAME@ALIAS, models:/NAME/VERSION or a package's folder.",
        metavar="URI",
    ),
]


def study_of(task_name: str) -> tuple[Project, Params, Task]:
    """Project, parameters and task, all checked to exist."""
    task = get_task(task_name)
    project = Project.find()
    params = read_params(project.root)
    params.task(task.name)
    return project, params, task


def start_of(project: Project, task: Task, uri: str | None) -> Start | None:
    """The model that --init names; None where it was not given.

    Raises:
        RegistryError: There is no such model.
    """
    if uri is None:
        return None
    from bioloc.tracking.address import resolve
    from bioloc.training.start import load_start

    return load_start(*resolve(project.root, task.name, uri))


def check_model(found: str, task: Task, model: str) -> None:
    """Raise unless a model is one of the task that was asked for.

    Raises:
        UsageError: It is another task's.
    """
    if found != task.name:
        raise UsageError(f"{model} is a model of {found}, not of {task.name}: give --task {found}, or another --model")


def print_json(content: object) -> None:
    """One JSON document on stdout."""
    typer.echo(to_json(content, indent=2))


def note(text: str) -> None:
    """Progress and remarks go to stderr."""
    typer.echo(text, err=True)
