"""`measure` gives what one can add up by hand."""

from __future__ import annotations

import numpy as np
import pytest
from cli_scans import CAC_SPACING, PIXEL_CM2, chest, heart, nifti
from dicom_files import write_series


@pytest.fixture
def pair(tmp_path):
    """A chest volume, and labels 1 (all of the muscle) and 4 (fat, and a little of it in the muscle's HU range)."""
    hu = chest()
    labels = np.where(hu == 40, 1, 0).astype(np.uint8)
    labels[2, 38:40, 40:46] = 4  # fat: not muscle, and so not counted
    hu[2, 38, 40:43] = 10  # 3 pixels in the range
    return nifti(tmp_path / "scan.nii.gz", hu), nifti(tmp_path / "mask.nii.gz", labels, "RAS")


def measured(call, pair, *options, task="pma"):
    done = call("measure", "--task", task, "--image", pair[0], "--mask", pair[1], "--json", *options)
    assert done.status == 0, done.err
    assert done.err == ""
    return done.json


def test_an_area_is_pixels_in_range_times_their_size(call, pair):
    found = measured(call, pair, "--slice", 2)
    assert list(found) == ["task", "value", "unit", "components"]
    assert (found["task"], found["unit"]) == ("pma", "cm2")
    assert found["value"] == pytest.approx((54 + 3) * PIXEL_CM2, rel=1e-5)
    assert [(row["label"], row["pixels"]) for row in found["components"]] == [(1, 54), (4, 3)]
    assert found["components"][1]["mean_hu"] == 10


def test_the_slice_counts_from_the_feet_whatever_the_axes(call, tmp_path):
    hu = chest()
    labels = (hu == 40).astype(np.uint8)
    for codes in ("LPI", "SLA", "PIR"):
        pair = nifti(tmp_path / f"{codes}.nii.gz", hu, codes), nifti(tmp_path / f"{codes}-m.nii.gz", labels, "ASR")
        for number, pixels in enumerate((30, 72, 54)):
            assert measured(call, pair, "--slice", number)["value"] == pytest.approx(pixels * PIXEL_CM2, rel=1e-5)


def test_calcium_is_scored_per_lesion_with_volume_and_mass(call, tmp_path):
    hu = heart()
    labels = np.zeros(hu.shape, np.uint8)
    labels[1] = 2
    labels[4, 30:] = 5
    pair = nifti(tmp_path / "a.nii.gz", hu, "LAS", CAC_SPACING), nifti(tmp_path / "m.nii.gz", labels, spacing=CAC_SPACING)
    found = measured(call, pair, task="cac")
    assert found["category"] == "11-100"
    first, second = found["components"]
    assert (first["label"], first["slice"], first["density_factor"], first["peak_hu"]) == (2, 1, 1, 150)
    assert (second["label"], second["slice"], second["density_factor"]) == (5, 4, 4)
    assert first["area_mm2"] == pytest.approx(18)
    assert first["value"] == pytest.approx(18)  # 6 pixels of 3 mm2, 3 mm slices
    assert second["value"] == pytest.approx(48)
    assert found["value"] == pytest.approx(66)
    assert found["volume_mm3"] == pytest.approx(54 + 36)
    assert found["mass_mg"] == pytest.approx(0.0008 * (150 * 54 + 450 * 36))
    only = measured(call, pair, "--slice", 4, task="cac")
    assert [row["slice"] for row in only["components"]] == [4]
    assert only["value"] == pytest.approx(48)


def test_an_image_without_air_is_measured_with_a_warning(call, tmp_path):
    hu = np.zeros((1, 40, 56), np.int16)
    hu[0, 4:8, 4:8], hu[0, 20:24, 20:24] = 450, 250
    image, mask = nifti(tmp_path / "a.nii.gz", hu), nifti(tmp_path / "m.nii.gz", (hu > 0).astype(np.uint8))
    done = call("measure", "--task", "cac", "--image", image, "--mask", mask, "--json")
    assert sorted(row["density_factor"] for row in done.json["components"]) == [2, 4]
    assert "has no voxel below 0 HU" in done.err


def test_an_empty_mask_measures_nothing(call, tmp_path):
    pair = nifti(tmp_path / "a.nii", chest()), nifti(tmp_path / "m.nii", np.zeros(chest().shape, np.uint8))
    found = measured(call, pair)
    assert found["value"] == 0
    assert found["components"] == []
    assert measured(call, pair, task="cac")["category"] == "0"


def test_people_get_the_value_and_each_label(call, pair):
    done = call("measure", "--task", "pma", "--image", pair[0], "--mask", pair[1], "--slice", 2)
    assert done.status == 0
    assert done.out.splitlines()[0].startswith("pectoralis muscle area: 18.81 cm2 in 2 components")
    assert [line.split(":")[0].strip() for line in done.out.splitlines()[1:]] == ["label 1", "label 4"]


def test_a_phantoms_mask_measures_its_value(call, phantoms):
    for task in ("pma", "cac"):
        rows = (phantoms[task] / "manifest.csv").read_text().splitlines()[1:]
        for case, value in ((row.split(",")[0], float(row.split(",")[3])) for row in rows):
            pair = [phantoms[task] / folder / f"{case}.nii.gz" for folder in ("images", "masks")]
            assert measured(call, pair, task=task)["value"] == pytest.approx(value, rel=1e-4)


def test_what_cannot_be_measured_is_told(call, pair, tmp_path):
    image, mask = pair
    wrong = nifti(tmp_path / "wrong.nii.gz", np.ones((5, 40, 56), np.uint8))
    table = [
        (("--image", tmp_path / "no.nii", "--mask", mask), "no such file"),
        (("--image", image, "--mask", tmp_path / "no.nii"), "no such file"),
        (("--image", image, "--mask", wrong), "the mask has (5, 40, 56) voxels"),
        (("--image", mask, "--mask", mask), "not CT in Hounsfield units"),
        (("--image", image, "--mask", mask, "--slice", "5"), "slices are 0 to 4"),
        (("--image", image, "--mask", mask, "--slice", "-1"), "slices are 0 to 4"),
    ]
    for arguments, words in table:
        call("measure", "--task", "pma", "--json", *arguments).one_sentence(words)


def test_of_a_folder_with_several_series_one_is_chosen(call, tmp_path):
    hu, folder = heart(), tmp_path / "study"
    for number, array in ((3, hu), (4, np.minimum(hu, 100))):
        write_series(folder / str(number), array, CAC_SPACING, (-120, -95, -40), SeriesNumber=number)
    mask = nifti(tmp_path / "mask.nii.gz", np.ones(hu.shape, np.uint8), spacing=CAC_SPACING)
    asked = ("measure", "--task", "cac", "--image", folder, "--mask", mask, "--json")
    call(*asked).one_sentence("choose one with --series")
    done = [call(*asked, "--series", number) for number in (3, 4)]
    assert [one.err for one in done] == ["", ""]
    found = [one.json["value"] for one in done]
    assert found[0] > 0
    assert found[1] == 0
