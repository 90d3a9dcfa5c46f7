"""`bioloc-cli predict`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bioloc.cli.options import Json, ModelUri, TaskName, check_model, note
from bioloc.project import Project
from bioloc.tasks import get_task

Output = Annotated[
    Path | None,
    typer.Option("--output", help="Folder for maps, masks, overlays and tables; predictions/TASK, if not given.", metavar="DIR"),
]
Slice = Annotated[
    str | None,
    typer.Option(
        "--slice",
        help="Axial slice, counted from the feet from 0; auto finds it (chest: above the aortic arch; liver: the largest).",
        metavar="N|auto",
    ),
]
Roi = Annotated[
    Path | None,
    typer.Option(
        "--roi",
        help="Mask of the organ, or a box around the heart; found, if not given. For many scans a folder of masks.",
        metavar="MASK",
    ),
]
Series = Annotated[
    str | None, typer.Option("--series", help="DICOM series to take, where a folder holds several.", metavar="NUMBER|UID")
]


def predict(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="Scans (NIfTI, NRRD, MetaImage, DICOM folder or file), or a manifest (.csv, .parquet).", metavar="INPUT"
        ),
    ],
    task: TaskName,
    model: ModelUri = None,
    output: Output = None,
    slice_: Slice = None,
    roi: Roi = None,
    series: Series = None,
    force: Annotated[
        bool, typer.Option("--force", help="Predict also scans that are wrong for the task, with a warning.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run into the same folder was stopped.")] = False,
    as_json: Json = False,
) -> None:
    """Predict the value of scans, and where it comes from."""
    from bioloc.files import md5
    from bioloc.inference.package import load_package
    from bioloc.prediction.batch import Batch, check_paths, predict_all
    from bioloc.prediction.journal import Journal
    from bioloc.prediction.requests import requests
    from bioloc.prediction.tables import write_run, write_tables
    from bioloc.tracking.address import resolve

    begun, chosen = datetime.now(UTC), get_task(task)
    wanted = requests(inputs, roi, slice_, chosen, series)
    root = Path() if model is not None and ":/" not in model else Project.find().root  # a folder needs no project
    folder, uri = resolve(root, chosen.name, model)
    package = load_package(folder)
    check_model(package.spec.task, chosen, uri)
    if roi is not None and chosen.region == "none":
        note(f"--roi is not used: {chosen.title} needs no region of interest")
    target = output or Path("predictions") / chosen.name
    check_paths(wanted, target)
    made_with = {"task": chosen.name, "model": uri, "model_md5": md5(folder), "force": force}
    journal = Journal(target, made_with, resume)
    failed = 0
    for row in _shown(predict_all(Batch(package, uri, target, force), wanted, journal), len(wanted), to_stderr=as_json):
        failed += row["status"] == "failed"
    names = [request.case_id for request in wanted]
    table = write_tables(journal, names, chosen, uri, target)
    write_run(journal, names, made_with, begun, package.facts, target)
    if as_json:
        typer.echo(table.read_text(encoding="utf-8"), nl=False)
    else:
        note(f"maps, masks, overlays, results.csv and run.json are in {target}")
    if failed:
        raise typer.Exit(1)


def _shown(rows: Any, count: int, to_stderr: bool) -> Any:
    """The rows, each told as it comes, with a bar of the time left on a terminal."""
    from tqdm import tqdm

    for row in tqdm(rows, total=count, desc="predict", unit="scan", disable=None if count > 1 else True):
        found = f"{row['value']:.2f} {row['unit']}{_interval(row)}" if row["status"] == "ok" else f"failed: {row['error']}"
        warned = "".join(f"; warning: {text}" for text in row["warnings"])
        with tqdm.external_write_mode():
            typer.echo(f"{row['case_id']}: {found} ({row['seconds']:.1f} s){warned}", err=to_stderr)
        yield row


def _interval(row: dict[str, Any]) -> str:
    if row.get("interval_low") is None:
        return ""
    return f", {row['interval_level']:.0%} interval {row['interval_low']:.2f} to {row['interval_high']:.2f}"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predict)
