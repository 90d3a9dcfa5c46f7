"""How a scan was made, as far as its header tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Acquisition:
    """What a scan's header says of how it was made, nothing of the patient; None where it says nothing.

    Attributes:
        modality: `CT` for every scan that is read from DICOM.
        kvp: Tube voltage in kV.
        kernel: Name of the reconstruction kernel.
        contrast_agent: What was injected or drunk, as the scanner's operator entered it.
        slice_thickness_mm: Nominal; the distance between slices is the scan's spacing.
        body_part: DICOM's name of it, such as CHEST.
        manufacturer: Of the scanner.
        diameter_mm: Of the circle that was reconstructed.
        series_uid: Of the DICOM series.
        files: The DICOM files in the order of the scan's slices, from the feet; one file where it holds all slices;
            none for other formats, and none for single-frame files whose planes are not axial.
    """

    modality: str | None = None
    kvp: float | None = None
    kernel: str | None = None
    contrast_agent: str | None = None
    slice_thickness_mm: float | None = None
    body_part: str | None = None
    manufacturer: str | None = None
    diameter_mm: float | None = None
    series_uid: str | None = None
    files: tuple[Path, ...] = ()


KEYWORDS = (
    "Modality",
    "KVP",
    "ConvolutionKernel",
    "ContrastBolusAgent",
    "SliceThickness",
    "BodyPartExamined",
    "Manufacturer",
    "ReconstructionDiameter",
    "SeriesInstanceUID",
)
"""The elements that `acquisition_of` looks for."""


def acquisition_of(header: Any, files: tuple[Path, ...]) -> Acquisition:
    """The acquisition that a DICOM header tells of; in a multi-frame header also by the groups that its frames share."""
    return Acquisition(
        modality=_text(header, "Modality"),
        kvp=_number(header, "KVP"),
        kernel=_text(header, "ConvolutionKernel"),
        contrast_agent=_text(header, "ContrastBolusAgent"),
        slice_thickness_mm=_number(header, "SliceThickness"),
        body_part=_text(header, "BodyPartExamined"),
        manufacturer=_text(header, "Manufacturer"),
        diameter_mm=_number(header, "ReconstructionDiameter"),
        series_uid=_text(header, "SeriesInstanceUID"),
        files=files,
    )


def _text(header: Any, keyword: str) -> str | None:
    for part in _parts(header):
        value = part.get(keyword)
        if value is not None and not isinstance(value, str | bytes) and hasattr(value, "__len__"):
            value = value[0] if len(value) else None  # a kernel may be followed by a strength
        if value is not None and str(value).strip():
            return str(value).strip()
    return None


def _number(header: Any, keyword: str) -> float | None:
    text = _text(header, keyword)
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _parts(header: Any) -> Iterator[Any]:
    """The header itself, then each group of a multi-frame image that holds for all frames."""
    yield header
    for shared in header.get("SharedFunctionalGroupsSequence") or ():
        for element in shared:
            if element.VR == "SQ":
                yield from element.value
