"""The mask as a DICOM Segmentation."""

from __future__ import annotations

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray
from pydicom.sr.codedict import codes

from bioloc import __version__
from bioloc.export.codes import CONCEPTS
from bioloc.export.source import Source
from bioloc.export.stamp import MAKER, Stamp


def segmentation(source: Source, mask: NDArray[np.bool_], stamp: Stamp) -> Segmentation:
    """The (S, R, C) mask as one binary segment, with a frame for each frame of the source.

    Empty frames are kept: a mask without any voxel still says where was looked, and needs no rule of its own.
    Of the segmentation types BINARY is the one that every viewer reads.
    """
    concepts = CONCEPTS[stamp.task.name]
    segment = SegmentDescription(
        segment_number=1,
        segment_label=stamp.task.structure,
        segmented_property_category=concepts.category,
        segmented_property_type=concepts.finding,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=MAKER, family=codes.DCM.ArtificialIntelligence, version=__version__, parameters={"model": stamp.model}
        ),
        tracking_uid=stamp.uid("tracking"),
        tracking_id=f"{MAKER} {stamp.task.name}",
        anatomic_regions=concepts.sites,
    )
    return Segmentation(
        source_images=source.headers,
        pixel_array=source.pixels(mask),
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[segment],
        omit_empty_frames=False,
        content_description=stamp.task.title,
        **stamp.header("mask"),
    )
