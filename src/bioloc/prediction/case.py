"""One scan in three steps: read and find, predict, write. The steps of neighbouring scans may overlap."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioloc.calibration import Uncertainty
from bioloc.cohorts.build import Scan, open_scan
from bioloc.cohorts.locate import Place, locate
from bioloc.ct.image import CT
from bioloc.ct.read import labels_in, read_ct, read_mask
from bioloc.ct.write import write_nifti
from bioloc.errors import AnatomyError, ImageError
from bioloc.export import write_dicom
from bioloc.fitness import Finding, check_fitness
from bioloc.inference.scan import Prediction
from bioloc.params import Grid
from bioloc.prediction.requests import Request
from bioloc.reporting.locator import Locator
from bioloc.reporting.overlays import overlay
from bioloc.reporting.panels import Picture
from bioloc.tasks import Task

Mask = NDArray[np.bool_]
IMAGES = {"map": ".nii.gz", "mask": ".nii.gz", "overlay": ".png"}
DICOMS = {"dicom_seg": ".dcm", "dicom_map": ".dcm", "dicom_report": ".dcm"}


@dataclass(frozen=True)
class Opened:
    """A scan that was read, with what of it is measured and what speaks against it."""

    ct: CT
    place: Place
    scan: Scan
    warnings: tuple[str, ...]


def paths_of(case_id: str, output: Path) -> dict[str, Path]:
    """Every file that a case may have, by the name of its column."""
    return {name: output / f"{case_id}_{name}{ending}" for name, ending in (IMAGES | DICOMS).items()}


def open_request(request: Request, task: Task, grid: Grid, force: bool) -> Opened:
    """Read a scan, find what is measured, and refuse a scan that is wrong for the task.

    Args:
        request: The scan.
        task: The biomarker.
        grid: The model's working grid.
        force: Go on with a scan that would be refused; the reasons become warnings.

    Raises:
        ImageError: The scan or its region cannot be used, or it is refused.
    """
    ct = read_ct(request.image, request.series)
    given = None
    if request.roi is not None and task.region != "none":
        given = labels_in(read_mask(request.roi, ct), request.roi_labels)
        if not given.any():
            raise ImageError(f"{request.roi}: the region of interest is empty")
    place, remarks = _located(task, ct, given, request, force)
    findings = check_fitness(task, ct, place.region, place.slice_number, place.found_slice is None)
    refused = [finding for finding in findings if finding.severity == "refuse"]
    if refused and not force:
        raise ImageError(f"{request.image}: {_refusal(refused)}")
    scan = open_scan(task, grid, ct, place.region, place.slice_number)
    return Opened(ct, place, scan, (*remarks, *(finding.text for finding in findings)))


def _located(task: Task, ct: CT, given: Mask | None, request: Request, force: bool) -> tuple[Place, list[str]]:
    """Slice and region; with `force` a region that helps, but need not be, may also not be found."""
    try:
        return locate(task, ct, given, request.slice_number, request.auto), []
    except AnatomyError as error:
        if not (force and task.volume and task.region == "optional"):
            raise
        return Place(None, None), [f"{error}; the whole scan was used"]


def _refusal(findings: list[Finding]) -> str:
    return "; ".join(finding.text for finding in findings) + " (--force predicts all the same)"


def write_case(
    task: Task, model: str, request: Request, opened: Opened, prediction: Prediction, paths: dict[str, Path]
) -> dict[str, Any]:
    """Write a case's files and return its part of the result row."""
    ct, place = opened.ct, opened.place
    shown = _shown_slice(prediction) if place.slice_number is None else 0
    slice_number = shown if place.slice_number is None else place.slice_number
    whole_map, whole_mask = (_in_volume(part, place.slice_number, ct) for part in (prediction.map, prediction.mask))
    write_nifti(paths["map"], whole_map.astype(np.float32), ct)
    write_nifti(paths["mask"], whole_mask.astype(np.uint8), ct)
    title = f"{request.case_id}, slice {slice_number}: {prediction.value:.1f} {task.unit}"
    plane = opened.scan.hu[shown], opened.scan.spacing_mm[1:], prediction.map[shown], prediction.mask[shown]
    overlay(Picture(*plane, None, task.windows[0], title), paths["overlay"], locator_of(opened))
    unlike = prediction.uncertainty.warning
    remarks = _write_dicoms(task, model, opened, prediction.value, (whole_map, whole_mask), paths)
    return {
        "value": prediction.value,
        "status": "ok",
        "error": None,
        **({"category": task.category(prediction.value)} if task.categories is not None else {}),
        **prediction.uncertainty.row(),
        "slice": slice_number,
        "mask_value": prediction.candidates.value(prediction.mask),
        "candidates_value": prediction.candidates.total(),
        **{name: str(path) if name in IMAGES or path.is_file() else None for name, path in paths.items()},
        "warnings": [*opened.warnings, *([unlike] if unlike else []), *remarks],
        "found": [rule for rule in (place.found_slice, place.found_region) if rule is not None],
    }


def _write_dicoms(
    task: Task,
    model: str,
    opened: Opened,
    value: float,
    results: tuple[NDArray[np.float32], Mask],
    paths: dict[str, Path],
) -> list[str]:
    """Write the DICOM objects of a scan that came as DICOM; a remark where its header does not allow them."""
    ct = opened.ct
    dicoms = {name: paths[name] for name in DICOMS}
    for path in dicoms.values():
        path.unlink(missing_ok=True)  # those of an earlier run
    if not ct.acquisition.files:
        return []
    try:
        write_dicom(ct, task, value, *results, model, dicoms, opened.place.slice_number)
    except ImageError as error:  # the value is good all the same
        for path in dicoms.values():
            path.unlink(missing_ok=True)
        return [f"no DICOM objects: {error}"]
    return []


def failed_row(task: Task, reason: str, paths: dict[str, Path]) -> dict[str, Any]:
    """The row of a case without result; files of an earlier run go, since beside it they would be taken for its result."""
    for path in paths.values():
        path.unlink(missing_ok=True)
    return {
        "value": None,
        "status": "failed",
        "error": reason,
        **({"category": None} if task.categories is not None else {}),
        **Uncertainty().row(),
        **dict.fromkeys(("slice", "mask_value", "candidates_value", *paths)),
        "warnings": [],
        "found": [],
    }


def locator_of(opened: Opened) -> Locator | None:
    """What was found automatically, to be drawn; None where a person named everything."""
    place = opened.place
    rules = tuple(rule for rule in (place.found_slice, place.found_region) if rule is not None)
    if not rules:
        return None
    region = place.region if place.found_region is not None else None
    return Locator(opened.ct.hu, opened.ct.spacing_mm, place.slice_number, region, rules)


def _shown_slice(prediction: Prediction) -> int:
    """The slice of a volume where most of the mask is; without a mask, of the candidates."""
    for mask in (prediction.mask, prediction.candidates.mask):
        if mask.any():
            return int(mask.sum(axis=(1, 2)).argmax())
    return len(prediction.mask) // 2


def _in_volume(part: NDArray[Any], slice_number: int | None, ct: CT) -> NDArray[Any]:
    if slice_number is None:
        return part
    whole = np.zeros(ct.hu.shape, part.dtype)
    whole[slice_number] = part[0]
    return whole
