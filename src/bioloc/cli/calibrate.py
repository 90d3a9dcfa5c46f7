"""`bioloc-cli calibrate`: make a model's intervals, and on request its values, fit your own scanner."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from bioloc.cli.options import Json, ModelUri, TaskName, check_model, note, print_json
from bioloc.errors import UsageError
from bioloc.project import Project
from bioloc.tasks import Task, get_task


def calibrate(
    task: TaskName,
    manifest: Annotated[
        Path,
        typer.Option("--manifest", help="Cases with known values (.csv, .parquet), none that trained the model.", metavar="CSV"),
    ],
    output: Annotated[Path, typer.Option("--output", help="Folder of the calibrated model.", metavar="DIR")],
    model: ModelUri = None,
    recalibrate: Annotated[
        bool, typer.Option("--recalibrate", help="Correct the value too, if that lowers the error of cases left out.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Fit intervals to your own cases, and correct the value."""
    from bioloc.files import md5
    from bioloc.inference.package import load_package, save_package
    from bioloc.prediction.calibrate import calibrate as calibrated
    from bioloc.tracking.address import resolve

    chosen = get_task(task)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"--output {output} exists and is not an empty folder: choose another one for the calibrated model")
    root = Path() if model is not None and ":/" not in model else Project.find().root  # a folder needs no project
    folder, uri = resolve(root, chosen.name, model)
    package = load_package(folder)
    check_model(package.spec.task, chosen, uri)
    found, summary = calibrated(package, manifest, recalibrate, note)
    facts = {**package.facts, "calibrated_from": {"model": uri, "model_md5": md5(folder)}}
    save_package(replace(found, facts=facts), output.resolve())
    if as_json:
        print_json({"task": chosen.name, "model": uri, "output": str(output), **summary})
    else:
        _tell(chosen, summary, output)
    if summary["failed"]:
        raise typer.Exit(1)


def _tell(task: Task, summary: dict[str, Any], output: Path) -> None:
    interval, line = summary["interval"], summary["recalibration"]
    typer.echo(f"{task.title}: {summary['n_cases']} cases, {len(summary['failed'])} failed")
    typer.echo(f"  {interval['level']:.0%} interval: {interval['median_width']:.2f} {task.unit} wide at the median")
    if line is not None:
        errors = f"mean error {line['error_before']:.3g} before, {line['error_after']:.3g} after"
        kept = "kept" if line["kept"] else "not kept, since it does not help"
        space = " of log(1 + value)" if line["space"] == "log1p" else ""
        typer.echo(f"  correction{space}: {line['slope']:.3f} * value + {line['intercept']:.3f}; {errors}: {kept}")
    typer.echo(f"  the calibrated model is in {output}: predict with --model {output}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(calibrate)
