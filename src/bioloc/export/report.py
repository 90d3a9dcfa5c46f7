"""The number as a DICOM measurement report (TID 1500)."""

from __future__ import annotations

from highdicom.pm import ParametricMap
from highdicom.seg import Segmentation
from highdicom.sr import (
    AlgorithmIdentification,
    DeviceObserverIdentifyingAttributes,
    EnhancedSR,
    FindingSite,
    Measurement,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    ReferencedSegment,
    SourceImageForSegmentation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.sr.codedict import codes

from bioloc import __version__
from bioloc.export.codes import CONCEPTS
from bioloc.export.source import Source
from bioloc.export.stamp import MAKER, Stamp


def measurement_report(source: Source, value: float, mask: Segmentation, map_: ParametricMap, stamp: Stamp) -> EnhancedSR:
    """A report with one measurement: the value, of the segment in `mask`, found by the device `bioloc`.

    It is complete but neither final nor verified: no physician has seen it.
    """
    concepts = CONCEPTS[stamp.task.name]
    images = [SourceImageForSegmentation(header.SOPClassUID, header.SOPInstanceUID) for header in source.headers]
    group = VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=stamp.uid("tracking"), identifier=f"{MAKER} {stamp.task.name}"),
        referenced_segment=ReferencedSegment(mask.SOPClassUID, mask.SOPInstanceUID, segment_number=1, source_images=images),
        finding_type=concepts.finding,
        finding_sites=[FindingSite(site) for site in concepts.sites],
        algorithm_id=AlgorithmIdentification(MAKER, __version__, parameters=[f"model={stamp.model}"]),
        measurements=[Measurement(name=concepts.measure, value=value, unit=concepts.unit, method=concepts.method)],
    )
    device = DeviceObserverIdentifyingAttributes(
        uid=stamp.uid("device"), name=MAKER, manufacturer_name=MAKER, model_name=stamp.model
    )
    content = MeasurementReport(
        observation_context=ObservationContext(
            observer_device_context=ObserverContext(codes.DCM.Device, observer_identifying_attributes=device)
        ),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=[group],
    )
    return EnhancedSR(
        evidence=[*source.headers, mask, map_],
        content=content[0],
        is_complete=True,
        **stamp.header("report"),
    )
