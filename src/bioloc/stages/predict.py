"""Predict on people's own scans: load the model once, one row per scan, and never let one bad scan end the batch."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioloc.cohorts.build import open_scan
from bioloc.cohorts.manifest import Case, read_manifest
from bioloc.ct.image import CT
from bioloc.ct.read import read_ct, read_mask
from bioloc.ct.write import write_nifti
from bioloc.errors import BiolocError, ImageError, UsageError
from bioloc.files import write_json, written_aside
from bioloc.inference.package import Package
from bioloc.inference.scan import Prediction, grid_of, predict_scan
from bioloc.reporting.overlays import Picture, overlay
from bioloc.tasks import Task


@dataclass(frozen=True)
class Request:
    """One scan to predict; `slice_number` is None for a single slice, a volume's value, or `auto`."""

    case_id: str
    image: Path
    roi: Path | None
    slice_number: int | None
    auto: bool = False


def requests(inputs: Sequence[Path], roi: Path | None, slice_text: str | None, task: Task) -> list[Request]:
    """One request per input; a manifest (.csv) gives one per row.

    Args:
        inputs: Scans, DICOM folders, or manifests.
        roi: A mask for a single input, or a folder of masks named like the inputs.
        slice_text: `auto` or an axial slice, counted from the feet from 0.
        task: The biomarker.

    Raises:
        UsageError: `slice_text` is no number, or the task takes whole volumes; `roi` is not there, or is one
            mask for many scans.
    """
    auto = slice_text == "auto"
    if slice_text is not None and not auto and not slice_text.isdecimal():
        raise UsageError(f"--slice {slice_text}: give `auto` or a slice number from 0, counted from the feet")
    number = int(slice_text) if slice_text is not None and not auto else None
    if number is not None and task.volume:
        raise UsageError(f"--slice {number}: {task.title} is summed over the whole volume: leave --slice out")
    if roi is not None and not roi.exists():
        raise UsageError(f"--roi {roi}: no such file or folder")
    if roi is not None and roi.is_file() and (len(inputs) > 1 or inputs[0].suffix == ".csv"):
        raise UsageError(f"--roi {roi} is one mask for many scans: give a folder with masks named like the scans")
    found = []
    for path in inputs:
        if path.suffix == ".csv":
            found += [
                Request(
                    case.case_id,
                    case.image,
                    case.region if roi is None else _roi_of(case.image, roi),
                    case.slice_number if number is None else number,
                    auto,
                )
                for case in _cases(path, task)
            ]
        else:
            found.append(Request(_stem(path), path, _roi_of(path, roi), number, auto))
    return _with_unique_names(found)


def predict_all(package: Package, model: str, wanted: Sequence[Request], output: Path) -> Iterator[dict[str, Any]]:
    """One result row per request, files written below `output`; a failure is a row with its error."""
    for request in wanted:
        begun = time.perf_counter()
        row: dict[str, Any] = {
            "case_id": request.case_id,
            "input": str(request.image),
            "value": None,
            "unit": package.network.task.unit,
        }
        paths = {
            name: output / f"{request.case_id}_{name}{ending}"
            for name, ending in (("map", ".nii.gz"), ("mask", ".nii.gz"), ("overlay", ".png"))
        }
        try:
            row |= _predict(package, request, paths)
        except Exception as error:  # whatever a scan brings about: the others are still to be done
            for path in paths.values():
                path.unlink(missing_ok=True)  # also an earlier run's: beside a failed row it would be taken for its result
            row |= {"value": None, "status": "failed", "error": _reason(error), "slice": None, **dict.fromkeys(paths)}
        yield {**row, "model": model, "seconds": round(time.perf_counter() - begun, 3)}


def write_table(rows: list[dict[str, Any]], task: Task, model: str, output: Path) -> dict[str, Any]:
    """Write results.json and results.csv; returns the JSON content."""
    content = {"task": task.name, "model": model, "results": rows}
    write_json(output / "results.json", content)
    with written_aside(output / "results.csv") as aside:
        pd.DataFrame(rows).to_csv(aside, index=False, lineterminator="\n")
    return content


def _predict(package: Package, request: Request, paths: dict[str, Path]) -> dict[str, Any]:
    task = package.network.task
    ct = read_ct(request.image)
    region = _region(task, request, ct)
    number = None if task.volume else _auto_slice(task, ct, region) if request.auto else request.slice_number
    scan = open_scan(task, grid_of(package), ct, region, number)
    prediction = predict_scan(package, scan)
    shown = _shown_slice(prediction) if scan.slice_number is None else 0
    slice_number = shown if scan.slice_number is None else scan.slice_number
    write_nifti(paths["map"], _in_volume(prediction.map.astype(np.float32), scan.slice_number, ct), ct)
    write_nifti(paths["mask"], _in_volume(prediction.mask.astype(np.uint8), scan.slice_number, ct), ct)
    title = f"{request.case_id}, slice {slice_number}: {prediction.value:.1f} {task.unit}"
    picture = Picture(
        scan.hu[shown], scan.spacing_mm[1:], prediction.map[shown], prediction.mask[shown], None, task.windows[0], title
    )
    overlay(picture, paths["overlay"])
    found: dict[str, Any] = {"value": prediction.value, "status": "ok", "error": None, "slice": slice_number}
    if task.categories is not None:
        found["category"] = task.category(prediction.value)
    found["mask_value"] = prediction.candidates.value(prediction.mask)
    found["candidates_value"] = prediction.candidates.total()
    return {**found, **{name: str(path) for name, path in paths.items()}}


def _reason(error: Exception) -> str:
    if isinstance(error, BiolocError):
        return str(error)
    if isinstance(error, MemoryError):
        return "not enough memory for this scan"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _region(task: Task, request: Request, ct: CT) -> NDArray[np.bool_] | None:
    """The region of interest, where the task has one."""
    if task.region == "none":
        return None
    if request.roi is None:
        if task.region == "required":
            raise ImageError(f"{ct.source}: {task.title} needs a mask of the organ: give it with --roi")
        return None
    region = read_mask(request.roi, ct) > 0
    if not region.any():
        raise ImageError(f"{request.roi}: the region of interest is empty")
    return region


def _shown_slice(prediction: Prediction) -> int:
    """The slice of a volume where most of the mask is; without a mask, of the candidates."""
    for mask in (prediction.mask, prediction.candidates.mask):
        if mask.any():
            return int(mask.sum(axis=(1, 2)).argmax())
    return len(prediction.mask) // 2


def _auto_slice(task: Task, ct: CT, region: NDArray[np.bool_] | None) -> int | None:
    if len(ct.hu) == 1:
        return 0
    if region is None or not region.any():
        rule = "--slice auto takes the slice where the region of interest is largest"
        raise ImageError(f"{ct.source}: {rule}, and {task.title} has none here: name the slice")
    return int(region.sum(axis=(1, 2)).argmax())


def _in_volume(part: NDArray[Any], slice_number: int | None, ct: CT) -> NDArray[Any]:
    if slice_number is None:
        return part
    whole = np.zeros(ct.hu.shape, part.dtype)
    whole[slice_number] = part[0]
    return whole


def _cases(path: Path, task: Task) -> list[Case]:
    return read_manifest(path, task, values_needed=False)


def _roi_of(path: Path, roi: Path | None) -> Path | None:
    if roi is None or not roi.is_dir():
        return roi
    named = [file for file in sorted(roi.iterdir()) if _stem(file) == _stem(path)]
    return named[0] if named else roi / path.name


def _stem(path: Path) -> str:
    name = path.resolve().name
    for ending in (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm", ".ima"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def _with_unique_names(found: list[Request]) -> list[Request]:
    taken: set[str] = set()
    unique = []
    for request in found:
        names = (request.case_id if again == 1 else f"{request.case_id}-{again}" for again in count(1))
        name = next(name for name in names if name not in taken)
        taken.add(name)
        unique.append(replace(request, case_id=name))
    return unique
