"""Scans are read to one orientation whatever the file's, and unusable ones are told in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from refusals import refused

from bioloc.ct import CT, read_ct, read_mask
from bioloc.ct.acquisition import Acquisition

RNG = np.random.default_rng(7)
HU = RNG.integers(-1024, 1500, (3, 4, 5)).astype(np.int16)  # slices up, rows back, columns left
SPACING = (2.5, 0.7, 0.9)
LPS = np.diag([-SPACING[2], -SPACING[1], SPACING[0], 1.0])


def nifti(path: Path, array: Any, affine: Any = LPS, **codes: int) -> Path:
    image = nib.Nifti1Image(array, affine)
    for name, code in codes.items():
        image.header[name] = code
    nib.save(image, path)
    return path


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
        refused(lambda number=number: ct.number_of_slice(number), tmp_path / "a.nii", "0 to 2")


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
    refused(lambda: read_ct(path), path, words)


def test_no_affine_codes_is_told(tmp_path: Path) -> None:
    image = nib.Nifti1Image(PLAIN, None)
    image.header["qform_code"] = image.header["sform_code"] = 0
    nib.save(image, tmp_path / "a.nii")
    refused(lambda: read_ct(tmp_path / "a.nii"), tmp_path / "a.nii", "no affine")


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii", "a.nrrd", "a.dcm", "folder"])
def test_a_missing_path_is_told(tmp_path: Path, name: str) -> None:
    refused(lambda: read_ct(tmp_path / name), tmp_path / name, "no such file")


@pytest.mark.parametrize("ending", [".nii.gz", ".nii"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95])
def test_a_truncated_file_is_told(tmp_path: Path, ending: str, share: float) -> None:
    whole = nifti(tmp_path / f"whole{ending}", RNG.integers(-1000, 1000, (16, 16, 8)).astype(np.int16)).read_bytes()
    path = tmp_path / f"cut{ending}"
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(lambda: read_ct(path), path, "corrupt or cut short")


@pytest.mark.parametrize("place", [0.5, -6])
def test_a_damaged_file_is_told_also_by_its_checksum_alone(tmp_path: Path, place: float) -> None:
    path = nifti(tmp_path / "a.nii.gz", RNG.integers(-1000, 1000, (16, 16, 8)).astype(np.int16))
    content = bytearray(path.read_bytes())
    content[int(len(content) * place) if place > 0 else int(place)] ^= 0x55
    path.write_bytes(content)
    refused(lambda: read_ct(path), path, "corrupt")


def test_a_nifti_2_reads(tmp_path: Path) -> None:
    nib.save(nib.Nifti2Image(PLAIN, LPS), tmp_path / "a.nii.gz")
    assert np.array_equal(read_ct(tmp_path / "a.nii.gz").hu, HU)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_a_text_with_an_images_name_is_told(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    path.write_text("no image\n" * 100)
    refused(lambda: read_ct(path), path, "corrupt or cut short")


def test_a_header_with_an_unknown_data_type_is_told(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii", PLAIN)
    content = bytearray(path.read_bytes())
    content[70:72] = (9999).to_bytes(2, "little")
    path.write_bytes(content)
    refused(lambda: read_ct(path), path, "corrupt")


@pytest.mark.parametrize("name", ["a.png", "a", "a.nii.zip"])
def test_an_unknown_ending_is_told_with_the_formats(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    refused(lambda: read_ct(tmp_path / name), tmp_path / name, "NIfTI")


def test_a_colour_nrrd_is_told(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4, 5, 3), np.uint8), isVector=True), str(tmp_path / "a.nrrd"))
    refused(lambda: read_ct(tmp_path / "a.nrrd"), tmp_path / "a.nrrd", "colour")


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
    refused(lambda: read_mask(path, scan), path, words)


def test_a_mask_of_another_place_is_told(tmp_path: Path, scan: CT) -> None:
    mask = np.ones((5, 4, 3), np.uint8)
    near, far, turned = LPS.copy(), LPS.copy(), LPS.copy()
    near[0, 3], far[2, 3] = 0.8, -2.7  # of voxels of 0.9 and 2.5 mm
    a = np.deg2rad(24)
    turned[:3, :3] = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ turned[:3, :3]
    assert read_mask(nifti(tmp_path / "near.nii", mask, near), scan).all()
    path = nifti(tmp_path / "far.nii", mask, far)
    refused(lambda: read_mask(path, scan), path, "lies up to 2.7 mm off the scan")
    path = nifti(tmp_path / "turned.nii", mask, turned)
    refused(lambda: read_mask(path, scan), path, "off the scan")


@pytest.mark.parametrize(("stored", "slope", "inter"), [(np.int16, 1, 0), (np.uint16, 1, -1024), (np.int16, 0.5, -10.5)])
def test_a_niftis_slope_and_intercept_are_applied_once(tmp_path: Path, stored: Any, slope: float, inter: float) -> None:
    voxels = RNG.integers(0, 1000, (5, 4, 3)).astype(stored)
    voxels[0, 0, 0], voxels[1, 1, 1] = (0, 900) if inter else (30, 900)
    image = nib.Nifti1Image(voxels if inter else voxels - 40, LPS)
    image.header.set_slope_inter(slope, inter)
    nib.save(image, tmp_path / "a.nii.gz")
    hu = np.rint(np.asanyarray(nib.load(tmp_path / "a.nii.gz").dataobj))
    assert hu.min() < 0
    assert np.array_equal(read_ct(tmp_path / "a.nii.gz").hu, hu.transpose(2, 1, 0))


def test_a_masks_slope_is_applied(tmp_path: Path, scan: CT) -> None:
    image = nib.Nifti1Image(np.full((5, 4, 3), 2, np.uint8), LPS)
    image.header.set_slope_inter(2, -1)
    nib.save(image, tmp_path / "m.nii")
    assert (read_mask(tmp_path / "m.nii", scan) == 3).all()


def test_a_series_of_a_single_file_is_told(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii", PLAIN)
    refused(lambda: read_ct(path, "3"), path, "leave --series out")


def test_only_dicom_tells_of_the_acquisition(scan: CT) -> None:
    assert scan.acquisition == Acquisition()


@pytest.mark.parametrize(
    ("image", "masks"),
    [
        ("qrm_cac_phantom/canon_aquilion_Large_rep1.nii.gz", ["qrm_cac_phantom/inserts_mask.nii.gz"]),
        ("pyradiomics/lung2_image.nrrd", ["pyradiomics/lung2_label.nrrd"]),
        ("chest_imaging_platform/ct-64.nrrd", ["chest_imaging_platform/lm-64.nrrd", "chest_imaging_platform/wholeLung-64.nrrd"]),
        ("totalsegmentator/example_ct.nii.gz", ["totalsegmentator/example_seg_fast_force_split.nii.gz"]),
        (
            "totalsegmentator/example_ct_sm.nii.gz",
            [
                "totalsegmentator/example_seg.nii.gz",
                *(
                    f"totalsegmentator/example_seg_tissue_types/{tissue}.nii.gz"
                    for tissue in ("skeletal_muscle", "subcutaneous_fat", "torso_fat")
                ),
            ],
        ),
        ("totalsegmentator/example_ct_dicom", ["totalsegmentator/example_seg_dicom.nii.gz"]),
        ("dcmqi_liver3/dicom", ["dcmqi_liver3/seg/liver_seg.nrrd", "dcmqi_liver3/seg/spine_seg.nrrd"]),
    ],
)
def test_real_masks_lie_on_their_scans(real_ct: Path, image: str, masks: list[str]) -> None:
    ct = read_ct(real_ct / image)
    for mask in masks:
        assert read_mask(real_ct / mask, ct).any()


def test_a_real_mask_of_another_scan_is_told(real_ct: Path) -> None:
    ct = read_ct(real_ct / "totalsegmentator" / "example_ct.nii.gz")
    mask = real_ct / "totalsegmentator" / "example_seg.nii.gz"
    refused(lambda: read_mask(mask, ct), mask, "the mask has|off the scan")


@pytest.mark.parametrize(
    ("ending", "keys"), [("nrrd", ("space directions", "space origin", "space:")), ("mha", ("ElementSpacing",))]
)
def test_a_header_without_the_voxels_size_is_told(tmp_path: Path, ending: str, keys: tuple[str, ...]) -> None:
    """SimpleITK takes 1 mm for it, and every area would be wrong."""
    path = tmp_path / f"a.{ending}"
    image = sitk.GetImageFromArray(np.linspace(-1000, 900, 60).reshape(3, 4, 5).astype(np.int16))
    image.SetSpacing((0.7, 0.7, 2.5))
    sitk.WriteImage(image, str(path), False)
    assert read_ct(path).spacing_mm == pytest.approx((2.5, 0.7, 0.7))
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(line for line in lines if not line.startswith(tuple(key.encode() for key in keys))))
    refused(lambda: read_ct(path), path, "no size of a voxel")
