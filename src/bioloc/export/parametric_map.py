"""The map as a DICOM Parametric Map."""

from __future__ import annotations

import numpy as np
from highdicom import VOILUTTransformation
from highdicom.pm import ParametricMap, RealWorldValueMapping
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from bioloc.export.codes import CONCEPTS, NO_UNITS, Concepts
from bioloc.export.source import Source
from bioloc.export.stamp import Stamp


def parametric_map(source: Source, map_: NDArray[np.float32], stamp: Stamp) -> ParametricMap:
    """The (S, R, C) map in 0..1 as float32 frames, one for each frame of the source."""
    mapping = RealWorldValueMapping(
        lut_label="share",
        lut_explanation="Share of a pixel that counts for the value, 0 to 1",
        unit=NO_UNITS,
        value_range=(0.0, 1.0),
        slope=1.0,
        intercept=0.0,
        quantity_definition=codes.DCM.ClassActivation,
    )
    found = ParametricMap(
        source_images=source.headers,
        pixel_array=source.pixels(map_),
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[VOILUTTransformation(window_center=0.5, window_width=1.0)],
        content_description=stamp.task.title,
        **stamp.header("map"),
    )
    found.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [_anatomy(CONCEPTS[stamp.task.name])]
    _sort_frames(found)
    return found


def _sort_frames(found: ParametricMap) -> None:
    """Put frames in the order of their positions along the normal of their pixels.

    highdicom writes them against it. Both are right, but dcmqi, and 3D Slicer by it, looks at no position but the first.
    """
    frames = list(found.PerFrameFunctionalGroupsSequence)
    orientation = found.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
    normal = np.cross(*np.reshape(np.array(orientation, np.float64), (2, 3)))
    positions = np.array([frame.PlanePositionSequence[0].ImagePositionPatient for frame in frames], np.float64)
    order = np.argsort(positions @ normal)
    for number, k in enumerate(order, start=1):
        frames[k].FrameContentSequence[0].DimensionIndexValues = [number]
    found.PerFrameFunctionalGroupsSequence = [frames[k] for k in order]
    pixels, size = memoryview(found.FloatPixelData), len(found.FloatPixelData) // len(frames)
    found.FloatPixelData = b"".join(pixels[k * size : (k + 1) * size] for k in order)


def _anatomy(concepts: Concepts) -> Dataset:
    """The Frame Anatomy functional group, an option of the standard that dcmqi does not do without."""
    item = Dataset()
    item.AnatomicRegionSequence = [CodedConcept.from_code(concepts.sites[0])]
    item.FrameLaterality = concepts.laterality
    return item
