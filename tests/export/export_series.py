"""Tiny CT series in any orientation, and where the voxels of what was written lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dicom_files
import nibabel as nib
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds

from bioloc.ct import CT, read_ct
from bioloc.export import write_dicom
from bioloc.tasks import get_task

SHAPE = (5, 12, 10)
SPACING = (3.0, 0.75, 0.625)
FEET = 401.0  # height of the lowest slice, mm
LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])
PATIENT = {
    "PatientName": "Roe^Richard",
    "PatientID": "MRN-0815",
    "PatientBirthDate": "19610203",
    "PatientSex": "O",
    "StudyDate": "20240506",
    "StudyTime": "070809",
    "AccessionNumber": "ACC77",
    "StudyID": "S3",
    "ReferringPhysicianName": "House^Gregory",
}
UNASKED = {
    "PatientComments": "lives next door",
    "PatientAge": "063Y",
    "StudyDescription": "chest of R. Roe",
    "SeriesDescription": "thin, R. Roe",
    "InstitutionName": "St. Nowhere",
    "OtherPatientIDs": "OLD-1",
}


def phantom(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.int16]:
    """(S, R, C) HU, every voxel's own, some below 0."""
    return np.arange(-200, -200 + np.prod(shape), dtype=np.int16).reshape(shape)


def write_series(folder: Path, codes: str = "LPS", turn_deg: float = 0.0, **elements: Any) -> Path:
    """A series of `phantom` whose columns, rows and slices count as `codes` say, turned about the head-foot axis.

    Elements of the header are given by keyword; None takes one away.
    """
    absent = [name for name, value in elements.items() if value is None]
    given = {name: value for name, value in (PATIENT | elements).items() if value is not None}
    angle = np.deg2rad(turn_deg)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    straight = np.diag([-SPACING[2], -SPACING[1], SPACING[0], 1.0])
    straight[:3, 3] = 30.5, -12.25, FEET
    image = nib.Nifti1Image(phantom().transpose(2, 1, 0), straight)
    change = nib.orientations.ornt_transform(nib.io_orientation(straight), nib.orientations.axcodes2ornt(codes))
    image = image.as_reoriented(change)
    affine = turn @ image.affine
    columns_mm, rows_mm, increment = np.round(np.linalg.norm(affine[:3, :3], axis=0), 6)
    cosines = affine[:3, :3] / (columns_mm, rows_mm, increment) * LPS_TO_RAS[:, None]

    def place(data: Dataset, number: int) -> None:
        for name in absent:
            data.pop(name, None)
        data.ImagePositionPatient = _ds((affine[:3, :3] @ [0, 0, number] + affine[:3, 3]) * LPS_TO_RAS)

    return dicom_files.write_series(
        folder,
        np.asanyarray(image.dataobj).transpose(2, 1, 0),
        (increment, rows_mm, columns_mm),
        change=place,
        **{"ImageOrientationPatient": _ds(cosines[:, :2].T.ravel()), **given},
    )


@dataclass(frozen=True)
class Written:
    """A scan and the objects that were written for it."""

    ct: CT
    paths: dict[str, Path]

    def dataset(self, name: str) -> Dataset:
        return pydicom.dcmread(self.paths[f"dicom_{name}"])


def write_all(
    ct: CT,
    folder: Path,
    mask: NDArray[np.bool_],
    map_: NDArray[np.float32] | None = None,
    task: str = "sfa",
    value: float = 12.5,
    slice_number: int | None = None,
    model: str = "models:/bioloc-sfa@champion",
) -> Written:
    """The three objects of a prediction, in `folder`."""
    paths = {f"dicom_{name}": folder / f"case_dicom_{name}.dcm" for name in ("seg", "map", "report")}
    map_ = mask.astype(np.float32) if map_ is None else map_
    write_dicom(ct, get_task(task), value, map_, mask, model, paths, slice_number)
    return Written(ct, paths)


def scan(folder: Path, **how: Any) -> CT:
    """A series that was written and read."""
    ct = read_ct(write_series(folder, **how))
    assert ct.hu.shape == SHAPE
    return ct


def blob(slices: slice = slice(1, 4)) -> NDArray[np.bool_]:
    """(S, R, C) bool, with no symmetry in any axis."""
    mask = np.zeros(SHAPE, bool)
    mask[slices, 2:7, 3:5] = True
    mask[slices, 2, 8] = True
    mask[slices.stop - 1, 9, 1] = True
    return mask


def of_volume(ct: CT, array: NDArray[Any]) -> NDArray[np.float64]:
    """(N, 4) place in the patient, RAS+ mm, and value of each voxel of an (S, R, C) array that is not zero."""
    in_file = ct.to_file_axes(array)
    voxels = np.argwhere(in_file)
    return _sorted(voxels @ ct.affine[:3, :3].T + ct.affine[:3, 3], in_file[tuple(voxels.T)])


def of_object(data: Dataset) -> NDArray[np.float64]:
    """`of_volume` of a multi-frame object, by the attributes of each frame alone."""
    shared = data.SharedFunctionalGroupsSequence[0]
    along_row, along_column = np.reshape(np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float), (2, 3))
    between_rows, between_columns = (float(number) for number in shared.PixelMeasuresSequence[0].PixelSpacing)
    pixels = data.pixel_array.reshape(int(data.NumberOfFrames), data.Rows, data.Columns)
    places, values = [], []
    for frame, plane in zip(data.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        rows, columns = np.nonzero(plane)
        corner = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float)
        places.append(corner + np.outer(rows * between_rows, along_column) + np.outer(columns * between_columns, along_row))
        values.append(plane[rows, columns])
    return _sorted(np.concatenate(places) * LPS_TO_RAS, np.concatenate(values))


def _ds(numbers: NDArray[np.float64]) -> list[str]:
    """Numbers in the 16 characters that DICOM has for one."""
    return [format_number_as_ds(float(number)) for number in numbers]


def _sorted(places: NDArray[np.float64], values: NDArray[Any]) -> NDArray[np.float64]:
    table = np.column_stack([places, values.astype(np.float64)])
    return table[np.lexsort(np.round(table[:, :3], 2).T)]
