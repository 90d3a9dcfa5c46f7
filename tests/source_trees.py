"""Small trees of the form in which public data sets lie on disk, with their pitfalls."""

from __future__ import annotations

import plistlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from dicom_files import write_series

from bioloc.ct.write import axial_affine, write_array

SPACING = (5.0, 4.0, 3.5)
HEART_SPACING = (3.0, 0.8, 0.7)
HEART_ORIGIN = (-15.0, -16.0, 42.0)
PIXEL_CM2 = 4.0 * 3.5 / 100
Outline = tuple[str, Sequence[tuple[float, float]], float]
"""Artery, corners (column, row), height in mm."""


def nifti(path: Path, array: np.ndarray, spacing: tuple[float, float, float] = SPACING) -> Path:
    """Write an (S, R, C) array."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_array(path, array.transpose(2, 1, 0), axial_affine(spacing))
    return path


def touch(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def abdomen(seed: int = 0, slices: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """HU and labels (1 liver, 2 tumour) of a belly whose liver goes from slice 3 to 15, with tumour in 8 and 9."""
    hu = np.full((slices, 40, 48), -1000, np.int16)
    hu[:, 6:34, 6:42] = 20 + np.random.default_rng(seed).integers(0, 9, (slices, 28, 36))
    labels = np.zeros(hu.shape, np.uint8)
    labels[3:16, 10:28, 8:26] = 1
    labels[8:10, 14:20, 12:17] = 2  # 30 pixels
    hu[labels == 1] += 80
    return hu, labels


def msd(folder: Path, numbers: Sequence[int] = (0, 1, 10)) -> Path:
    """Task03_Liver, with macOS's files, a scan without label, a label without scan, and the test set."""
    root = folder / "Task03_Liver"
    for number in numbers:
        hu, labels = abdomen(number)
        nifti(root / f"imagesTr/liver_{number}.nii.gz", hu)
        nifti(root / f"labelsTr/liver_{number}.nii.gz", labels)
        touch(root / f"imagesTr/._liver_{number}.nii.gz", "Mac OS X")
        touch(root / f"labelsTr/._liver_{number}.nii.gz", "Mac OS X")
    nifti(root / "imagesTr/liver_77.nii.gz", abdomen(77)[0])
    nifti(root / "labelsTr/liver_78.nii.gz", abdomen(78)[1])
    nifti(root / "imagesTs/liver_132.nii.gz", abdomen(132)[0])
    touch(root / "dataset.json", "{}")
    return root


def lits(folder: Path) -> Path:
    """LiTS in its two batches, uncompressed, with a test volume."""
    for number, batch in ((0, 1), (27, 1), (100, 2)):
        hu, labels = abdomen(number)
        nifti(folder / f"Training Batch {batch}/volume-{number}.nii", hu)
        nifti(folder / f"Training Batch {batch}/segmentation-{number}.nii", labels)
    nifti(folder / "test-volume-3.nii", abdomen(3)[0])
    return folder


def heart(seed: int = 0, slices: int = 10) -> np.ndarray:
    """HU of a heart with two lesions: 6 pixels of 250 HU in slice 2, 4 of 450 HU in slice 7."""
    hu = np.full((slices, 40, 44), 40, np.int16)
    hu[:, :4] = hu[:, -4:] = -900
    hu += np.random.default_rng(seed).integers(0, 9, hu.shape).astype(np.int16)
    hu[2, 20:22, 20:23] = 250
    hu[7, 30:32, 10:12] = 450
    return hu


LESIONS: tuple[Outline, ...] = (
    ("Left Anterior Descending Artery", [(19, 19), (24, 19), (24, 23), (19, 23)], HEART_ORIGIN[2] + 2 * 3.0),
    ("Right Coronary Artery", [(9.2, 29.4), (12.3, 29.4), (12.3, 32.2), (9.2, 32.2)], HEART_ORIGIN[2] + 7 * 3.0),
)
LESION_SCORE = (6 * 2 + 4 * 4) * 0.8 * 0.7 * 3.0 / 3
"""Agatston's: pixels times density factor, pixel area, increment over 3 mm."""


def plist(path: Path, outlines: Sequence[Outline] = LESIONS, index: Any = lambda z: 0) -> Path:
    """An outline file; `index` makes ImageIndex from the height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images = []
    for name, points, height in outlines:
        region = {
            "Name": name,
            "Area": 0.1,
            "NumberOfPoints": len(points),
            "Point_px": [f"({x:f}, {y:f})" for x, y in points],
            "Point_mm": [f"({x * 0.7 - 15:f}, {y * 0.8 - 16:f}, {height:f})" for x, y in points],
        }
        images.append({"ImageIndex": index(height), "NumberOfROIs": 1, "ROIs": [region]})
    with path.open("wb") as stream:
        plistlib.dump({"Images": images}, stream)
    return path


def heart_series(folder: Path, hu: np.ndarray, **elements: Any) -> Path:
    """A gated heart as DICOM."""
    return write_series(folder, hu, HEART_SPACING, HEART_ORIGIN, **elements)


def coca(folder: Path) -> Path:
    """Gated: 1 and 3 outlined, 2 not, 4 with outlines of another scan, 5 with its rescale forgotten, 6 with two series."""
    root = folder / "cocacoronarycalciumandchestcts-2" / "Gated_release_final"
    for number in (1, 2, 3, 4):
        heart_series(root / f"patient/{number}/Pro_Gated_CS_3.0/", heart(number))
    forgotten = heart(5) + 1024
    heart_series(root / "patient/5/series", forgotten, RescaleIntercept=0)
    heart_series(root / "patient/6/a", heart(6))
    heart_series(root / "patient/6/b", heart(6))
    touch(root / "patient/1/Pro_Gated_CS_3.0/._001.dcm", "Mac OS X")
    plist(root / "calcium_xml/1.xml")
    plist(root / "calcium_xml/3.xml", ())
    plist(root / "calcium_xml/4.xml", [(name, points, height + 900) for name, points, height in LESIONS])
    plist(root / "calcium_xml/5.xml")
    plist(root / "calcium_xml/6.xml")
    return root


def coca_nongated(folder: Path) -> Path:
    """Chests in both layouts; scores in a table with columns in capitals and names with a suffix."""
    root = folder / "deidentified_nongated"
    heart_series(root / "1/1", heart(1))
    heart_series(root / "2", heart(2))
    heart_series(root / "3/3", heart(3))
    heart_series(root / "4/4", heart(4))
    rows = ["1A,0,10,0,2.5,12.5", "2A,0,0,0,0,0", "3A,,,,,missing", "9A,0,0,0,1,1", "average,0,0,0,0,3"]
    touch(root / "scores.csv", "\n".join(["Filename,LCA,LAD,LCX,RCA,TOTAL", *rows]))
    return root


def nlst(folder: Path) -> Path:
    """Patient 100 with three years and kernels, 200 with a localizer only, 300 without a folder."""
    hu = np.repeat(heart(1), 2, axis=0)
    for name, date, kernel, thickness in (
        ("100/study/01-02-1999/sharp", "19990102", "B70f", 2.5),
        ("100/study/01-02-1999/soft", "19990102", "B30f", 2.0),
        ("100/study/01-02-1999/thick", "19990102", "B30f", 5.0),
        ("100/study/01-02-2000/next-year", "20000102", "B30f", 2.5),
    ):
        heart_series(folder / name, hu, StudyDate=date, ConvolutionKernel=kernel, SliceThickness=thickness)
    heart_series(folder / "200/study/01-02-1999/scout", heart(2)[:1], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    touch(folder / "stats/Results_NLST.csv", "PID,CAC_AI,CAC_manual\n100,146.985,178.772\n200,0,1\n300,0,0\n")
    return folder


def mhd(path: Path, array: np.ndarray, spacing: tuple[float, float, float] = HEART_SPACING) -> Path:
    """A MetaImage whose voxels are in a file of their own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing[::-1])
    sitk.WriteImage(image, str(path))
    return path


def orcascore(folder: Path) -> Path:
    """Two scans with references, a contrast-enhanced one, and one without reference."""
    for number in (1, 2):
        hu = heart(number)
        labels = np.zeros(hu.shape, np.uint8)
        labels[2, 19:23, 19:24], labels[7, 29:33, 9:13] = 1, 3
        mhd(folder / f"TRV1P{number}CTI.mhd", hu)
        mhd(folder / f"TRV1P{number}R.mhd", labels)
    mhd(folder / "TRV1P1CTAI.mhd", heart(1))
    mhd(folder / "TRV1P3CTI.mhd", heart(3))
    return folder


def saros_labels(slices: int = 41) -> np.ndarray:
    """Every fifth slice annotated: fat around, thoracic cavity from 10 to 35, pericardium up to 20; 255 elsewhere."""
    labels = np.zeros((slices, 40, 48), np.uint8)
    labels[:, 5:35, 5:43] = 1
    labels[:, 8:32, 8:40] = 2
    labels[10:36, 12:28, 12:36] = 4
    labels[10:21, 16:24, 18:30] = 7
    labels[np.arange(slices) % 5 != 0] = 255
    return labels


def saros(folder: Path) -> Path:
    """Five cases: two of one patient in two folds, one without image, one with abnormal HU, one without row."""
    rows = ["id,tcia_collection,tcia_case_id,tcia_series_instance_uid,split"]
    for number, patient, split in (
        (0, "A", "fold-1"),
        (1, "A", "fold-4"),
        (2, "B", "test"),
        (3, "C", "fold-5"),
        (609, "D", "fold-1"),
    ):
        labels = saros_labels()
        hu = np.where(labels[0] == 1, -100, 40).astype(np.int16)
        hu = np.repeat(np.where(labels[0] == 0, -1000, hu).astype(np.int16)[None], len(labels), axis=0)
        hu[:, 5, 5:43] = 60  # labelled subcutaneous tissue, skin by its HU
        place = folder / "data" / f"case_{number:03d}"
        nifti(place / "body-regions.nii.gz", labels)
        if number != 3:
            nifti(place / "image.nii.gz", hu)
        rows.append(f"case_{number:03d},X,{patient},1.2.{number},{split}")
    nifti(folder / "data/case_004/body-regions.nii.gz", saros_labels())
    touch(folder / "Segmentation-Info_09-29-2023.csv", "\n".join(rows))
    return folder


def totalsegmentator(folder: Path) -> Path:
    """Four cases: three with values, of which one without liver; and a row without case."""
    for number in range(4):
        hu, labels = abdomen(number)
        nifti(folder / f"s{number:04d}/ct.nii.gz", hu)
        if number != 2:
            nifti(folder / f"s{number:04d}/segmentations/liver.nii.gz", (labels > 0).astype(np.uint8))
    touch(folder / "meta.csv", "image_id;age;split\ns0000;50;train\ns0001;60;val\ns0002;70;test\ns0003;80;test\n")
    touch(folder / "values.csv", "image_id,value,unit,slice\ns0000,4.2,cm2,8\ns0001,0,cm2,\ns0002,1,cm2,8\ns9999,1,cm2,8\n")
    return folder
