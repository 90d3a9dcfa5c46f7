"""What a person asks to predict: scans, folders and manifests become one request per scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from bioloc.cohorts.manifest import Case, is_manifest, read_manifest
from bioloc.errors import UsageError
from bioloc.tasks import Task

_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm", ".ima")


@dataclass(frozen=True)
class Request:
    """One scan to predict.

    Attributes:
        case_id: Name of the case, and of its files.
        image: The scan.
        roi: Mask of the region of interest; None to find it, or for none.
        roi_labels: Labels of `roi` that count; empty for all.
        slice_number: The slice, from the feet; None where the scan has one, a volume counts, or `auto`.
        auto: Whether the slice is to be found.
        series: Which DICOM series of a folder: its number or UID; None for the only one.
    """

    case_id: str
    image: Path
    roi: Path | None = None
    roi_labels: tuple[int, ...] = ()
    slice_number: int | None = None
    auto: bool = False
    series: str | None = None


def requests(
    inputs: Sequence[Path], roi: Path | None, slice_text: str | None, task: Task, series: str | None = None
) -> list[Request]:
    """One request per input; a manifest (.csv or .parquet) gives one per row.

    Args:
        inputs: Scans, DICOM folders, or manifests.
        roi: A mask for a single input, or a folder of masks named like the inputs.
        slice_text: `auto` or an axial slice, counted from the feet from 0.
        task: The biomarker.
        series: Number or UID of a DICOM series, for folders that hold several.

    Raises:
        UsageError: `slice_text` is no number, or the task takes whole volumes; `roi` is not there, or is one
            mask for many scans.
    """
    auto, number = _slice(slice_text, task)
    _check_roi(roi, inputs)
    found: list[Request] = []
    for path in inputs:
        if is_manifest(path):
            cases = read_manifest(path, task, values_needed=False)
            found += [_of_case(case, roi, number, auto, series) for case in cases]
        else:
            found.append(Request(_stem(path), path, _roi_of(path, roi), (), number, auto, series))
    return _with_unique_names(found)


def _slice(text: str | None, task: Task) -> tuple[bool, int | None]:
    auto = text == "auto"
    if text is not None and not auto and not text.isdecimal():
        raise UsageError(f"--slice {text}: give `auto` or a slice number from 0, counted from the feet")
    number = int(text) if text is not None and not auto else None
    if number is not None and task.volume:
        raise UsageError(f"--slice {number}: {task.title} is summed over the whole volume: leave --slice out")
    return auto, number


def _check_roi(roi: Path | None, inputs: Sequence[Path]) -> None:
    if roi is not None and not roi.exists():
        raise UsageError(f"--roi {roi}: no such file or folder")
    if roi is not None and roi.is_file() and (len(inputs) > 1 or is_manifest(inputs[0])):
        raise UsageError(f"--roi {roi} is one mask for many scans: give a folder with masks named like the scans")


def _of_case(case: Case, roi: Path | None, number: int | None, auto: bool, series: str | None) -> Request:
    """Options overrule the manifest's columns."""
    named = case.slice_number if number is None and not auto else number
    region, labels = (case.region, case.region_labels) if roi is None else (_roi_of(case.image, roi), ())
    return Request(case.case_id, case.image, region, labels, named, named is None and (auto or case.slice_auto), series)


def _roi_of(path: Path, roi: Path | None) -> Path | None:
    if roi is None or not roi.is_dir():
        return roi
    named = [file for file in sorted(roi.iterdir()) if _stem(file) == _stem(path)]
    return named[0] if named else roi / path.name


def _stem(path: Path) -> str:
    name = path.resolve().name
    return next((name[: -len(ending)] for ending in _ENDINGS if name.lower().endswith(ending)), name)


def _with_unique_names(found: list[Request]) -> list[Request]:
    taken: set[str] = set()
    unique = []
    for request in found:
        names = (request.case_id if again == 1 else f"{request.case_id}-{again}" for again in count(1))
        name = next(name for name in names if name not in taken)
        taken.add(name)
        unique.append(replace(request, case_id=name))
    return unique
