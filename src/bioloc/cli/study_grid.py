"""`bioloc-cli study`: the grid of ablations and curves, beside the study itself (docs/study.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bioloc.cli.options import MethodName, TaskName, note, study_of
from bioloc.errors import UsageError
from bioloc.methods import get_method
from bioloc.project import Project

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
ProfileName = Annotated[str, typer.Option("--profile", help="default or paper.", metavar="PROFILE")]


@app.command()
def row(
    task: TaskName,
    variant: Annotated[str, typer.Option("--variant", help="Name in the file of variants.", metavar="NAME")],
    method: MethodName = "localizer",
    variants: Annotated[
        Path, typer.Option("--variants", help="File of variants, from the study's folder.", metavar="FILE")
    ] = Path("study/variants.yaml"),
    output: Annotated[
        Path | None, typer.Option("--output", help="Where the row goes; study/results, if not given.", metavar="FILE")
    ] = None,
    as_trained: Annotated[
        bool, typer.Option("--as-trained", help="Train nothing: the variant changes nothing, and `train` made its model.")
    ] = False,
) -> None:
    """Train and evaluate with one thing changed (a stage)."""
    from bioloc.stages.study import make_row
    from bioloc.stages.study_variants import read_variant

    project, params, chosen = study_of(task)
    change, by = read_variant(project.root / variants, variant), get_method(method)
    path = project.root / (output or Path("study", "results", task, method, f"{variant}.json"))
    make_row(project, params, chosen, by, variant, change, path, as_trained)
    note(f"wrote {path}")


@app.command()
def run(profile: ProfileName = "default") -> None:
    """Make all rows that are not up to date, then collect."""
    from bioloc.stages.study_grid import make_grid

    _check(profile)
    status, times = make_grid(Project.find(), profile)
    collect(profile)
    typer.echo(times)
    if status:
        raise typer.Exit(status)


@app.command()
def collect(profile: ProfileName = "default") -> None:
    """Bring all rows together in reports/study and MLflow."""
    from bioloc.stages.study_collect import collect as collected

    _check(profile)
    note(f"wrote {collected(Project.find(), profile)}")


def _check(profile: str) -> None:
    from bioloc.stages.study_collect import PROFILES

    if profile not in PROFILES:
        raise UsageError(f"--profile {profile}: choose from {', '.join(PROFILES)}")
