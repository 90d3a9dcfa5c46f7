"""`bioloc-cli predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bioloc.cli.options import Json, ModelUri, TaskName, note, print_json
from bioloc.project import Project
from bioloc.tasks import get_task


def predict(
    inputs: Annotated[
        list[Path],
        typer.Argument(help="Scans (NIfTI, NRRD, MetaImage, DICOM folder or file), or a manifest.csv.", metavar="INPUT..."),
    ],
    task: TaskName,
    model: ModelUri = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder for maps, masks, overlays and tables [default: predictions/TASK].")
    ] = None,
    slice_: Annotated[
        str | None, typer.Option("--slice", help="Axial slice from the feet, from 0, or auto.", metavar="N|auto")
    ] = None,
    roi: Annotated[
        Path | None, typer.Option("--roi", help="Mask of the organ, or of the heart as a box; a folder of masks for many scans.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict the value of scans, with the map and mask it comes from."""
    from bioloc.inference.package import load_package
    from bioloc.stages.predict import predict_all, requests, write_table
    from bioloc.tracking.address import resolve

    chosen = get_task(task)
    wanted = requests(inputs, roi, slice_, chosen)
    folder, uri = resolve(Project.find().root, chosen.name, model) if not _is_folder(model) else (Path(str(model)), str(model))
    package = load_package(folder)
    target = output or Path("predictions") / chosen.name
    rows = []
    for row in predict_all(package, uri, wanted, target):
        rows.append(row)
        found = f"{row['value']:.2f} {row['unit']}" if row["status"] == "ok" else f"failed: {row['error']}"
        note(f"{row['case_id']}: {found} ({row['seconds']:.1f} s)")
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


def _is_folder(model: str | None) -> bool:
    return model is not None and (Path(model) / "model.json").is_file()
