"""Mask, map and value of a prediction, written as three DICOM objects that refer to the scan's own instances."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bioloc.ct.image import CT
from bioloc.files import written_aside
from bioloc.tasks import Task

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def write_dicom(
    ct: CT,
    task: Task,
    value: float,
    map_: NDArray[np.float32],
    mask: NDArray[np.bool_],
    model: str,
    paths: dict[str, Path],
    slice_number: int | None,
) -> None:
    """Write a Segmentation, a Parametric Map and a TID 1500 report, each whole or not at all.

    Frames are written for the measured slice; of a volume, from the first to the last slice where map or mask is
    not zero, or of its middle slice where all is zero: the standard wants at least one.

    Args:
        ct: A scan that was read from DICOM.
        task: The biomarker.
        value: Its value, in the task's unit.
        map_: (S, R, C) in 0..1.
        mask: (S, R, C).
        model: Address of the model that made them.
        paths: Where to write `dicom_seg`, `dicom_map` and `dicom_report`.
        slice_number: The measured slice, from the feet; None for the whole volume.

    Raises:
        ImageError: The headers lack what DICOM needs to refer to their images.
    """
    # highdicom takes long to import, and most scans are no DICOM.
    from bioloc.export.headers import identify
    from bioloc.export.parametric_map import parametric_map
    from bioloc.export.report import measurement_report
    from bioloc.export.seg import segmentation
    from bioloc.export.source import read_source
    from bioloc.export.stamp import Stamp, digest

    source = read_source(ct).across(_slices(map_, mask, slice_number))
    stamp = Stamp(task, model, str(source.headers[0].SeriesInstanceUID), digest(value, mask))
    seg = segmentation(source, mask, stamp)
    map_object = parametric_map(source, map_, stamp)
    report = measurement_report(source, value, seg, map_object, stamp)
    for name, dataset in (("dicom_seg", seg), ("dicom_map", map_object), ("dicom_report", report)):
        identify(dataset, source.identity)
        _save(dataset, paths[name])


def _slices(map_: NDArray[np.float32], mask: NDArray[np.bool_], slice_number: int | None) -> NDArray[np.bool_]:
    """(S,) which slices get a frame."""
    wanted = np.zeros(len(mask), bool)
    if slice_number is not None:
        wanted[slice_number] = True
        return wanted
    used = np.flatnonzero(map_.any(axis=(1, 2)) | mask.any(axis=(1, 2)))
    first, last = (used[0], used[-1]) if len(used) else (len(mask) // 2, len(mask) // 2)
    wanted[first : last + 1] = True
    return wanted


def _save(dataset: Dataset, path: Path) -> None:
    with written_aside(path) as aside:
        dataset.save_as(aside, enforce_file_format=True)
