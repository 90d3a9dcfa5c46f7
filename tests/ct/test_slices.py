"""DICOM slices make one volume in HU, from the feet, or are refused in a sentence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_files import ORIGIN, SPACING, compress, rewrite, small_hu, write_series
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)
from refusals import refused

from bioloc.ct import read_ct, read_mask

HU = small_hu(4)
LARGE = small_hu(3, size=(32, 40))


def test_a_series_reads_in_hu_from_the_feet(tmp_path: Path) -> None:
    ct = read_ct(write_series(tmp_path, HU))
    assert np.array_equal(ct.hu, HU)
    assert ct.spacing_mm == pytest.approx(SPACING)  # the increment, not the thickness
    assert ct.affine[:3, 3] == pytest.approx([10, 20, 100])
    assert [file.name for file in ct.acquisition.files] == ["004.dcm", "003.dcm", "002.dcm", "001.dcm"]


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_uncompressed_syntaxes_agree(tmp_path: Path, syntax: str) -> None:
    assert np.array_equal(read_ct(write_series(tmp_path, HU, syntax=syntax)).hu, HU)


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless])
def test_lossless_compression_agrees(tmp_path: Path, syntax: str) -> None:
    path = compress(write_series(tmp_path, LARGE), syntax)
    assert all(pydicom.dcmread(file).file_meta.TransferSyntaxUID == syntax for file in path.iterdir())
    assert np.array_equal(read_ct(path).hu, LARGE)


def test_slices_of_a_patient_who_lies_the_other_way_come_from_the_feet(tmp_path: Path) -> None:
    """Axes to the right and back: the normal points down."""
    path = write_series(tmp_path, HU, ImageOrientationPatient=[-1, 0, 0, 0, 1, 0])
    ct = read_ct(path)
    assert np.array_equal(ct.hu, HU[:, :, ::-1])
    numbers = [pydicom.dcmread(file).InstanceNumber for file in ct.acquisition.files]
    assert numbers == [1, 2, 3, 4]


def test_a_coronal_series_reads_without_files_per_slice(tmp_path: Path) -> None:
    def coronal(data: Dataset, number: int) -> None:
        data.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
        data.ImagePositionPatient = [0, number * 2, 0]

    ct = read_ct(write_series(tmp_path, HU, change=coronal))
    assert np.array_equal(ct.hu, HU.transpose(1, 0, 2)[::-1])
    assert ct.acquisition.files == ()


@pytest.mark.parametrize(("slope", "intercept"), [(1, -1024), (1, 0), (2, -1024), (0.5, -1000.5)])
def test_slope_and_intercept_are_applied_once(tmp_path: Path, slope: float, intercept: float) -> None:
    stored = np.arange(80).reshape(4, 4, 5) * 40
    hu = stored * slope + intercept
    path = write_series(tmp_path, hu, RescaleSlope=slope, RescaleIntercept=intercept, PixelRepresentation=1)
    if intercept == 0:
        refused(lambda: read_ct(path), path, "none below 0")
    else:
        assert np.array_equal(read_ct(path).hu, np.rint(hu))


def test_each_slice_has_its_own_rescale(tmp_path: Path) -> None:
    def rescale(data: Dataset, number: int) -> None:
        slope, intercept = number + 1, -1024 - 8 * number
        data.RescaleSlope, data.RescaleIntercept = slope, intercept
        data.PixelData = np.rint((HU[number] - intercept) / slope).astype("<u2").tobytes()

    ct = read_ct(write_series(tmp_path, HU, change=rescale))
    for number, plane in enumerate(ct.hu):
        assert np.abs(plane - HU[number]).max() <= (number + 1) / 2


def test_padding_is_air(tmp_path: Path) -> None:
    def padding(data: Dataset, number: int) -> None:
        stored = np.frombuffer(data.PixelData, "<i2").copy()
        stored[:3] = -2000
        data.PixelData, data.PixelRepresentation, data.PixelPaddingValue = stored.tobytes(), 1, -2000

    hu = read_ct(write_series(tmp_path, HU, change=padding)).hu
    assert (hu[:, 0, :3] == -1024).all()
    assert np.array_equal(hu[:, 1:], HU[:, 1:])


def test_a_copy_of_a_slice_is_dropped(tmp_path: Path) -> None:
    write_series(tmp_path, HU)
    shutil.copy(tmp_path / "002.dcm", tmp_path / "copy.dcm")
    shutil.copy(tmp_path / "004.dcm", tmp_path / "again.dcm")
    rewrite(tmp_path / "again.dcm", SOPInstanceUID=generate_uid())
    ct = read_ct(tmp_path)
    assert np.array_equal(ct.hu, HU)
    assert len(ct.acquisition.files) == 4


def test_two_images_at_one_place_are_told(tmp_path: Path) -> None:
    uid = generate_uid()
    write_series(tmp_path, HU, SeriesInstanceUID=uid)
    write_series(tmp_path, small_hu(4, seed=5), name="phase2-{up}.dcm", SeriesInstanceUID=uid)
    refused(lambda: read_ct(tmp_path), tmp_path, "two different images at one place")


def at(*z: float) -> Callable[[Dataset, int], None]:
    def move(data: Dataset, number: int) -> None:
        data.ImagePositionPatient = [*ORIGIN[:2], z[number]]

    return move


def test_missing_slices_are_counted(tmp_path: Path) -> None:
    refused(lambda: read_ct(write_series(tmp_path, HU, change=at(0, 2, 6, 8))), tmp_path, "slices are missing, 1 of 5")


def test_uneven_slices_are_told(tmp_path: Path) -> None:
    refused(lambda: read_ct(write_series(tmp_path, HU, change=at(0, 2, 4, 7))), tmp_path, "unevenly, 2.00 to 3.00 mm")


def test_places_rounded_to_a_tenth_of_a_millimetre_are_even(tmp_path: Path) -> None:
    hu = small_hu(9)
    path = write_series(tmp_path, hu, change=at(*(round(k * 0.625, 1) for k in range(9))))
    assert read_ct(path).spacing_mm[0] == pytest.approx(0.625)


def test_a_tilted_gantry_is_told(tmp_path: Path) -> None:
    def tilt(data: Dataset, number: int) -> None:
        data.ImagePositionPatient = [ORIGIN[0], ORIGIN[1] + 0.5 * number, ORIGIN[2] + 2 * number]

    refused(lambda: read_ct(write_series(tmp_path, HU, change=tilt)), tmp_path, "gantry tilt")


def last_with(**elements: Any) -> Callable[[Dataset, int], None]:
    def change(data: Dataset, number: int) -> None:
        if number == 3:
            for keyword, value in elements.items():
                setattr(data, keyword, value)

    return change


def without(keyword: str) -> Callable[[Dataset, int], None]:
    def change(data: Dataset, number: int) -> None:
        if number == 3:
            del data[keyword]

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (last_with(Rows=2, PixelData=bytes(20)), "1 of 4 slices in one series of another size than the rest, such as 001.dcm"),
        (last_with(ImageOrientationPatient=[0, 1, 0, 0, 0, -1]), "another orientation"),
        (last_with(PixelSpacing=[0.8, 0.8]), "another pixel size"),
        (last_with(SamplesPerPixel=3, PhotometricInterpretation="RGB"), "another kind of pixel"),
        (without("RescaleSlope"), "with none"),
    ],
    ids=["size", "orientation", "pixel size", "colour", "rescale"],
)
def test_a_mixed_series_is_told_with_the_odd_file(tmp_path: Path, change: Any, words: str) -> None:
    refused(lambda: read_ct(write_series(tmp_path, HU, change=change)), tmp_path, words)


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_a_slice_without_its_place_is_named(tmp_path: Path, keyword: str) -> None:
    write_series(tmp_path, HU, change=without(keyword))
    refused(lambda: read_ct(tmp_path), tmp_path / "001.dcm", keyword)


def test_no_rescale_at_all_is_told_by_the_values(tmp_path: Path) -> None:
    path = write_series(tmp_path, HU, RescaleSlope=None, RescaleIntercept=None)
    refused(lambda: read_ct(path), path, "is the rescale missing")


def test_values_that_are_said_to_be_no_hu_are_told(tmp_path: Path) -> None:
    refused(lambda: read_ct(write_series(tmp_path, HU, RescaleType="Z_EFF")), tmp_path, "Z_EFF")


def test_a_colour_series_is_told(tmp_path: Path) -> None:
    path = write_series(tmp_path, HU, SamplesPerPixel=3, PhotometricInterpretation="RGB")
    refused(lambda: read_ct(path), path, "colour")


@pytest.mark.parametrize("syntax", [None, JPEG2000Lossless, JPEGLosslessSV1, RLELossless])
@pytest.mark.parametrize("cut", [10, 30])
def test_a_file_cut_short_among_a_series_is_named(tmp_path: Path, syntax: str | None, cut: int) -> None:
    write_series(tmp_path, LARGE)
    if syntax is not None:
        compress(tmp_path, syntax)
    path = tmp_path / "002.dcm"
    path.write_bytes(path.read_bytes()[:-cut])
    refused(lambda: read_ct(tmp_path), path, "cut short")


def test_pixels_of_an_unknown_compression_are_told(tmp_path: Path) -> None:
    compress(write_series(tmp_path, LARGE), JPEG2000Lossless)
    data = pydicom.dcmread(tmp_path / "003.dcm")
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"  # MPEG-4
    data.save_as(tmp_path / "003.dcm")
    refused(lambda: read_ct(tmp_path), tmp_path / "003.dcm", "MPEG-4")


def test_real_jpeg_2000_lies_on_the_segmentation_made_from_it(real_ct: Path) -> None:
    ct = read_ct(real_ct / "totalsegmentator" / "example_ct_dicom")
    assert len(ct.acquisition.files) == len(ct.hu) == 20
    assert ct.acquisition.kvp == 120
    organs = read_mask(real_ct / "totalsegmentator" / "example_seg_dicom.nii.gz", ct)
    for organ, low, high in ((1, 60, 100), (5, 70, 110), (69, 400, 1000)):  # spleen, liver, a humerus
        assert low < ct.hu[organs == organ].mean() < high


def test_real_dicom_equals_the_nifti_made_from_it(real_ct: Path) -> None:
    folder = real_ct / "dcmqi_liver3"
    dicom, nifti = read_ct(folder / "dicom"), read_ct(folder / "ct_3slice.nii.gz")
    assert dicom.hu.min() >= -1024  # its padding is -3024
    assert np.array_equal(dicom.hu, nifti.hu)
    assert dicom.spacing_mm == pytest.approx(nifti.spacing_mm, rel=1e-3)
