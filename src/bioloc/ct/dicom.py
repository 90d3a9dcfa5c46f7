"""A CT from DICOM: one series of single slices, or one multi-frame file."""

from __future__ import annotations

import warnings
from pathlib import Path

from bioloc.ct.frames import read_frames
from bioloc.ct.image import Stored
from bioloc.ct.series import ENDINGS, find_series
from bioloc.ct.slices import read_slices
from bioloc.errors import ImageError


def is_dicom(path: Path) -> bool:
    """Whether to read `path` as DICOM: a folder, a file that is called so, or one that begins as DICOM does."""
    if path.is_dir() or path.suffix.lower() in ENDINGS:
        return True
    from pydicom.misc import is_dicom as begins_so

    return bool(begins_so(path))


def read_dicom(path: Path, series: str | None = None) -> Stored:
    """The CT series in a DICOM file or folder, in HU.

    Args:
        path: A file, or a folder with one CT series among whatever else.
        series: Number or UID of the series, where there are several.

    Raises:
        ImageError: There is no CT series or more than one, or its slices are not one even, straight stack.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's remarks quote header values; what matters of them is raised here
        instances = find_series(path, series).instances
        if len(instances) == 1 and instances[0].frames > 1:
            return read_frames(instances[0])
        if any(instance.frames > 1 for instance in instances):
            raise ImageError(f"{path}: {len(instances)} files with several slices each in one series: give one of the files")
        return read_slices(instances, path)
