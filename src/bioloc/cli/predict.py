"""`bioloc-cli predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bioloc.cli.options import Json, ModelUri, TaskName, check_model, note, print_json
from bioloc.project import Project
from bioloc.tasks import get_task


def predict(
    inputs: Annotated[
        list[Path],
        typer.Argument(help="Scans (NIfTI, NRRD, MetaImage, DICOM folder or file), or a manifest.csv.", metavar="INPUT"),
    ],
    task: TaskName,
    model: ModelUri = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", help="Folder for maps, masks, overlays and tables; predictions/TASK, if not given.", metavar="DIR"
        ),
    ] = None,
    slice_: Annotated[
        str | None,
        typer.Option(
            "--slice", help="Axial slice, counted from the feet from 0; auto: where the region is largest.", metavar="N|auto"
        ),
    ] = None,
    roi: Annotated[
        Path | None,
        typer.Option(
            "--roi", help="Mask of the organ (or a box around the heart); for many scans a folder of masks.", metavar="MASK"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict the value of scans, and where it comes from."""
    from bioloc.inference.package import load_package
    from bioloc.stages.predict import predict_all, requests, write_table
    from bioloc.tracking.address import resolve

    chosen = get_task(task)
    wanted = requests(inputs, roi, slice_, chosen)
    root = Path() if model is not None and ":/" not in model else Project.find().root  # a folder needs no project
    folder, uri = resolve(root, chosen.name, model)
    package = load_package(folder)
    check_model(package.spec.task, chosen, uri)
    if roi is not None and chosen.region == "none":
        note(f"--roi is not used: {chosen.title} needs no region of interest")
    target = output or Path("predictions") / chosen.name
    target.mkdir(parents=True, exist_ok=True)
    say = note if as_json else typer.echo
    rows = []
    for row in predict_all(package, uri, wanted, target):
        rows.append(row)
        found = f"{row['value']:.2f} {row['unit']}" if row["status"] == "ok" else f"failed: {row['error']}"
        say(f"{row['case_id']}: {found} ({row['seconds']:.1f} s)")
    content = write_table(rows, chosen, uri, target)
    if as_json:
        print_json(content)
    else:
        note(f"maps, masks, overlays and results.csv are in {target}")
    if any(row["status"] == "failed" for row in rows):
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predict)
