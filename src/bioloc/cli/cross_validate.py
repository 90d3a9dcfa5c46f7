"""`bioloc-cli cross-validate`: how good a method is on a cohort too small to spare a test split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bioloc.cli.options import InitUri, Json, MethodName, TaskName, note, print_json, start_of, study_of
from bioloc.methods import get_method
from bioloc.tasks import Task

_SHOWN = ("pearson_r", "pearson_r_log1p", "mae", "ccc", "bias", "category_accuracy", "dice")


def cross_validate(
    task: TaskName,
    method: MethodName = "localizer",
    folds: Annotated[int, typer.Option("--folds", min=2, help="How many times to train.", metavar="K")] = 5,
    init: InitUri = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Folder; reports/cross-validation/TASK/METHOD, if not given.", metavar="DIR"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Judge a method by every patient of a small cohort."""
    from bioloc.stages.cross_validation import Plan
    from bioloc.stages.cross_validation import cross_validate as cross_validated

    by = get_method(method)
    project, params, chosen = study_of(task)
    folder = output or project.cross_validation(chosen.name, by.name)
    plan = Plan(project, params, chosen, by, folds, folder, start_of(project, chosen, init))
    content = cross_validated(plan, note)
    if as_json:
        print_json(content)
    else:
        _tell(chosen, content, folder)


def _tell(task: Task, content: dict[str, Any], folder: Path) -> None:
    counts = f"{content['n_cases']} cases of {content['n_patients']} patients in {content['folds']} folds"
    typer.echo(f"{task.title}, {content['method']}: {counts}, values in {task.unit}")
    for name in _SHOWN:
        metric = content["metrics"].get(name)
        if metric is not None and metric["value"] == metric["value"]:
            typer.echo(f"  {name:18} {metric['value']:10.4g}   95 % interval {metric['ci_low']:.4g} to {metric['ci_high']:.4g}")
    mean = content["without_network"]["training-mean"]["mae"]
    typer.echo(f"  {'mae of the mean':18} {mean['value']:10.4g}   95 % interval {mean['ci_low']:.4g} to {mean['ci_high']:.4g}")
    typer.echo(f"  every patient's prediction is in {folder / 'predictions.csv'}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(cross_validate)
