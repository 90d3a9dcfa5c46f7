"""`bioloc-cli measure`: the classical value from a mask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bioloc.cli.options import Json, TaskName, note, print_json
from bioloc.tasks import get_task


def measure(
    task: TaskName,
    image: Annotated[Path, typer.Option("--image", help="The scan.", metavar="IMG")],
    mask: Annotated[Path, typer.Option("--mask", help="Its mask; labels are measured one by one.", metavar="MASK")],
    slice_: Annotated[
        int | None, typer.Option("--slice", help="Only this axial slice, from the feet, from 0.", metavar="N")
    ] = None,
    series: Annotated[
        str | None, typer.Option("--series", help="DICOM series to take, where a folder holds several.", metavar="NUMBER|UID")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the value inside a mask, as a reader would."""
    from bioloc.biomarkers.measure import measure as measured
    from bioloc.ct.read import read_ct, read_mask

    chosen = get_task(task)
    ct = read_ct(image, series, without_air=True)  # a part of a scan, or an image made by hand, may hold tissue only
    if (ct.hu >= 0).all():
        note(f"warning: {image} has no voxel below 0 HU: its values are measured as HU, is the rescale missing?")
    labels = read_mask(mask, ct)
    part = slice(None) if slice_ is None else slice(ct.number_of_slice(slice_), slice_ + 1)
    found = measured(chosen, ct.hu[part], ct.spacing_mm, labels[part])
    shift = slice_ or 0
    components = [{**row, "slice": row["slice"] + shift} if "slice" in row else row for row in found.components]
    content = {"task": chosen.name, "value": found.value, "unit": chosen.unit, "components": components}
    if chosen.categories is not None:
        content["category"] = chosen.category(found.value)
        content |= {name: sum(row[name] for row in components) for name in ("volume_mm3", "mass_mg")}
    if as_json:
        print_json(content)
        return
    typer.echo(f"{chosen.title}: {found.value:.2f} {chosen.unit} in {len(components)} components")
    for label in sorted({row["label"] for row in components}):
        typer.echo(f"  label {label}: {sum(row['value'] for row in components if row['label'] == label):.2f} {chosen.unit}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(measure)
