"""Small DICOM files for tests: CT series from HU arrays, with any element of their headers changed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    generate_uid,
)

SPACING = (2.0, 0.7, 0.9)
ORIGIN = (-10.0, -20.0, 100.0)
PATIENT = {"PatientName": "Zzyzx^Quentin", "PatientID": "MRN-8675309", "PatientBirthDate": "19070605"}
"""What must be found in no output."""


def small_hu(slices: int = 3, seed: int = 0, size: tuple[int, int] = (4, 5)) -> np.ndarray:
    """(S, R, C) HU with air, tissue and bone in every slice."""
    hu = np.random.default_rng(seed).integers(-1024, 1500, (slices, *size)).astype(np.int16)
    hu[:, 0, 0], hu[:, -1, -1] = -1000, 1200
    return hu


def write_series(
    folder: Path,
    hu: np.ndarray,
    spacing: tuple[float, float, float] = SPACING,
    origin: tuple[float, float, float] = ORIGIN,
    syntax: str = ExplicitVRLittleEndian,
    name: str = "{down:03d}.dcm",
    change: Callable[[Dataset, int], None] | None = None,
    **elements: Any,
) -> Path:
    """Write an (S, R, C) array, slices from the feet, as one CT series.

    Args:
        folder: Made when it is not there; several series may share it.
        hu: Whole numbers of `RescaleSlope` above `RescaleIntercept`.
        spacing: Slice increment, row spacing, column spacing, mm.
        origin: Where the first slice's first pixel lies, LPS mm.
        syntax: An uncompressed transfer syntax; `compress` makes others.
        name: Of a file; `{up}` and `{down}` are its number from the feet and from the head.
        change: Called with each slice's dataset and number before it is written.
        elements: Header elements by keyword; None takes one away.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shared = {"SeriesInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid(), "FrameOfReferenceUID": generate_uid()}
    for number, plane in enumerate(hu):
        data = ct_slice(plane, spacing, (*origin[:2], origin[2] + number * spacing[0]), syntax, **{**shared, **elements})
        data.InstanceNumber = number + 1
        if change is not None:
            change(data, number)
        save(data, folder / name.format(up=number, down=len(hu) - number))
    return folder


def ct_slice(
    hu: np.ndarray,
    spacing: tuple[float, float, float] = SPACING,
    position: tuple[float, float, float] = ORIGIN,
    syntax: str = ExplicitVRLittleEndian,
    **elements: Any,
) -> Dataset:
    """One CT slice of (R, C) HU: unsigned 16 bit, HU = stored - 1024 unless `elements` say otherwise."""
    slope, intercept = (elements.get(key, usual) for key, usual in (("RescaleSlope", 1), ("RescaleIntercept", -1024)))
    stored = np.rint((hu - (intercept or 0)) / (slope or 1))
    data = _image(CTImageStorage, syntax, stored)
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.ImagePositionPatient = list(position)
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.PixelSpacing, data.SliceThickness = [spacing[1], spacing[2]], 5
    data.RescaleSlope, data.RescaleIntercept, data.RescaleType = 1, -1024, "HU"
    data.KVP, data.ConvolutionKernel, data.ReconstructionDiameter = 120, ["B30f", "2"], 350
    data.BodyPartExamined = "CHEST"
    for keyword, value in elements.items():
        if value is None:
            del data[keyword]
        else:
            setattr(data, keyword, value)
    return data


def enhanced_ct(hu: np.ndarray, slopes: list[float] | None = None, spacing: tuple[float, float, float] = SPACING) -> Dataset:
    """A multi-frame CT of (S, R, C) HU: each frame with a rescale of its own when `slopes` are given."""
    steps = slopes or [1.0] * len(hu)
    stored = np.stack([np.rint((plane + 1024) / slope) for plane, slope in zip(hu, steps, strict=True)])
    data = _image(EnhancedCTImageStorage, ExplicitVRLittleEndian, stored)
    data.NumberOfFrames = len(hu)
    data.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    data.SeriesInstanceUID, data.StudyInstanceUID, data.FrameOfReferenceUID = (generate_uid() for _ in range(3))
    organization = generate_uid()
    data.DimensionOrganizationSequence = Sequence([_item(DimensionOrganizationUID=organization)])
    pointer = {"DimensionIndexPointer": 0x00209057, "FunctionalGroupPointer": 0x00209111}
    data.DimensionIndexSequence = Sequence([_item(DimensionOrganizationUID=organization, **pointer)])
    measures = _item(PixelSpacing=[spacing[1], spacing[2]], SliceThickness=5, SpacingBetweenSlices=spacing[0])
    shared = _item(
        PixelMeasuresSequence=Sequence([measures]),
        PlaneOrientationSequence=Sequence([_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]),
        CTXRayDetailsSequence=Sequence([_item(KVP=100)]),
        CTReconstructionSequence=Sequence([_item(ConvolutionKernel="B20f", ReconstructionDiameter=400)]),
    )
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for number, slope in enumerate(steps):
        place = [ORIGIN[0], ORIGIN[1], ORIGIN[2] + number * spacing[0]]
        content = _item(DimensionIndexValues=[number + 1], StackID="1", InStackPositionNumber=number + 1)
        values = _item(RescaleSlope=slope, RescaleIntercept=-1024, RescaleType="HU")
        frames.append(
            _item(
                FrameContentSequence=Sequence([content]),
                PlanePositionSequence=Sequence([_item(ImagePositionPatient=place)]),
                PixelValueTransformationSequence=Sequence([values]),
            )
        )
    data.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return data


def save(data: Dataset, path: Path) -> Path:
    """Write a dataset as a DICOM file with its preamble."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def rewrite(path: Path, **elements: Any) -> None:
    """Change elements of a file's header."""
    data = pydicom.dcmread(path)
    for keyword, value in elements.items():
        setattr(data, keyword, value)
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.save_as(path)


def compress(folder: Path, syntax: str) -> Path:
    """Compress every file of a folder in place, without loss; ITK's encoders break off on images of a few pixels."""
    for path in sorted(folder.iterdir()):
        data = pydicom.dcmread(path)
        if syntax in (JPEG2000Lossless, JPEGLosslessSV1):
            data.PixelData = _by_itk(data.pixel_array, {JPEG2000Lossless: "JPEG2000", JPEGLosslessSV1: "JPEG"}[syntax])
            data["PixelData"].is_undefined_length = True
            data.file_meta.TransferSyntaxUID = syntax
        else:
            data.compress(syntax, generate_instance_uid=False)
        data.save_as(path)
    return folder


def _by_itk(stored: np.ndarray, compressor: str) -> bytes:
    """Encapsulated pixel data, by the encoders that pydicom lacks."""
    writer = sitk.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.SetCompressor(compressor)
    writer.UseCompressionOn()
    with tempfile.TemporaryDirectory() as folder:
        writer.SetFileName(f"{folder}/a.dcm")
        writer.Execute(sitk.GetImageFromArray(stored))
        return pydicom.dcmread(f"{folder}/a.dcm").PixelData


def _image(kind: str, syntax: str, stored: np.ndarray) -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = kind, generate_uid()
    data.file_meta.TransferSyntaxUID = syntax
    data.SOPClassUID, data.SOPInstanceUID = kind, data.file_meta.MediaStorageSOPInstanceUID
    data.Modality, data.Manufacturer, data.SeriesNumber, data.InstanceNumber = "CT", "Maker", 1, 1
    for keyword, value in PATIENT.items():
        setattr(data, keyword, value)
    data.StudyDate = data.StudyTime = data.AccessionNumber = data.StudyID = data.PatientSex = ""
    data.Rows, data.Columns, data.SamplesPerPixel = *stored.shape[-2:], 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    data.PixelData = stored.astype(f"{order}u2").tobytes()
    return data


def _item(**elements: Any) -> Dataset:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item
