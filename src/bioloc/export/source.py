"""The DICOM instances that a scan was read from, and the way from the volume back to their pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from bioloc.ct.image import CT
from bioloc.errors import ImageError
from bioloc.export.headers import REFUSED, is_multi_frame, read_header, read_identity, set_increment

_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Source:
    """Instances of one series, and which plane of the volume each of their frames shows.

    Attributes:
        ct: The volume.
        headers: Without patient and study; one per frame, or the only one of a multi-frame instance.
        identity: Patient and study.
        planes: (F,) for each frame, in the order of the headers, its plane of the volume along `axes[0]`.
        axes: Axes of the volume's file that go with the frames, their rows and their columns.
        backwards: Those of (frame, row, column) that run against the file's axis.
    """

    ct: CT
    headers: list[Dataset]
    identity: Dataset
    planes: NDArray[np.intp]
    axes: tuple[int, ...]
    backwards: tuple[int, ...]

    def pixels(self, array: NDArray[Any]) -> NDArray[Any]:
        """(F, rows, columns) of an (S, R, C) array: the frames' own pixels."""
        return self._turned(array)[self.planes]

    def across(self, slices: NDArray[np.bool_]) -> Source:
        """The instances that these axial slices, (S,), go through; a multi-frame instance stays whole."""
        if is_multi_frame(self.headers[0]):
            return self
        marked = np.broadcast_to(slices[:, None, None], self.ct.hu.shape)
        wanted = np.any(self._turned(marked), axis=(1, 2))[self.planes]
        headers = [header for header, chosen in zip(self.headers, wanted, strict=True) if chosen]
        return replace(self, headers=headers, planes=self.planes[wanted])

    def _turned(self, array: NDArray[Any]) -> NDArray[Any]:
        return np.flip(self.ct.to_file_axes(array).transpose(self.axes), self.backwards)


def read_source(ct: CT) -> Source:
    """The instances of a scan that came from DICOM.

    Nothing is assumed of the order of the files or of the volume's axes: both follow from where the headers place the pixels.

    Raises:
        ImageError: A header lacks what refers to an image, or the instances do not lie as the volume does.
    """
    headers = [read_header(path) for path in ct.acquisition.files]
    corners, steps = _placed(headers)
    to_voxels = np.linalg.inv(ct.affine)
    corners = corners * _LPS_TO_RAS @ to_voxels[:3, :3].T + to_voxels[:3, 3]
    steps = steps * _LPS_TO_RAS @ to_voxels[:3, :3].T
    in_plane = np.abs(steps).argmax(axis=1)
    signs = np.sign(steps[[0, 1], in_plane])
    if np.abs(steps - np.eye(3)[in_plane] * signs[:, None]).max() > 0.02:
        raise ImageError(f"{ct.source}: {REFUSED}: its pixels are not those of its volume")
    axes = (3 - int(in_plane.sum()), *(int(axis) for axis in in_plane))
    planes = np.argsort(np.argsort(corners[:, axes[0]]))  # by rank: increments may differ a little
    shape = np.array(ct.to_file_axes(ct.hu).shape)[list(axes)]
    expected = np.column_stack([planes, *np.broadcast_to(np.where(signs > 0, 0, shape[1:] - 1)[:, None], (2, len(planes)))])
    same_size = tuple(shape) == (len(planes), headers[0].Rows, headers[0].Columns)
    if not same_size or np.abs(corners[:, axes] - expected).max() > 0.5:
        raise ImageError(f"{ct.source}: {REFUSED}: its instances do not lie as its volume does")
    for header in headers:
        set_increment(header, float(np.linalg.norm(ct.affine[:3, axes[0]])))
    backwards = tuple(axis for axis, sign in enumerate(signs, start=1) if sign < 0)
    return Source(ct, headers, read_identity(ct.acquisition.files[0]), planes, axes, backwards)


def _placed(headers: list[Dataset]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the frames' first pixels lie, (F, 3), and the steps from row to row and column to column, (2, 3); LPS mm."""
    first = headers[0]
    if is_multi_frame(first):
        shared = first.SharedFunctionalGroupsSequence[0]
        orientation = shared.PlaneOrientationSequence[0].ImageOrientationPatient
        spacing = shared.PixelMeasuresSequence[0].PixelSpacing
        places = [frame.PlanePositionSequence[0].ImagePositionPatient for frame in first.PerFrameFunctionalGroupsSequence]
    else:
        orientation, spacing = first.ImageOrientationPatient, first.PixelSpacing
        places = [header.ImagePositionPatient for header in headers]
    along_row, along_column = np.reshape(np.array(orientation, np.float64), (2, 3))
    steps = np.stack([along_column * float(spacing[0]), along_row * float(spacing[1])])
    return np.array(places, np.float64), steps
