"""`train --init` and `cross-validate` from the command line: what is refused, and what is printed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from bioloc.files import read_json, write_json
from bioloc.inference.package import Package, load_package, save_package
from bioloc.methods import get_method
from bioloc.networks.network import Network, Spec

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A repository whose pma cohort is prepared, 12 patients to learn from and no mask, and a model that fits it."""
    from bioloc.params import read_params
    from bioloc.project import Project
    from bioloc.stages.data import make_candidates, make_cohort
    from bioloc.stages.raw import make_raw
    from bioloc.tasks import get_task

    root = tmp_path_factory.mktemp("prepared")
    content = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    section = content["tasks"]["pma"]
    section["patients"] = {"train": 6, "val": 3, "gate": 3, "test": 1, "shift": 0}
    section["grid"] = {"size": 64, "pixel_mm": 6.4}
    section["training"] |= {
        "encoder": "test_resnet",
        "decoder_channels": [8, 8, 8, 8],
        "subpixels": 1,
        "inputs": {},
        "images_seen": 8,
        "checks": 1,
    }
    content |= {"bootstrap": 50, "tasks": {"pma": section}}
    (root / "params.yaml").write_text(yaml.safe_dump(content))
    (root / "dvc.yaml").write_text("stages: {}\n")
    project, params, task = Project(root), read_params(root), get_task("pma")
    make_raw(project, params, task)
    make_cohort(project, params, task)
    make_candidates(project, params, task)
    write_json(project.validation("pma"), {"success": True})
    save_package(Package(Network(Spec("pma", "localizer", "test_resnet", (8, 8, 8, 8), 64, 6.4, 0)), 0.3), root / "known")
    return root


@pytest.fixture
def root(prepared, monkeypatch):
    monkeypatch.chdir(prepared)
    return prepared


def model(root, name, **changes):
    """A package of another kind."""
    spec = {"task": "pma", "method": "localizer", "size": 64, "pixel_mm": 6.4, "patch": 0} | changes
    save_package(Package(Network(Spec(**spec, encoder="test_resnet", decoder_channels=(8, 8, 8, 8))), 0.3), root / name)
    return root / name


@pytest.mark.parametrize("command", ["train", "cross-validate"])
def test_a_model_that_may_not_or_cannot_be_started_from_is_told(call, root, command, tmp_path):
    before = sorted(path.name for path in root.iterdir())

    def told(words, init):
        done = call(command, "--task", "pma", "--init", init)
        assert done.status == 2, done
        assert "Traceback" not in done.err
        assert done.err.splitlines() == [f"error: {words}"]

    segmenter, sfa = model(tmp_path, "segmenter", method="segmenter"), model(tmp_path, "sfa", task="sfa")
    told(f"{sfa} is a model of sfa, not of pma: give --task sfa, or another --init", sfa)
    told(
        f"{segmenter} was trained with masks (segmenter), and a localizer learns from values alone: "
        "give --init a model that was trained on values",
        segmenter,
    )
    coarse = model(tmp_path, "coarse", pixel_mm=8.0)
    told(
        f"{coarse} has another network than params.yaml asks for: set tasks.pma.grid.pixel_mm to 8.0 (it is 6.4), "
        "or leave --init out",
        coarse,
    )
    regressor = model(tmp_path, "regressor", method="regressor")
    told(
        f"{regressor} is a regressor, whose network is not that of a localizer: give --init a localizer, or --method regressor",
        regressor,
    )
    call(command, "--task", "pma", "--init", tmp_path / "none").one_sentence("no model in this folder (model.json is missing)")
    call(command, "--task", "pma", "--init", "models:/bioloc-pma@champion").one_sentence("no champion for pma yet")
    made = {path.name for path in root.iterdir()} - set(before)
    assert made <= {".bioloc"}
    assert not (root / "reports" / "cross-validation").exists()


def test_a_training_from_a_package_is_recorded(call, root):
    done = call("train", "--task", "pma", "--init", "known")
    assert done.status == 0, done
    run = read_json(root / "models" / "pma" / "localizer" / "run.json")
    assert run["started_from"]["uri"] == "known"
    assert load_package(root / "models" / "pma" / "localizer" / "package").facts["started_from"] == run["started_from"]


def test_a_cross_validation_prints_one_document_or_a_table(call, root, tmp_path):
    command = ("cross-validate", "--task", "pma", "--folds", "2", "--init", "known", "--output", tmp_path / "cv")
    done = call(*command, "--json")
    assert done.status == 0, done
    assert done.json == read_json(tmp_path / "cv" / "metrics.json")
    assert {"task", "method", "folds", "n_cases", "n_patients", "unit", "metrics"} <= set(done.json)
    assert done.json["started_from"]["uri"] == "known"
    assert (
        (tmp_path / "cv" / "predictions.csv").read_text().startswith("case_id,patient_id,split,value,predicted,mask_value,fold")
    )
    again = call(*command)
    assert again.status == 0
    assert "fold 1 of 2: is there" in again.err
    assert again.out.startswith("pectoralis muscle area, localizer: 12 cases of 12 patients in 2 folds, values in cm2")
    assert "mae of the mean" in again.out


def test_what_a_cross_validation_cannot_do_is_told(call, root, tmp_path):
    call("cross-validate", "--task", "pma", "--folds", "13").one_sentence(
        "pma has 12 patients in train, val, gate, too few to cross-validate in 13 folds: "
        "it takes 10 at least, and as many as folds"
    )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("mine")
    call("cross-validate", "--task", "pma", "--output", tmp_path / "mine").one_sentence("exists and is not an empty folder")
    (tmp_path / "mine" / "a.txt").unlink()
    write_json(tmp_path / "mine" / "run.json", {"task": "pma"})
    (tmp_path / "mine" / "folds" / "0").mkdir(parents=True)
    call("cross-validate", "--task", "pma", "--output", tmp_path / "mine").one_sentence("or with other settings")
    own = shutil.copytree(root / "known", tmp_path / "own")
    content = read_json(own / "model.json")
    from bioloc.files import md5

    write_json(own / "model.json", content | {"facts": {"cohort_md5": md5(root / "data" / "cohorts" / "pma")}})
    call("cross-validate", "--task", "pma", "--init", own).one_sentence("was trained on this very cohort")
    assert get_method("localizer").name not in {path.name for path in tmp_path.iterdir()}


def test_a_cohort_without_masks_cannot_be_cross_validated_with_a_segmenter(call, root):
    call("cross-validate", "--task", "pma", "--method", "segmenter").one_sentence("run the stage masks first")
