"""A mask from a DICOM SEG file, as viewers and segmentation tools write it, by highdicom."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from bioloc.ct.image import CT, Stored
from bioloc.ct.slices import LPS_TO_RAS
from bioloc.errors import ImageError


def read_segmentation(path: Path, ct: CT) -> Stored:
    """The segment numbers in a DICOM SEG, in the file axes of `ct`; slices that the SEG leaves out are background.

    Raises:
        ImageError: It is no SEG, its segments overlap, or its voxels are not those of the scan.
    """
    import highdicom as hd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's remarks quote header values
            segmentation = hd.seg.segread(path)
    except Exception as error:  # highdicom's and pydicom's
        raise ImageError(f"{path}: no DICOM SEG that can be read: give a mask as SEG, NIfTI, NRRD or MetaImage") from error
    grid = hd.VolumeGeometry(LPS_TO_RAS @ ct.affine, ct.to_file_axes(ct.hu).shape, coordinate_system="PATIENT")
    try:
        volume = segmentation.get_volume(combine_segments=True, allow_missing_positions=True, dtype=np.uint16)
    except Exception as error:
        raise ImageError(
            f"{path}: its segments overlap or lie unevenly, so they make no one mask: give each its own file"
        ) from error
    try:
        labels = volume.match_geometry(grid, tol=1e-2)
    except Exception as error:
        raise ImageError(f"{path}: the segmentation's voxels are not those of the scan {ct.source}: resample it first") from error
    return Stored(labels.array, ct.affine)
