"""`predict`: one row per scan, files in the scan's own geometry, the slice that was asked for."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from cli_scans import CAC_SPACING, MUSCLE_PIXELS, PIXEL_CM2, chest, dicom, heart, leftovers, liver, nifti, nrrd, upright

KEYS = {"case_id", "input", "value", "unit", "status", "error", "slice", "map", "mask", "overlay", "seconds"}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def predict(call, models, tmp_path):
    """Predict into tmp_path/out with the task's tiny model: (exit status, JSON content)."""

    def predicted(task, *arguments, output=None):
        output = output or tmp_path / "out"
        done = call("predict", "--task", task, "--model", models[task], "--output", output, "--json", *arguments)
        assert "Traceback" not in done.err
        assert leftovers(output) == []
        content = done.json
        assert json.loads((output / "results.json").read_text()) == content
        return done.status, content

    return predicted


@pytest.fixture
def quick_overlay(monkeypatch):
    """No drawing, which takes most of a tiny prediction's time."""
    monkeypatch.setattr("bioloc.prediction.case.overlay", lambda picture, path, locator: path.write_bytes(PNG))


def check_row(row, unit, case_id, scan):
    assert set(row) >= KEYS
    assert (row["status"], row["error"], row["unit"], row["case_id"], row["input"]) == ("ok", None, unit, case_id, str(scan))
    assert row["value"] >= 0
    assert row["seconds"] > 0
    assert Path(row["overlay"]).read_bytes().startswith(PNG)
    shares, mask = upright(Path(row["map"])), upright(Path(row["mask"]))
    assert shares.dtype == np.float32
    assert mask.dtype == np.uint8
    assert 0 <= shares.min() < shares.max() <= 1
    assert set(np.unique(mask)) <= {0, 1}
    return shares, mask


def test_the_json_is_the_contracts(predict, models, tmp_path):
    scan = nifti(tmp_path / "a.b.nii.gz", chest())
    status, content = predict("pma", scan, "--slice", 2)
    assert status == 0
    assert list(content) == ["task", "model", "results"]
    assert (content["task"], content["model"]) == ("pma", str(models["pma"]))
    (row,) = content["results"]
    _, mask = check_row(row, "cm2", "a.b", scan)
    assert row["slice"] == 2
    assert row["candidates_value"] == pytest.approx(54 * PIXEL_CM2, rel=1e-5)
    assert row["value"] <= row["candidates_value"] * 1.001
    assert row["mask_value"] == pytest.approx(mask.sum() * PIXEL_CM2, rel=1e-5)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.b_map.nii.gz",
        "a.b_mask.nii.gz",
        "a.b_overlay.png",
        "results.csv",
        "results.json",
        "results.jsonl",
        "results.parquet",
        "run.json",
    ]
    with (tmp_path / "out" / "results.csv").open() as table:
        (line,) = csv.DictReader(table)
    assert float(line["value"]) == pytest.approx(row["value"])


def test_formats_agree(predict, quick_overlay, tmp_path):
    hu = chest()
    scans = [
        nifti(tmp_path / "n.nii", hu),
        nrrd(tmp_path / "r.nrrd", hu),
        nrrd(tmp_path / "h.mha", hu),
        dicom(tmp_path / "d", hu),
    ]
    status, content = predict("pma", *scans, "--slice", 3)
    assert status == 0
    rows = content["results"]
    found = [check_row(row, "cm2", name, scan) for row, name, scan in zip(rows, "nrhd", scans, strict=True)]
    assert {row["slice"] for row in rows} == {3}
    for row, (shares, mask) in zip(rows, found, strict=True):
        assert row["value"] == pytest.approx(rows[0]["value"], rel=1e-4)
        assert np.allclose(shares, found[0][0], atol=1e-4)
        assert np.array_equal(mask, found[0][1])
        assert nib.load(row["map"]).affine == pytest.approx(nib.load(rows[0]["map"]).affine, abs=1e-4)


@pytest.mark.parametrize("codes", ["RAI", "LPI", "IPR", "AIL"])
def test_slices_count_from_the_feet_and_results_go_back_to_the_files_axes(predict, quick_overlay, tmp_path, codes):
    scan = nifti(tmp_path / "scan.nii.gz", chest(), codes)
    given = nib.load(scan)
    assert "".join(nib.aff2axcodes(given.affine)) == codes
    for number in (1, 3):
        status, content = predict("pma", scan, "--slice", number)
        assert status == 0
        (row,) = content["results"]
        shares, mask = check_row(row, "cm2", "scan", scan)
        assert row["slice"] == number
        assert row["candidates_value"] == pytest.approx(MUSCLE_PIXELS[number] * PIXEL_CM2, rel=1e-5)
        assert np.flatnonzero(shares.any(axis=(1, 2))).tolist() == [number]
        assert not mask[np.arange(5) != number].any()
        for name in ("map", "mask"):
            written = nib.load(row[name])
            assert written.shape == given.shape
            assert written.affine == pytest.approx(given.affine)
            assert written.header.get_xyzt_units()[0] == "mm"


def test_a_single_slice_needs_no_number(predict, tmp_path):
    status, content = predict("sfa", nifti(tmp_path / "one.nii.gz", chest((40,))), output=tmp_path / "sfa")
    assert status == 0
    assert content["results"][0]["slice"] == 0


def test_auto_takes_the_slice_with_the_largest_region(predict, tmp_path):
    hu, region = liver()
    scan = nifti(tmp_path / "a.nii.gz", hu, "RAI")
    roi = nifti(tmp_path / "roi.nii.gz", region, "SPL")
    status, content = predict("liver", scan, "--slice", "auto", "--roi", roi)
    assert status == 0
    (row,) = content["results"]
    _, mask = check_row(row, "cm2", "a", scan)
    assert row["slice"] == 3
    assert row["candidates_value"] == pytest.approx(16 * 20 * PIXEL_CM2, rel=1e-5)
    assert not (mask[3] & ~region[3]).any()


def test_no_result_takes_the_place_of_what_is_read(call, models, tmp_path):
    hu, region = liver()
    scan = nifti(tmp_path / "a.nii.gz", hu, "RAI")
    roi = nifti(tmp_path / "a_mask.nii.gz", region, "SPL")
    before = roi.read_bytes()
    done = call("predict", "--task", "liver", "--model", models["liver"], "--output", tmp_path, "--roi", roi, scan)
    done.one_sentence("result of a would take its place: name another --output")
    assert roi.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nii.gz", "a_mask.nii.gz"]


def test_auto_that_finds_no_chest_is_told(predict, tmp_path):
    status, content = predict("pma", nifti(tmp_path / "a.nii.gz", chest()), "--slice", "auto")
    assert status == 1
    assert "name the slice with --slice" in content["results"][0]["error"]


def test_a_folder_of_regions_goes_by_the_scans_names(predict, tmp_path):
    hu, region = liver()
    scans = [nifti(tmp_path / f"{name}.nii.gz", hu) for name in ("a", "b", "c")]
    nifti(tmp_path / "rois" / "a.nii.gz", region)
    nrrd(tmp_path / "rois" / "b.nrrd", np.where(np.arange(5)[:, None, None] == 1, region, 0))
    status, content = predict("liver", *scans, "--slice", "auto", "--roi", tmp_path / "rois")
    assert status == 1
    assert [row["slice"] for row in content["results"]] == [3, 1, None]
    assert [row["status"] for row in content["results"]] == ["ok", "ok", "failed"]
    assert "rois/c.nii.gz: no such file" in content["results"][2]["error"]


def test_calcium_is_taken_from_the_whole_volume(predict, tmp_path):
    scan = nifti(tmp_path / "h.nii.gz", heart(), "RSA", CAC_SPACING)
    status, content = predict("cac", scan)
    assert status == 0
    (row,) = content["results"]
    check_row(row, "points", "h", scan)
    assert row["candidates_value"] == pytest.approx(18 + 48 + 12)
    assert row["category"] in ("0", "1-10", "11-100", "101-400", ">400")
    box = np.zeros(heart().shape, np.uint8)
    box[:3] = 1
    status, content = predict("cac", scan, "--roi", nifti(tmp_path / "box.nii.gz", box, spacing=CAC_SPACING))
    assert status == 0
    assert content["results"][0]["candidates_value"] == pytest.approx(18)


def test_a_heart_without_calcium_is_zero(predict, tmp_path):
    hu = np.minimum(heart(), 40)
    status, content = predict("cac", nifti(tmp_path / "h.nii.gz", hu, spacing=CAC_SPACING))
    assert status == 0
    assert content["results"][0]["value"] == 0
    assert content["results"][0]["category"] == "0"


@pytest.mark.parametrize("task", ["pma", "cac", "liver"])
def test_a_manifest_gives_a_row_per_case(predict, quick_overlay, phantoms, task):
    status, content = predict(task, phantoms[task] / "manifest.csv")
    assert status == 0
    assert [row["case_id"] for row in content["results"]] == [f"{task}-test-0000", f"{task}-test-0001"]


def test_a_manifest_of_ids_and_images_is_enough(predict, quick_overlay, tmp_path):
    nifti(tmp_path / "a.nii.gz", chest())
    nifti(tmp_path / "z.nii.gz", chest(), spacing=CAC_SPACING)
    manifest = tmp_path / "mine.csv"
    manifest.write_text("case_id,image,slice\nfirst,a.nii.gz,1\nsecond,a.nii.gz,3\n")
    _, content = predict("pma", manifest)
    assert [(row["case_id"], row["slice"]) for row in content["results"]] == [("first", 1), ("second", 3)]
    _, content = predict("pma", manifest, "--slice", 2)
    assert [row["slice"] for row in content["results"]] == [2, 2]
    manifest.write_text("case_id,image,slice\nheart,z.nii.gz,4\n")  # a volume's slice says nothing
    status, content = predict("cac", manifest, output=tmp_path / "cac")
    assert status == 0
    assert nib.load(content["results"][0]["map"]).shape == (56, 48, 5)


def test_inputs_of_one_name_stay_apart(predict, quick_overlay, tmp_path):
    scans = [nifti(tmp_path / folder / name, chest((40,))) for folder, name in (("1", "a.nii"), ("2", "a.nii"), ("3", "a-2.nii"))]
    status, content = predict("pma", *scans)
    assert status == 0
    rows = content["results"]
    assert len({row["case_id"] for row in rows}) == len({row["map"] for row in rows}) == 3


def test_one_bad_scan_does_not_end_the_batch(predict, quick_overlay, tmp_path):
    good = [nifti(tmp_path / f"{name}.nii.gz", chest((40,))) for name in ("a", "c")]
    bad = tmp_path / "b.nii.gz"
    shutil.copy(good[0], bad)
    assert predict("pma", good[0], bad, good[1])[0] == 0
    bad.write_bytes(good[0].read_bytes()[:-60])
    status, content = predict("pma", good[0], bad, good[1])
    assert status == 1
    assert [row["status"] for row in content["results"]] == ["ok", "failed", "ok"]
    row = content["results"][1]
    assert set(row) >= KEYS
    assert [row[name] for name in ("value", "slice", "map", "mask", "overlay")] == [None] * 5
    assert "corrupt or cut short" in row["error"]
    assert not list((tmp_path / "out").glob("b_*"))  # not those of the earlier run either
    assert len(list((tmp_path / "out").glob("[ac]_*"))) == 6


def test_an_error_nobody_foresaw_is_a_row_too(predict, tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr("bioloc.prediction.case.overlay", broken)
    status, content = predict("pma", nifti(tmp_path / "a.nii", chest((40,))))
    assert status == 1
    assert content["results"][0]["error"] == "ZeroDivisionError: two lines"
    assert not list((tmp_path / "out").glob("a_*"))


def test_a_rerun_gives_the_same_bytes(predict, tmp_path):
    scan = nifti(tmp_path / "a.nii.gz", chest((40,)))
    names = ("a_map.nii.gz", "a_mask.nii.gz", "a_overlay.png")
    predict("pma", scan)
    first = [(tmp_path / "out" / name).read_bytes() for name in names]
    predict("pma", scan)
    assert [(tmp_path / "out" / name).read_bytes() for name in names] == first


def test_people_get_values_on_stdout_and_the_default_folder(call, models, tmp_path):
    done = call("predict", "--task", "pma", "--model", models["pma"], nifti(tmp_path / "a.nii", chest((40,))))
    assert done.status == 0
    assert done.out.startswith("a: ")
    assert "cm2" in done.out
    assert "predictions/pma" in done.err
    assert (Path("predictions") / "pma" / "a_overlay.png").is_file()


def test_as_a_process_of_its_own(models, tmp_path):
    hu, region = liver()
    scan, roi = nifti(tmp_path / "a.nii.gz", hu), nifti(tmp_path / "roi.nii.gz", region)
    command = ["predict", "--task", "liver", "--slice", "3", "--json", "--model", str(models["liver"]), "--roi", str(roi)]
    done = subprocess.run(
        [sys.executable, "-c", "from bioloc.cli.main import main; main()", *command, "--output", str(tmp_path / "o"), str(scan)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"][0]["slice"] == 3
    assert done.stderr.count("\n") == 1
