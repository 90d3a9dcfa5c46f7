"""Whatever is wrong with what a person gives: one clear sentence, and nothing half-written."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import yaml
from cli_scans import chest, leftovers, liver, nifti

from bioloc.files import md5


@pytest.fixture
def rejected(call, models, tmp_path):
    """Predict what cannot be predicted; nothing may come into being."""

    def called(words, *arguments, task="pma", model=None):
        output = tmp_path / "out"
        done = call("predict", "--task", task, "--model", model or models[task], "--output", output, "--json", *arguments)
        done.one_sentence(words)
        assert not output.exists()

    return called


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """Scans that cannot be used, with words of what is said of them."""
    hu = chest((40,))
    whole = nifti(folder / "whole.nii.gz", hu)
    files = {name: folder / f"{name}.nii.gz" for name in ("text", "cut", "cut-inside", "four", "no-affine", "nan")}
    files["text"].write_text("no image")
    files["cut"].write_bytes(whole.read_bytes()[:-100])
    files["cut-inside"].write_bytes(gzip.compress(gzip.decompress(whole.read_bytes())[:-3000]))
    nib.save(nib.Nifti1Image(np.stack([hu.T, hu.T], axis=-1), np.eye(4)), files["four"])
    bare = nib.Nifti1Image(hu.T, None)
    bare.header["qform_code"] = bare.header["sform_code"] = 0
    nib.save(bare, files["no-affine"])
    nifti(files["nan"], np.where(hu == 40, np.nan, hu).astype(np.float32))
    nifti(folder / "eight-bit.nii.gz", np.clip(hu // 8 + 128, 0, 255).astype(np.uint8))
    nifti(folder / "zero.nii.gz", np.zeros_like(hu))
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / "empty").mkdir()
    return {
        "missing": (folder / "missing.nii.gz", "no such file"),
        "text": (files["text"], "corrupt or cut short"),
        "cut": (files["cut"], "corrupt or cut short"),
        "cut-inside": (files["cut-inside"], "corrupt or cut short"),
        "four": (files["four"], "4 dimensions"),
        "no-affine": (files["no-affine"], "no affine"),
        "nan": (files["nan"], "not numbers"),
        "eight-bit": (folder / "eight-bit.nii.gz", "not CT in Hounsfield units"),
        "zero": (folder / "zero.nii.gz", "empty image"),
        "picture": (folder / "picture.png", "give NIfTI"),
        "empty": (folder / "empty", "no DICOM series"),
        "many": (nifti(folder / "many.nii.gz", chest()), "name it with --slice"),
    }


def test_every_bad_scan_is_a_failed_row_beside_the_good_one(call, models, tmp_path):
    table = bad_files(tmp_path)
    output = tmp_path / "out"
    inputs = [path for path, _ in table.values()]
    done = call(
        "predict", "--task", "pma", "--model", models["pma"], "--output", output, "--json", *inputs, tmp_path / "whole.nii.gz"
    )
    assert done.status == 1
    assert "Traceback" not in done.err
    *bad, good = done.json["results"]
    assert good["status"] == "ok"
    for row, (path, words) in zip(bad, table.values(), strict=True):
        assert row["status"] == "failed"
        assert words in row["error"]
        assert str(path) in row["error"]
        assert "\n" not in row["error"]
    assert len(done.err.splitlines()) == len(inputs) + 1, done.err
    assert leftovers(output) == []
    assert sorted(path.name for path in output.iterdir()) == [
        "results.csv",
        "results.json",
        "results.jsonl",
        "results.parquet",
        "run.json",
        "whole_map.nii.gz",
        "whole_mask.nii.gz",
        "whole_overlay.png",
    ]


def test_bad_regions_are_failed_rows(call, models, tmp_path):
    hu, region = liver()
    scan = nifti(tmp_path / "a.nii.gz", hu)
    table = [
        ([], "give its mask with --roi"),
        (["--roi", nifti(tmp_path / "e.nii.gz", np.zeros_like(region))], "e.nii.gz: the region of interest is empty"),
        (["--roi", nifti(tmp_path / "s.nii.gz", region[:, :40])], "s.nii.gz: the mask has"),
        (["--roi", nifti(tmp_path / "m.nii.gz", region, spacing=(4, 6, 5.5))], "spacing"),
        (["--roi", nifti(tmp_path / "n.nii.gz", region * np.arange(5, dtype=np.uint8)[:, None, None])], "is empty"),
        (["--roi", scan], "negative"),
    ]
    for arguments, words in table:
        done = call("predict", "--task", "liver", "--model", models["liver"], "--slice", "0", "--json", scan, *arguments)
        assert done.status == 1
        assert words in done.json["results"][0]["error"]
        assert not list(Path("predictions/liver").glob("a_*"))
    done = call(
        "predict", "--task", "liver", "--model", models["liver"], "--slice", "9", "--json", scan, "--roi", tmp_path / "n.nii.gz"
    )
    assert "no slice 9: slices are 0 to 4, counted from the feet" in done.json["results"][0]["error"]


def test_wrong_options_end_before_anything_is_written(rejected, tmp_path):
    scan = nifti(tmp_path / "a.nii.gz", chest())
    for text in ("x", "-1", "1.5", "AUTO", ""):
        rejected("slice number from 0, counted from the feet", scan, "--slice", text)
    rejected("summed over the whole volume", scan, "--slice", "2", task="cac")
    rejected("give a folder with masks", scan, scan, "--roi", scan, task="liver")
    rejected("no such file", scan, "--roi", tmp_path / "no.nii.gz", task="liver")


def test_a_missing_or_damaged_model_is_told(rejected, models, tmp_path):
    scan = nifti(tmp_path / "a.nii.gz", chest((40,)))
    rejected("model.json is missing", scan, model=tmp_path / "none")
    rejected("model of sfa, not of pma: give --task sfa", scan, model=models["sfa"])

    def damaged(name, change):
        folder = tmp_path / name
        shutil.copytree(models["pma"], folder)
        change(folder)
        return folder

    def rewritten(**changes):
        def change(folder):
            content = json.loads((folder / "model.json").read_text())
            content["spec"] |= changes.pop("spec", {})
            (folder / "model.json").write_text(json.dumps(content | changes))

        return change

    def cut(folder):
        (folder / "weights.safetensors").write_bytes((folder / "weights.safetensors").read_bytes()[:999])

    for name, change, words in (
        ("no-weights", lambda folder: (folder / "weights.safetensors").unlink(), "no usable model"),
        ("cut-weights", cut, "no usable model"),
        ("no-json", lambda folder: (folder / "model.json").write_text("{"), "no usable model"),
        ("format", rewritten(format="other-9"), "format 'other-9'"),
        ("encoder", rewritten(spec={"encoder": "resnet1000"}), "timm has no encoder 'resnet1000': take for example"),
        ("task", rewritten(spec={"task": "lung"}), "unknown task 'lung'"),
        ("key", rewritten(spec={"colour": 1}), "no usable model"),
    ):
        rejected(words, scan, model=damaged(name, change))


def test_an_empty_registry_says_what_to_do(call, study, tmp_path):
    scan = nifti(tmp_path / "a.nii.gz", chest((40,)))
    call("predict", "--task", "pma", scan).one_sentence("no champion for pma yet: run `dvc repro promote@pma`")
    call("evaluate", "--task", "pma").one_sentence("no champion for pma yet")
    done = call("registry", "list")
    assert (done.status, done.out) == (0, "")
    assert "the registry is empty" in done.err
    assert call("registry", "list", "--json").json == []
    assert {path.name for path in study.iterdir()} <= {"params.yaml", "dvc.yaml", ".bioloc"}


def test_an_output_that_is_a_file_is_told(call, models, tmp_path):
    scan, taken = nifti(tmp_path / "a.nii.gz", chest((40,))), tmp_path / "taken"
    taken.write_text("mine")
    call("predict", "--task", "pma", "--model", models["pma"], "--output", taken, scan).one_sentence("taken: File exists")
    call("phantom", "--task", "pma", "--output", taken / "below", "--patients", "1").one_sentence("taken")
    assert taken.read_text() == "mine"


MANIFESTS = {
    "doubled": ("p,a.nii.gz,1,cm2,train|q,a.nii.gz,1,cm2,val", "case_id c0 stands 2 times"),
    "two-splits": ("p,a.nii.gz,1,cm2,train|p,a.nii.gz,1,cm2,test", "patient p is in more than one split (test, train)"),
    "split": ("p,a.nii.gz,1,cm2,other", "line 2: split 'other'"),
    "unit": ("p,a.nii.gz,1,mm2,train", "line 2: unit 'mm2': pma is measured in cm2"),
    "value": ("p,a.nii.gz,much,cm2,train", "value 'much' is not a number"),
    "negative": ("p,a.nii.gz,-1,cm2,train", "at least 0"),
    "nan": ("p,a.nii.gz,nan,cm2,train", "at least 0"),
    "outside": ("p,../a.nii.gz,1,cm2,train", "leaves the manifest's folder"),
    "no-image": ("p,,1,cm2,train", "line 2 has no image"),
    "no-rows": ("", "no rows"),
}


def manifest(rows: str, path: Path, doubled: bool = False) -> Path:
    lines = [f"c{0 if doubled else number},{row}" for number, row in enumerate(rows.split("|")) if row]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["case_id,patient_id,image,value,unit,split", *lines]) + "\n")
    return path


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_bad_manifest_is_told_before_anything_is_made(call, study, name):
    rows, words = MANIFESTS[name]
    path = manifest(rows, study / "data" / "raw" / "pma" / "manifest.csv", name == "doubled")
    nifti(path.parent / "a.nii.gz", chest((40,)))
    for command in ("cohort", "candidates"):
        call(command, "--task", "pma").one_sentence(words)
    assert [folder.name for folder in (study / "data").iterdir()] == ["raw"]


def test_a_bad_manifest_ends_a_prediction_too(rejected, tmp_path):
    for name in ("doubled", "outside", "no-rows"):
        rows, words = MANIFESTS[name]
        rejected(words, manifest(rows, tmp_path / f"{name}.csv", name == "doubled"))
    rejected("no such manifest", tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    rejected("no column case_id", tmp_path / "other.csv")
    (tmp_path / "empty.csv").write_text("")
    rejected("cannot be read as CSV", tmp_path / "empty.csv")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)) * 9)
    rejected("cannot be read as CSV", tmp_path / "binary.csv")


def test_a_bad_image_in_a_cohort_leaves_nothing(call, study):
    path = manifest("p,a.nii.gz,1,cm2,train|q,b.nii.gz,1,cm2,val", study / "data" / "raw" / "pma" / "manifest.csv")
    nifti(path.parent / "a.nii.gz", chest((40,)))
    (path.parent / "b.nii.gz").write_text("no image")
    done = call("cohort", "--task", "pma")
    assert done.status == 2
    assert done.out == ""
    assert "Traceback" not in done.err
    assert "b.nii.gz: cannot be read" in done.err.splitlines()[-1]
    assert not list((study / "data").glob("cohorts/*"))
    assert leftovers(study) == []


def test_bad_parameters_are_told(call, study):
    original = yaml.safe_load((study / "params.yaml").read_text())

    def told(words, change, command="train"):
        content = json.loads(json.dumps(original))
        change(content)
        (study / "params.yaml").write_text(yaml.safe_dump(content))
        call(command, "--task", "pma").one_sentence(words)

    told("params.yaml: sed: Extra inputs", lambda c: c.update(sed=1))
    told("tasks.pma.grid.pixel: Extra inputs", lambda c: c["tasks"]["pma"]["grid"].update(pixel=1))
    told("tasks.pma.training.images_seen", lambda c: c["tasks"]["pma"]["training"].update(images_seen=-5))
    told("params.yaml: threads", lambda c: c.pop("threads"))
    told("tasks.lung is no task", lambda c: c["tasks"].update(lung=c["tasks"]["pma"]))
    told("no section tasks.pma", lambda c: c["tasks"].pop("pma"), "cohort")
    (study / "params.yaml").write_text("tasks: [\n  - a: {\n")
    call("cohort", "--task", "pma").one_sentence("params.yaml cannot be read")


def test_an_unknown_encoder_is_told_before_training(call, study):
    raw = study / "data" / "raw" / "pma"
    manifest("p,a.nii.gz,9,cm2,train|q,a.nii.gz,9,cm2,val", raw / "manifest.csv")
    nifti(raw / "a.nii.gz", chest((40,)))
    (raw / "images").mkdir()
    assert call("cohort", "--task", "pma").status == 0
    assert call("candidates", "--task", "pma").status == 0
    (study / "reports" / "validation").mkdir(parents=True)
    (study / "reports" / "validation" / "pma.json").write_text('{"success": true}')
    content = yaml.safe_load((study / "params.yaml").read_text())
    content["tasks"]["pma"]["training"]["encoder"] = "regnetx_003"
    (study / "params.yaml").write_text(yaml.safe_dump(content))
    call("train", "--task", "pma").one_sentence("timm has no encoder 'regnetx_003': take for example regnetx_")
    assert not (study / "models").exists()


def test_a_stage_without_its_inputs_names_what_to_run(call, study):
    call("cohort", "--task", "pma").one_sentence("manifest.csv: no such manifest")
    call("validate", "--task", "pma").one_sentence("run `dvc repro candidates@pma` first")
    call("train", "--task", "pma").one_sentence("run `dvc repro validate@pma` first")
    call("promote", "--task", "pma").one_sentence("run `dvc repro evaluate@pma-localizer` first")
    assert {path.name for path in study.iterdir()} <= {"params.yaml", "dvc.yaml", ".bioloc"}


def test_an_evaluation_names_the_missing_cohort_and_the_wrong_model(call, study, models):
    call("evaluate", "--task", "pma", "--model", models["pma"]).one_sentence("run the stages cohort and candidates of pma first")
    call("evaluate", "--task", "pma", "--model", models["liver"]).one_sentence("model of liver, not of pma")
    call("evaluate", "--task", "pma", "--model", "nowhere").one_sentence("model.json is missing")


def test_phantoms_are_made_again_byte_by_byte_and_never_over_something(call, phantoms, tmp_path):
    def made(seed, name):
        return call("phantom", "--task", "pma", "--output", tmp_path / name, "--seed", seed, "--patients", "2")

    (tmp_path / "again").mkdir()  # an empty folder will do
    assert made(3, "again").status == 0
    assert md5(tmp_path / "again") == md5(phantoms["pma"])
    assert made(4, "other").status == 0
    assert md5(tmp_path / "other") != md5(phantoms["pma"])
    made(4, "again").one_sentence("is not an empty folder: choose another --output")
    assert md5(tmp_path / "again") == md5(phantoms["pma"])
    assert leftovers(tmp_path) == []
    assert (tmp_path / "again" / "manifest.csv").read_text().startswith("case_id,patient_id,image,value,unit,split,mask")
    assert {path.name for path in (phantoms["liver"]).iterdir()} == {"manifest.csv", "images", "masks", "regions"}
