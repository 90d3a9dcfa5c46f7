"""Models on scans with and without a reference: made ones, and the real ones where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_packages import tiny

from bioloc.ct.write import axial_affine, write_array
from bioloc.errors import UsageError
from bioloc.files import read_json
from bioloc.inference.package import load_package
from bioloc.prediction import real_ct as module
from bioloc.prediction.real_ct import Model, look_at_all
from bioloc.prediction.real_scans import SUBJECTS, Subject, scans_folder
from bioloc.tasks import TASKS

SPACING = (5.0, 4.0, 4.0)
FAT = Subject("sfa", "made", "ct.nii.gz", "this test", "whether", "fat.nii.gz", least_dice=0.99)
HEART = Subject("cac", "heart", "heart.nii.gz", "this test", "whether", category=">400")


def body(slices: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """A body with a ring of fat under its skin that is thicker in each slice; the first has none."""
    hu = np.full((slices, 64, 64), -1000, np.int16)
    hu[:, 5:59, 5:59] = 40
    fat = np.zeros(hu.shape, bool)
    for number in range(slices):
        fat[number, 8:56, 8:56] = True
        fat[number, 8 + number : 56 - number, 8 + number : 56 - number] = False
    hu[fat] = -100
    return hu, fat


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    hu, fat = body()
    folder = tmp_path / "scans"
    folder.mkdir()
    write_array(folder / "ct.nii.gz", hu.transpose(2, 1, 0), axial_affine(SPACING))
    write_array(folder / "fat.nii.gz", fat.transpose(2, 1, 0).astype(np.uint8), axial_affine(SPACING))
    return folder


def model(folder: Path, task: str, **options: float) -> dict[str, Model]:
    return {task: Model(load_package(tiny(folder, task, **options)), "key")}


def test_every_slice_with_enough_reference_is_measured(tmp_path: Path, scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SUBJECTS", (FAT, HEART))
    content = look_at_all(model(tmp_path, "sfa"), scans, tmp_path / "out")
    (look,) = content["looks"]  # the heart has no model
    assert look["error"] is None
    areas = body()[1].sum(axis=(1, 2)) * 0.16
    assert [row["slice"] for row in look["slices"]] == np.flatnonzero(areas >= 10).tolist() == list(range(1, 9))
    assert [row["known"] for row in look["slices"]] == pytest.approx(areas[1:])
    values, known = (np.array([row[name] for row in look["slices"]]) for name in ("value", "known"))
    assert look["mae"] == pytest.approx(np.abs(values - known).mean())
    assert look["bias"] == pytest.approx((values - known).mean())
    assert look["dice"]["mean"] == pytest.approx(np.mean([row["dice"] for row in look["slices"]]))
    assert look["dice"]["low"] <= look["dice"]["median"] <= look["dice"]["high"]
    assert look["dice_of_candidates_in_reference"] == 1
    assert look["as_wanted"] == (look["dice"]["mean"] >= 0.99)
    assert look["unlike_training"] is None
    assert sum("lungs" in warning for warning in look["warnings"]) <= 1  # said once, not for each slice
    assert (tmp_path / "out" / look["figure"]).read_bytes().startswith(b"\x89PNG")
    assert read_json(tmp_path / "out" / "real_ct.json")["looks"][0]["dice"] == pytest.approx(look["dice"])


def test_a_perfect_mask_has_dice_1_and_a_shifted_reference_less(
    tmp_path: Path, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hu, fat = body()
    hu[~fat & (hu > -500)] = 200  # all candidates are fat, and an untrained map keeps them all
    write_array(scans / "ct.nii.gz", hu.transpose(2, 1, 0), axial_affine(SPACING))
    monkeypatch.setattr(module, "SUBJECTS", (FAT,))
    models = {"sfa": Model(load_package(tiny(tmp_path, "sfa")), "key")}
    object.__setattr__(models["sfa"].package, "threshold", 0.0)
    (look,) = look_at_all(models, scans, tmp_path / "out", every=2)["looks"]
    assert [row["slice"] for row in look["slices"]] == [1, 3, 5, 7]
    assert look["dice"]["low"] == 1
    assert look["as_wanted"] is True
    assert "which is so" in look["caption"]
    write_array(scans / "fat.nii.gz", np.roll(fat, 6, axis=1).transpose(2, 1, 0).astype(np.uint8), axial_affine(SPACING))
    (look,) = look_at_all(models, scans, tmp_path / "out")["looks"]
    assert look["dice"]["high"] < 0.9
    assert look["dice_of_candidates_in_reference"] < 1
    assert "which is NOT so" in look["caption"]


def test_a_volume_has_a_score_and_its_fullest_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hu = np.full((12, 60, 60), 40, np.int16)
    hu[:, :6], hu[:, -6:] = -900, -900
    for number in range(1, 10):
        hu[number, 20 : 22 + number, 20:26] = 450
    (tmp_path / "scans").mkdir()
    write_array(tmp_path / "scans" / "heart.nii.gz", hu.transpose(2, 1, 0), axial_affine((3.0, 2.0, 2.0)))
    monkeypatch.setattr(module, "SUBJECTS", (HEART,))
    shown: list[str] = []
    monkeypatch.setattr(module, "gallery", lambda pictures, path, locator: shown.extend(one.title for one in pictures))
    models = model(tmp_path, "cac", pixel_mm=2.4, patch=32)
    object.__setattr__(models["cac"].package, "threshold", 0.0)
    (look,) = look_at_all(models, tmp_path / "scans", tmp_path / "out")["looks"]
    assert look["error"] is None
    assert look["category"] == TASKS["cac"].category(look["value"])
    assert look["as_wanted"] == (look["category"] == ">400")
    assert 0 < look["mask_value"] <= look["candidates_value"]
    assert [title.split(":")[0] for title in shown] == [f"heart, slice {number}" for number in range(4, 10)]


def test_what_is_missing_is_told_and_the_old_picture_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SUBJECTS", (FAT,))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sfa-made.png").touch()
    (look,) = look_at_all(model(tmp_path, "sfa"), tmp_path, tmp_path / "out")["looks"]
    assert "no such file or folder" in look["error"]
    assert not (tmp_path / "out" / "sfa-made.png").exists()


def test_a_reference_without_the_target_is_told(tmp_path: Path, scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SUBJECTS", (FAT,))
    write_array(scans / "fat.nii.gz", np.zeros((64, 64, 9), np.uint8), axial_affine(SPACING))
    (look,) = look_at_all(model(tmp_path, "sfa"), scans, tmp_path / "out")["looks"]
    assert "of the reference: nothing to compare" in look["error"]


def test_a_folder_without_the_scans_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none of the real scans lies here"):
        scans_folder(tmp_path)


@pytest.mark.slow
def test_the_real_scans_are_where_they_are_looked_for(real_ct: Path, tmp_path: Path) -> None:
    assert scans_folder(real_ct) == real_ct
    assert [subject.image for subject in SUBJECTS if not (real_ct / subject.image).is_file()] == []
    (look,) = look_at_all(model(tmp_path, "sfa", pixel_mm=3.2), real_ct, tmp_path / "out", every=10)["looks"]
    assert look["error"] is None
    assert look["n_slices"] == 3
    assert all(70 < row["known"] < 160 for row in look["slices"])
    assert look["dice_of_candidates_in_reference"] > 0.99  # axes and grid of the reference are those of the scan
