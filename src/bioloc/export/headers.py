"""Headers of the scan's instances: what an object of ours takes from them, and what it must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pydicom.valuerep import format_number_as_ds

from bioloc.errors import ImageError

IDENTITY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "AccessionNumber", "StudyID", "ReferringPhysicianName"),
)
"""What the standard requires of patient and study (type 2: there, maybe empty); archives file an object by it."""

REFUSED = "no DICOM objects can be made for this series"

_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
_SHARED, _PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
_READ = (
    *("Rows", "Columns", "NumberOfFrames", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
    *("Modality", "PositionReferenceIndicator", _SHARED, _PER_FRAME),
    *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
)
_ABSENT = (None, "")


def read_header(path: Path) -> Dataset:
    """The header of a CT instance without patient and study, with what may be absent in a file filled in.

    Raises:
        ImageError: It lacks an identifier that an object must refer to.
    """
    tags: list[Any] = [*_NEEDED, *_READ]
    header = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=tags)
    _restore_identifiers(header)
    missing = [name for name in _NEEDED if header.get(name) in _ABSENT]
    if missing:
        raise ImageError(f"{path}: {REFUSED}: the header has no {', '.join(missing)}")
    header.SpecificCharacterSet = "ISO_IR 192"  # for what is written: UTF-8 holds whatever the source's own does
    for name in (*IDENTITY, "PositionReferenceIndicator"):
        header.setdefault(name, None)
    header.setdefault("Modality", "CT")
    if is_multi_frame(header):
        _share_geometry(header)
    return header


def set_increment(header: Dataset, increment_mm: float) -> None:
    """Say how far slices are apart, of which scanners often say nothing; a multi-frame instance has it with its frames."""
    if is_multi_frame(header):
        return
    header.SpacingBetweenSlices = format_number_as_ds(increment_mm)
    if header.get("SliceThickness") in _ABSENT:
        header.SliceThickness = header.SpacingBetweenSlices


def is_multi_frame(header: Dataset) -> bool:
    """Whether the instance holds several slices, each described by functional groups."""
    return _PER_FRAME in header


def read_identity(path: Path) -> Dataset:
    """Patient and study as they stand in the file: an archive finds them by the same text, valid or not."""
    with pydicom.config.disable_value_validation():  # a message about a value would show it
        found = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=list(IDENTITY))
        identity = Dataset()
        for name in IDENTITY:
            setattr(identity, name, found.get(name))
    return identity


def identify(dataset: Dataset, identity: Dataset) -> None:
    """Put patient and study on an object, as they are."""
    for element in identity:
        dataset[element.tag] = element


def _restore_identifiers(header: Dataset) -> None:
    """Take identifiers that an anonymisation emptied from the file's meta header, or derive them, alike for a whole series."""
    frame_of_reference = header.get("FrameOfReferenceUID")
    for name, instead in (
        ("SOPClassUID", header.file_meta.get("MediaStorageSOPClassUID")),
        ("SOPInstanceUID", header.file_meta.get("MediaStorageSOPInstanceUID")),
        ("StudyInstanceUID", frame_of_reference and generate_uid(entropy_srcs=[frame_of_reference, "study"])),
        ("SeriesInstanceUID", frame_of_reference and generate_uid(entropy_srcs=[frame_of_reference, "series"])),
    ):
        if header.get(name) in _ABSENT and instead:
            setattr(header, name, instead)


def _share_geometry(header: Dataset) -> None:
    """Let frames share orientation and pixel size, as they do in every even stack, also where each has a copy of its own."""
    shared, first = header[_SHARED][0], header[_PER_FRAME][0]
    for name in ("PlaneOrientationSequence", "PixelMeasuresSequence"):
        if name not in shared:
            shared[name] = first[name]
