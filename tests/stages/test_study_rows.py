"""One row of each kind, from raw phantoms to its JSON; then all of them in one document and as runs."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml
from conftest_study import small_params

from bioloc.cohorts.load import ReferenceMasks
from bioloc.errors import DataError, GateError, GridError, UsageError
from bioloc.files import md5, read_json, write_json
from bioloc.inference.package import load_package, save_package
from bioloc.methods import get_method
from bioloc.params import read_params
from bioloc.project import Project
from bioloc.stages.data import make_candidates, make_cohort, make_masks
from bioloc.stages.raw import make_raw
from bioloc.stages.study import make_row
from bioloc.stages.study_cohorts import varied_opener
from bioloc.stages.study_collect import collect, shifts, starting_points
from bioloc.stages.study_variants import Variant
from bioloc.stages.train import make_model
from bioloc.tasks import get_task

LIVER, LOCALIZER = get_task("liver"), get_method("localizer")
VARIANTS = {
    "as-in-params": Variant(study="structures", training={"encoder": "test_resnet"}),
    "seed-1": Variant(study="seeds", seed_offset=1),
    "no-candidates": Variant(study="ablation", candidates="every-pixel"),
    "patients-6": Variant(study="learning-curve", patients=6),
    "noise-30": Variant(study="label-noise", value_noise=0.3),
    "as-it-is": Variant(study="regions", region={}),
    "shrunk": Variant(study="regions", region={"grow_mm": -15.0}),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Liver phantoms, prepared, and the localizer of the study itself; hardly trained, so its mask is made to hold something."""
    root = tmp_path_factory.mktemp("grid")
    content = small_params(["liver"]) | {"threads": 1}
    section = content["tasks"]["liver"]
    section["grid"] |= {"size": 64, "pixel_mm": 4.0}
    # Two images a step, and maps that stay soft: so few steps would otherwise end in an empty mask.
    section["training"] |= {"images_seen": 32, "batch_size": 2, "sharpness": 1.0, "self_training": {"weight": 0.5, "start": 0.5}}
    section["patients"] = {"train": 8, "val": 4, "gate": 1, "test": 5, "shift": 3}
    (root / "params.yaml").write_text(yaml.safe_dump(content))
    (root / "dvc.yaml").write_text("stages: {}\n")
    project, params = Project(root), read_params(root)
    make_raw(project, params, LIVER)
    for make in (make_cohort, make_candidates, make_masks):
        make(project, params, LIVER)
    write_json(project.validation("liver"), {"success": True})
    make_model(project, params, LIVER, LOCALIZER)
    package = project.model("liver", "localizer") / "package"
    save_package(replace(load_package(package), threshold=0.02), package)
    return project


def file_of(project, name):
    return project.root / "study" / "results" / "liver" / "localizer" / f"{name}.json"


def made(project, name, **changed):
    variant = VARIANTS[name].model_copy(update=changed)
    make_row(project, read_params(project.root), LIVER, LOCALIZER, name, variant, file_of(project, name))
    return read_json(file_of(project, name))


@pytest.fixture(scope="module")
def rows(project):
    return {name: made(project, name) for name in VARIANTS}


@pytest.mark.slow
def test_every_kind_of_row_has_its_metrics(rows):
    for name, row in rows.items():
        assert row["variant"] == name
        assert row["study"] == VARIANTS[name].study
        assert (row["task"], row["method"]) == ("liver", "localizer")
        assert row["seconds"] > 0
        for metric in ("mae", "pearson_r", "dice", "n_cases"):
            assert np.isfinite(row["metrics"][metric]), (name, metric)
            assert np.isfinite(row["metrics"][f"shift_{metric}"]), (name, metric)
        assert row["metrics"]["n_cases"] == 5
    assert {name for name, row in rows.items() if row["default"]} == {"as-in-params"}
    assert rows["noise-30"]["x"] == 0.3
    assert rows["patients-6"]["x"] == rows["patients-6"]["train_patients"] == 6
    assert rows["seed-1"]["seed"] == rows["as-in-params"]["seed"] + 1
    assert rows["seed-1"]["x"] is None


@pytest.mark.slow
def test_each_change_reaches_the_training(rows):
    own = rows["as-in-params"]["metrics"]
    for name in ("seed-1", "no-candidates", "patients-6", "noise-30"):
        assert rows[name]["metrics"]["mae"] != own["mae"], name


@pytest.mark.slow
def test_a_row_is_what_the_study_itself_measures(project, rows):
    params = read_params(project.root)
    from bioloc.stages.evaluate import evaluate_split

    _, found = evaluate_split(project, params, LIVER, project.model("liver", "localizer") / "package", "test")
    with pytest.raises(DataError, match="liver has no case in the split elsewhere"):
        evaluate_split(project, params, LIVER, project.model("liver", "localizer") / "package", "elsewhere")
    finer = params.task("liver").model_copy(update={"grid": params.task("liver").grid.model_copy(update={"pixel_mm": 1.0})})
    finer = params.model_copy(update={"tasks": {"liver": finer}})
    with pytest.raises(GridError, match=r"trained on the grid .* prepared on .*pixel_mm=1"):
        evaluate_split(project, finer, LIVER, project.model("liver", "localizer") / "package", "test")
    for name, metric in found["metrics"].items():
        assert rows["as-it-is"]["metrics"][name] == pytest.approx(metric["value"]), name
    for name in ("mae", "pearson_r", "bias"):
        assert rows["as-in-params"]["metrics"][name] == pytest.approx(found["metrics"][name]["value"]), name


@pytest.mark.slow
def test_the_models_own_row_is_what_training_it_again_would_give(project, rows, tmp_path):
    """All but the threshold, which the fixture has lowered in the model, and so the masks' metrics; the maps' sum has none."""
    params, own = read_params(project.root), VARIANTS["as-in-params"]
    make_row(project, params, LIVER, LOCALIZER, "as-in-params", own, tmp_path / "row.json", as_trained=True)
    found, trained = read_json(tmp_path / "row.json"), rows["as-in-params"]
    run = read_json(project.model("liver", "localizer") / "run.json")
    assert set(found) == set(trained)
    assert found["default"]
    for name in ("mae", "pearson_r", "bias", "shift_mae"):
        assert found["metrics"][name] == trained["metrics"][name], name
    assert found["val_value_error"] == trained["val_value_error"]
    assert found["train_patients"] == trained["train_patients"]
    assert found["seconds"] > run["seconds"]
    with pytest.raises(UsageError, match="seed-1 is not what params"):
        make_row(project, params, LIVER, LOCALIZER, "seed-1", VARIANTS["seed-1"], tmp_path / "seed.json", as_trained=True)
    assert not (tmp_path / "seed.json").exists()


@pytest.mark.slow
def test_a_region_that_is_too_small_hides_tumour_from_the_whole_dice_only(rows):
    same, small = rows["as-it-is"]["metrics"], rows["shrunk"]["metrics"]
    assert same["dice_whole"] == pytest.approx(same["dice"])
    assert small["dice_whole"] < small["dice"]
    assert small["mae"] != same["mae"]


@pytest.mark.slow
def test_without_candidates_every_pixel_of_the_image_has_its_area(project):
    params = read_params(project.root)
    cohort = varied_opener(project, params, LIVER, VARIANTS["no-candidates"])(["test"])
    row = cohort.table.iloc[0]
    everything = cohort.candidates(0)
    assert everything.mask.all()
    assert everything.total() == pytest.approx(row["rows"] * row["columns"] * row["row_mm"] * row["column_mm"] / 100, rel=1e-5)
    sample = cohort.sample(0)
    assert (sample.worth > 0).mean() > 0.9
    rng = np.random.default_rng(1)
    grid_map = rng.random(sample.worth.shape).astype(np.float32)
    native = cohort.placement(0).upsample(grid_map)
    assert (sample.worth * grid_map).sum() == pytest.approx(everything.unit_worth * native.sum(), rel=1e-4)
    assert ReferenceMasks(project.masks("liver")).mask(row["case_id"], cohort.shape(0)).shape == everything.mask.shape


def test_a_variant_without_meaning_for_a_task_is_refused(tmp_path):
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(small_params(["cac", "pma"])))
    project, params = Project(tmp_path), read_params(tmp_path)
    with pytest.raises(UsageError, match="cac has no value without candidates"):
        varied_opener(project, params, get_task("cac"), VARIANTS["no-candidates"])
    with pytest.raises(UsageError, match="pma leaves no candidates out for lying in the skin"):
        varied_opener(project, params, get_task("pma"), Variant(study="ablation", candidates="skin-too"))
    write_json(project.validation("pma"), {"success": False})
    for folder in (project.cohort("pma"), project.candidates("pma")):
        folder.mkdir(parents=True)
    (project.cohort("pma") / "samples.csv").write_text("case_id,split\na,train\n")
    with pytest.raises(GateError, match="critical failure"):
        make_row(project, params, get_task("pma"), LOCALIZER, "seed-1", VARIANTS["seed-1"], tmp_path / "row.json")
    assert not (tmp_path / "row.json").exists()


def test_what_a_cohort_cannot_train_has_no_row(tmp_path):
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(small_params(["pma"])))
    project, params = Project(tmp_path), read_params(tmp_path)
    for folder, name, line in (
        (project.cohort("pma"), "samples.csv", "case_id,split\na,train\n"),
        (project.masks("pma"), "masks.csv", "case_id,has_mask\na,False\n"),
    ):
        folder.mkdir(parents=True)
        (folder / name).write_text(line)
    with pytest.raises(DataError, match="pma has no row of segmenter: 1 of 1 cases"):
        make_row(project, params, get_task("pma"), get_method("segmenter"), "seed-1", VARIANTS["seed-1"], tmp_path / "row.json")


@pytest.mark.slow
def test_all_rows_come_together_with_their_starting_points(project, rows, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    content = read_json(collect(project, "default"))
    assert set(content) == {"machine", "rows"}
    assert {"processor", "cores", "accelerator", "torch"} <= set(content["machine"])
    wanted = {"study", "task", "method", "variant", "x", "seed", "metrics", "seconds"}
    assert all(set(row) == wanted for row in content["rows"])
    assert len(content["rows"]) == len(VARIANTS) + 4 + 2
    of = {(row["study"], row["variant"]): row for row in content["rows"]}
    assert of["learning-curve", "default"]["x"] == 8
    assert of["label-noise", "default"]["x"] == 0
    assert of["shift", "shift"]["metrics"]["mae"] == rows["as-in-params"]["metrics"]["shift_mae"]
    assert of["shift", "test"]["metrics"]["mae"] == rows["as-in-params"]["metrics"]["mae"]

    from bioloc.tracking.store import experiment, open_store

    def runs():
        client = open_store(project.root)
        return client.search_runs([experiment(client, project.root, "liver")], filter_string="tags.study LIKE '%'")

    assert {run.data.tags["variant"] for run in runs()} == set(VARIANTS)
    noisy = next(run for run in runs() if run.data.tags["variant"] == "noise-30")
    assert noisy.data.tags["study"] == "label-noise"
    assert noisy.data.metrics["dice"] == pytest.approx(rows["noise-30"]["metrics"]["dice"])
    assert noisy.data.params["value_noise"] == "0.3"
    before = md5(project.root / "reports" / "study")
    collect(project, "default")
    assert len(runs()) == len(VARIANTS)
    assert md5(project.root / "reports" / "study") == before


def test_nothing_made_is_said(tmp_path):
    with pytest.raises(DataError, match="run `make study` first"):
        collect(Project(tmp_path), "paper")


def test_an_idle_ablation_is_no_second_starting_point():
    own = {"study": "structures", "task": "pma", "method": "localizer", "default": True, "train_patients": 9, "metrics": {}}
    idle = {**own, "study": "ablation", "variant": "idle"}
    assert [row["study"] for row in starting_points([own, idle])] == ["ablation"]
    assert shifts([own, idle]) == []  # no shift split, no rows


def test_the_command_makes_the_row_that_it_is_asked_for(monkeypatch, tmp_path, capsys):
    from bioloc.cli.main import run

    (tmp_path / "params.yaml").write_text(yaml.safe_dump(small_params(["pma"])))
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "variants.yaml").write_text(json.dumps({"variants": {"seed-1": {"study": "seeds", "seed_offset": 1}}}))
    monkeypatch.setenv("BIOLOC_ROOT", str(tmp_path))
    asked = []
    monkeypatch.setattr("bioloc.stages.study.make_row", lambda *arguments: asked.append(arguments[3:]))
    assert run(["study", "row", "--task", "pma", "--variant", "seed-1"]) == 0
    ((method, name, variant, path, as_trained),) = asked
    assert not as_trained
    assert (method.name, name, variant.seed_offset) == ("localizer", "seed-1", 1)
    assert path == tmp_path / "study/results/pma/localizer/seed-1.json"
    assert run(["study", "row", "--task", "pma", "--variant", "seed-9"]) == 2
    assert "no variant 'seed-9'" in capsys.readouterr().err
    for command in ("collect", "run"):
        assert run(["study", command, "--profile", "huge"]) == 2
        assert "choose from default, paper" in capsys.readouterr().err
