"""The CT series among the DICOM files of a folder: found by their headers, everything else set aside, one chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioloc.ct.acquisition import KEYWORDS, acquisition_of
from bioloc.errors import ImageError

ENDINGS = (".dcm", ".ima", ".dicom")
"""What DICOM files are called, when they have an ending at all."""

_HEADER = [
    *KEYWORDS,
    "SOPClassUID",
    "ImageType",
    "SeriesNumber",
    "NumberOfFrames",
    "SamplesPerPixel",
    "Rows",
    "Columns",
    "PixelSpacing",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SpacingBetweenSlices",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
]
_LISTED = 8


@dataclass(frozen=True)
class Instance:
    """One DICOM file, its SOP class, and what the header says of the image; nothing of the patient is read."""

    file: Path
    kind: str
    header: Any

    @property
    def frames(self) -> int:
        """Slices in this file."""
        return int(self.header.get("NumberOfFrames") or 1)


@dataclass(frozen=True)
class Series:
    """The files of one CT series, in the order of their names."""

    uid: str
    instances: tuple[Instance, ...]

    @property
    def number(self) -> str:
        """The scanner's number of the series, as text: it may be missing, and two series may share it."""
        number = self.instances[0].header.get("SeriesNumber")
        return "-" if number is None else str(number)

    @property
    def slices(self) -> int:
        """Slices in all files together."""
        return sum(instance.frames for instance in self.instances)

    def described(self, by_uid: bool) -> str:
        """Number, slices, thickness and kernel: what one chooses a series by."""
        made = acquisition_of(self.instances[0].header, ())
        thick = "" if made.slice_thickness_mm is None else f" of {made.slice_thickness_mm:g} mm"
        kernel = "" if made.kernel is None else f", kernel {made.kernel}"
        return f"{self.uid if by_uid else self.number} ({self.slices} slices{thick}{kernel})"


def find_series(path: Path, wanted: str | None = None) -> Series:
    """The one CT series in a DICOM file or anywhere below a folder, or the one that `wanted` names.

    Localizers, secondary captures, reports and other modalities are set aside, and single slices beside a volume.

    Args:
        path: A DICOM file, or a folder, in which files that are no DICOM are passed over.
        wanted: A series' number or UID.

    Raises:
        ImageError: There is no CT series, or several and none is named, or a file is cut short.
    """
    instances = [instance for file in _files(path) if (instance := _opened(file)) is not None]
    if not instances:
        raise ImageError(f"{path}: no DICOM series in this folder; scans in other formats are named one by one")
    aside: Counter[str] = Counter()
    found: dict[str, list[Instance]] = {}
    for instance in instances:
        if (other := _other_than_ct(instance)) is not None:
            aside[other] += 1
        else:
            found.setdefault(str(instance.header.SeriesInstanceUID), []).append(instance)
    if not found:
        kinds = ", ".join(f"{count} {other}" for other, count in sorted(aside.items()))
        raise ImageError(f"{path}: no CT image in its DICOM files ({kinds}): give a CT series")
    return _chosen([Series(uid, tuple(group)) for uid, group in found.items()], wanted, path)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )


def _opened(file: Path) -> Instance | None:
    """The file's header; None for a file that is no DICOM and is not called so."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    called = file.suffix.lower() in ENDINGS
    bare = not file.suffix or file.suffix[1:].isdigit()  # as scanners name them: IM0001, or a UID
    try:
        header = dcmread(file, stop_before_pixels=True, force=called, specific_tags=_HEADER)
        kind = header.get("SOPClassUID") or header.file_meta.get("MediaStorageSOPClassUID")
    except InvalidDicomError:
        if not bare or file.stat().st_size:
            return None
        kind = None
    except Exception:  # a file that is cut short or overwritten fails in as many ways as DICOM has elements
        kind = None
    if not kind:
        raise ImageError(f"{file}: no readable DICOM header, the file may be corrupt or cut short: replace it or take it away")
    return Instance(file, str(kind), header)


def _other_than_ct(instance: Instance) -> str | None:
    """What a DICOM object is when it is no slice of a CT scan."""
    from pydicom.uid import UID, CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

    if instance.kind not in (CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage):
        return UID(instance.kind).name.removesuffix(" Storage")
    if "SeriesInstanceUID" not in instance.header:  # it may be empty, where someone took out what names a patient
        raise ImageError(f"{instance.file}: its DICOM header ends before it names a series, the file is cut short: replace it")
    if "LOCALIZER" in (instance.header.get("ImageType") or ()):
        return "localizer"
    modality = instance.header.get("Modality") or "unknown"
    return None if modality == "CT" else f"of modality '{modality}'"


def _chosen(series: Sequence[Series], wanted: str | None, path: Path) -> Series:
    if wanted is not None:
        named = [one for one in series if wanted in (one.uid, one.number)]
        if len(named) == 1:
            return named[0]
        many = len(named) or "no"
        raise ImageError(f"{path}: {many} CT series {wanted}: {_listed(named or series)}; choose with --series NUMBER-or-UID")
    volumes = [one for one in series if one.slices > 1] or list(series)
    if len(volumes) == 1:
        return volumes[0]
    raise ImageError(f"{path}: {len(volumes)} CT series: {_listed(volumes)}; choose one with --series NUMBER-or-UID")


def _listed(series: Sequence[Series]) -> str:
    """Series by their numbers, or by UIDs where numbers are missing or shared."""
    numbers = [one.number for one in series]
    by_uid = "-" in numbers or len(set(numbers)) < len(numbers)
    more = f" and {len(series) - _LISTED} more" if len(series) > _LISTED else ""
    return ", ".join(one.described(by_uid) for one in series[:_LISTED]) + more
