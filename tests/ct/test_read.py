"""Scans are read to one orientation whatever the file's, and unusable ones are told in a sentence."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from bioloc.ct import CT, read_ct, read_mask
from bioloc.errors import ImageError

RNG = np.random.default_rng(7)
HU = RNG.integers(-1024, 1500, (3, 4, 5)).astype(np.int16)  # slices up, rows back, columns left
SPACING = (2.5, 0.7, 0.9)
LPS = np.diag([-SPACING[2], -SPACING[1], SPACING[0], 1.0])
ORIENTATIONS = ["".join(codes) for axes in itertools.permutations(("LR", "AP", "SI")) for codes in itertools.product(*axes)]


def nifti(path: Path, array: Any, affine: Any = LPS, **codes: int) -> Path:
    image = nib.Nifti1Image(array, affine)
    for name, code in codes.items():
        image.header[name] = code
    nib.save(image, path)
    return path


def in_orientation(array: np.ndarray, codes: str) -> nib.Nifti1Image:
    """An (S, R, C) array as a NIfTI whose axes go as `codes` say."""
    image = nib.Nifti1Image(array.transpose(2, 1, 0), LPS)
    turn = nib.orientations.ornt_transform(nib.io_orientation(LPS), nib.orientations.axcodes2ornt(codes))
    return image.as_reoriented(turn)


def one_sentence(call: Callable[[], Any], path: Path, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        call()
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert len(text) < 600


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_every_orientation_reads_to_the_same_array(tmp_path: Path, codes: str) -> None:
    image = in_orientation(HU, codes)
    assert "".join(nib.aff2axcodes(image.affine)) == codes
    nib.save(image, tmp_path / "a.nii")
    ct = read_ct(tmp_path / "a.nii")
    assert np.array_equal(ct.hu, HU)
    assert ct.spacing_mm == pytest.approx(SPACING)
    assert np.array_equal(ct.to_file_axes(ct.hu), np.asanyarray(image.dataobj))
    other = np.zeros_like(HU)
    other[1, 2, 3] = 4
    nib.save(in_orientation(other, "RAS"), tmp_path / "m.nii")  # a mask need not share the scan's axes
    assert np.argwhere(read_mask(tmp_path / "m.nii", ct) == 4).tolist() == [[1, 2, 3]]


def test_there_are_48_orientations() -> None:
    assert len(set(ORIENTATIONS)) == 48


def test_a_slightly_oblique_scan_reads(tmp_path: Path) -> None:
    a = np.deg2rad(8)
    turn = np.array([[1, 0, 0, 0], [0, np.cos(a), -np.sin(a), 0], [0, np.sin(a), np.cos(a), 0], [0, 0, 0, 1]])
    ct = read_ct(nifti(tmp_path / "a.nii", HU.transpose(2, 1, 0), turn @ LPS))
    assert np.array_equal(ct.hu, HU)
    assert ct.spacing_mm == pytest.approx(SPACING)


def test_padding_is_air_and_fractions_are_rounded(tmp_path: Path) -> None:
    array = np.array([[[-3024.0, -1024.0, 0.6, 40.4]]], np.float32)
    assert read_ct(nifti(tmp_path / "a.nii.gz", array)).hu.ravel(order="K").tolist() in (
        [-1024, -1024, 1, 40],
        [40, 1, -1024, -1024],
    )


def test_a_single_slice_and_trailing_axes_of_one_read(tmp_path: Path) -> None:
    plane = HU[0].T
    assert np.array_equal(read_ct(nifti(tmp_path / "a.nii", plane)).hu, HU[:1])
    assert np.array_equal(read_ct(nifti(tmp_path / "b.nii", HU.transpose(2, 1, 0)[..., None])).hu, HU)


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".nii.gz"])
def test_formats_agree(tmp_path: Path, ending: str) -> None:
    image = sitk.GetImageFromArray(HU)
    image.SetSpacing(SPACING[::-1])
    image.SetOrigin((10, 20, -30))
    path = tmp_path / f"a{ending}"
    sitk.WriteImage(image, str(path))
    ct = read_ct(path)
    assert np.array_equal(ct.hu, HU)
    assert ct.spacing_mm == pytest.approx(SPACING)
    assert ct.affine == pytest.approx(np.array([[-0.9, 0, 0, -10], [0, -0.7, 0, -20], [0, 0, 2.5, -30], [0, 0, 0, 1]]))


def test_a_slice_that_is_not_there_is_told(tmp_path: Path) -> None:
    ct = read_ct(nifti(tmp_path / "a.nii", HU.transpose(2, 1, 0)))
    assert ct.number_of_slice(2) == 2
    for number in (-1, 3):
        one_sentence(lambda number=number: ct.number_of_slice(number), tmp_path / "a.nii", "0 to 2")


SHEAR = LPS @ np.array([[1, 0, 0, 0], [0, 1, 1.0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
OBLIQUE = np.array([[0.7, 0, -0.7, 0], [0, 1, 0, 0], [0.7, 0, 0.7, 0], [0, 0, 0, 1.0]])
RGB = np.zeros((4, 4, 4), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
NAN = np.where(np.arange(60).reshape(5, 4, 3) == 7, np.nan, HU.transpose(2, 1, 0)).astype(np.float32)
INF = np.where(np.isnan(NAN), np.inf, NAN).astype(np.float32)
PLAIN = HU.transpose(2, 1, 0)


@pytest.mark.parametrize(
    ("array", "affine", "words"),
    [
        (np.stack([PLAIN, PLAIN], axis=-1), LPS, "4 dimensions"),
        (RNG.integers(0, 256, (4, 4, 4)).astype(np.uint8), LPS, "not CT in Hounsfield units"),
        (RNG.random((4, 4, 4)).astype(np.float32) * 2 - 1, LPS, "normalised"),
        (np.full((4, 4, 4), -1000, np.int16) + (PLAIN[:4, :4, :1] > 0), LPS, "not CT in Hounsfield units"),
        (np.zeros((4, 4, 4), np.int16), LPS, "empty image"),
        (NAN, LPS, "not numbers"),
        (INF, LPS, "not numbers"),
        (PLAIN, SHEAR, "gantry tilt"),
        (PLAIN, OBLIQUE, "25 degrees"),
        (RGB, LPS, "one number per voxel"),
        (PLAIN.astype(np.complex64), LPS, "one number per voxel"),
    ],
    ids=["4-D", "8-bit", "normalised", "air", "zero", "nan", "inf", "shear", "oblique", "rgb", "complex"],
)
def test_an_unusable_image_is_told_in_a_sentence(tmp_path: Path, array: Any, affine: Any, words: str) -> None:
    path = nifti(tmp_path / "bad.nii.gz", array, affine)
    one_sentence(lambda: read_ct(path), path, words)


def test_no_affine_codes_is_told(tmp_path: Path) -> None:
    image = nib.Nifti1Image(PLAIN, None)
    image.header["qform_code"] = image.header["sform_code"] = 0
    nib.save(image, tmp_path / "a.nii")
    one_sentence(lambda: read_ct(tmp_path / "a.nii"), tmp_path / "a.nii", "no affine")


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii", "a.nrrd", "a.dcm", "folder"])
def test_a_missing_path_is_told(tmp_path: Path, name: str) -> None:
    one_sentence(lambda: read_ct(tmp_path / name), tmp_path / name, "no such file")


@pytest.mark.parametrize("ending", [".nii.gz", ".nii"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95])
def test_a_truncated_file_is_told(tmp_path: Path, ending: str, share: float) -> None:
    whole = nifti(tmp_path / f"whole{ending}", RNG.integers(-1000, 1000, (16, 16, 8)).astype(np.int16)).read_bytes()
    path = tmp_path / f"cut{ending}"
    path.write_bytes(whole[: int(len(whole) * share)])
    one_sentence(lambda: read_ct(path), path, "corrupt or cut short")


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_a_text_with_an_images_name_is_told(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    path.write_text("no image\n" * 100)
    one_sentence(lambda: read_ct(path), path, "corrupt or cut short")


def test_a_header_with_an_unknown_data_type_is_told(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii", PLAIN)
    content = bytearray(path.read_bytes())
    content[70:72] = (9999).to_bytes(2, "little")
    path.write_bytes(content)
    one_sentence(lambda: read_ct(path), path, "corrupt")


@pytest.mark.parametrize("name", ["a.png", "a", "a.nii.zip"])
def test_an_unknown_ending_is_told_with_the_formats(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    one_sentence(lambda: read_ct(tmp_path / name), tmp_path / name, "NIfTI")


def test_a_colour_nrrd_is_told(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4, 5, 3), np.uint8), isVector=True), str(tmp_path / "a.nrrd"))
    one_sentence(lambda: read_ct(tmp_path / "a.nrrd"), tmp_path / "a.nrrd", "colour")


@pytest.fixture
def scan(tmp_path: Path) -> CT:
    return read_ct(nifti(tmp_path / "scan.nii", PLAIN))


def test_a_mask_reads_as_labels_also_from_floats(tmp_path: Path, scan: CT) -> None:
    labels = RNG.integers(0, 4, PLAIN.shape)
    mask = read_mask(nifti(tmp_path / "m.nii", labels.astype(np.float32)), scan)
    assert mask.dtype == np.uint16
    assert np.array_equal(mask, labels.transpose(2, 1, 0))


@pytest.mark.parametrize(
    ("array", "affine", "words"),
    [
        (np.zeros((5, 4, 2), np.uint8), LPS, "voxels"),
        (np.zeros((5, 4, 3), np.uint8), LPS @ np.diag([1, 1, 2, 1]), "spacing"),
        (np.full((5, 4, 3), -1, np.int16), LPS, "negative"),
        (np.full((5, 4, 3), np.nan, np.float32), LPS, "undefined"),
        (np.zeros((5, 4, 3, 2), np.uint8), LPS, "dimensions"),
        (RGB, LPS, "one number per voxel"),
    ],
    ids=["shape", "spacing", "negative", "nan", "4-D", "rgb"],
)
def test_an_unusable_mask_is_told(tmp_path: Path, scan: CT, array: Any, affine: Any, words: str) -> None:
    path = nifti(tmp_path / "m.nii.gz", array, affine)
    one_sentence(lambda: read_mask(path, scan), path, words)


def series(folder: Path, numbers: range | list[int], shift_mm: float = 0.0, modality: str = "CT") -> Path:
    """A small DICOM series: stored = HU + 1024, 2 mm slices, files named against their order."""
    folder.mkdir(exist_ok=True)
    uid, frame = generate_uid(), generate_uid()
    for number in numbers:
        meta = pydicom.dataset.FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data = pydicom.Dataset()
        data.file_meta = meta
        data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        data.Modality, data.PatientID = modality, "p"
        data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = frame, uid, frame
        data.SeriesNumber, data.InstanceNumber = 1, number + 1
        data.ImagePositionPatient = [-10, -20 + shift_mm * number, 100 + 2 * number]
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        data.PixelSpacing, data.SliceThickness = [0.7, 0.9], 5
        data.RescaleSlope, data.RescaleIntercept = 1, -1024
        data.Rows, data.Columns, data.SamplesPerPixel = 4, 5, 1
        data.PhotometricInterpretation = "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
        data.PixelData = dicom_slice(number).astype(np.uint16).tobytes()
        data.save_as(folder / f"{uid[-4:]}-{99 - number}.dcm", enforce_file_format=True)
    return folder


def dicom_slice(number: int) -> np.ndarray:
    return np.arange(20).reshape(4, 5) * 50 + number * 7


def test_a_dicom_series_reads_in_hu_from_the_feet(tmp_path: Path) -> None:
    ct = read_ct(series(tmp_path / "d", range(3)))
    assert np.array_equal(ct.hu, np.stack([dicom_slice(n) for n in range(3)]) - 1024)
    assert ct.spacing_mm == pytest.approx((2.0, 0.7, 0.9))  # the increment, not the thickness
    assert ct.affine[:3, 3] == pytest.approx([10, 20, 100])
    file = next(iter((tmp_path / "d").iterdir()))
    assert read_ct(file).hu.shape == (1, 4, 5)


def test_a_missing_slice_is_told(tmp_path: Path) -> None:
    path = series(tmp_path / "d", [0, 1, 3, 4])
    one_sentence(lambda: read_ct(path), path, "missing or doubled")


def test_a_doubled_slice_is_told(tmp_path: Path) -> None:
    path = series(tmp_path / "d", range(3))
    data = pydicom.dcmread(next(path.glob("*-98.dcm")))
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.save_as(path / "again.dcm")
    one_sentence(lambda: read_ct(path), path, "missing or doubled|DICOM")


def test_two_series_are_told(tmp_path: Path) -> None:
    series(tmp_path / "d", range(3))
    path = series(tmp_path / "d", range(3))
    one_sentence(lambda: read_ct(path), path, "2 DICOM series")


def test_a_tilted_gantry_is_told(tmp_path: Path) -> None:
    path = series(tmp_path / "d", range(3), shift_mm=0.5)
    one_sentence(lambda: read_ct(path), path, "gantry tilt")


def test_another_modality_is_told(tmp_path: Path) -> None:
    path = series(tmp_path / "d", range(3), modality="MR")
    one_sentence(lambda: read_ct(path), path, "modality 'MR'")


def test_a_folder_without_dicom_and_a_broken_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    one_sentence(lambda: read_ct(tmp_path / "d"), tmp_path / "d", "no DICOM series")
    (tmp_path / "x.dcm").write_bytes(b"no dicom" * 100)
    one_sentence(lambda: read_ct(tmp_path / "x.dcm"), tmp_path / "x.dcm", "modality|corrupt")


def test_real_dicom_equals_the_nifti_made_from_it(real_ct: Path) -> None:
    folder = real_ct / "dcmqi_liver3"
    dicom, nifti_ct = read_ct(folder / "dicom"), read_ct(folder / "ct_3slice.nii.gz")
    assert dicom.hu.min() >= -1024  # its padding is -3024
    assert np.array_equal(dicom.hu, nifti_ct.hu)
    assert dicom.spacing_mm == pytest.approx(nifti_ct.spacing_mm, rel=1e-3)
    assert read_mask(folder / "seg" / "liver_seg.nrrd", dicom).any()
