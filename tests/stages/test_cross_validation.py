"""Cross-validation of a cohort without masks: every patient once, nothing trained twice, nothing mixed up."""

from dataclasses import replace

import numpy as np
import pytest
from conftest_study import prepare

from bioloc.errors import DataError, GateError, UsageError
from bioloc.files import read_json, read_table, write_json
from bioloc.inference.package import Package
from bioloc.methods import get_method
from bioloc.networks.network import Network
from bioloc.params import read_params
from bioloc.stages import cross_validation
from bioloc.stages.cross_validation import Plan, cross_validate
from bioloc.stages.folds import HELD_OUT, fold_roles
from bioloc.stages.train import data_facts
from bioloc.tasks import get_task
from bioloc.training import train as train_module
from bioloc.training.start import Start

PMA = get_task("pma")
PATIENTS = {"train": 6, "val": 3, "gate": 3, "test": 2, "shift": 1}
FOLDS = 3


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("folds"), "pma", PATIENTS)


@pytest.fixture(scope="module")
def plan(project):
    return Plan(project, read_params(project.root), PMA, get_method("localizer"), FOLDS, project.root / "cv")


@pytest.fixture(scope="module")
def made(plan):
    """The whole of it, and what was told."""
    told = []
    return cross_validate(plan, told.append), told


@pytest.fixture
def trainings(monkeypatch):
    """The facts of each training that is begun."""
    seen = []
    train = train_module.train

    def counted(*given):
        seen.append(given[6])
        return train(*given)

    monkeypatch.setattr(train_module, "train", counted)
    return seen


@pytest.mark.slow
def test_every_pooled_patient_is_predicted_once_and_no_other(plan, made):
    content, told = made
    table, samples = read_table(plan.output / "predictions.csv"), read_table(plan.project.cohort("pma") / "samples.csv")
    pooled = samples[samples["split"].isin(("train", "val", "gate"))]
    assert sorted(table["case_id"]) == sorted(pooled["case_id"])
    assert table["fold"].value_counts().tolist() == [4, 4, 4]
    assert set(table["split"]) == {"train", "val", "gate"}  # where the cohort has them, not the fold
    assert np.isfinite(table["predicted"]).all()
    assert content["n_patients"] == content["n_cases"] == 12
    assert told == [f"fold {fold} of 3: 6 train, 2 val, 4 held-out patients" for fold in (1, 2, 3)]


@pytest.mark.slow
def test_metrics_are_those_of_the_table_with_their_intervals(plan, made):
    content, _ = made
    table = read_table(plan.output / "predictions.csv")
    mae = content["metrics"]["mae"]
    assert mae["value"] == pytest.approx((table["predicted"] - table["value"]).abs().mean(), rel=1e-5)
    assert mae["ci_low"] < mae["value"] < mae["ci_high"]
    assert "dice" not in content["metrics"]  # the cohort has no masks
    assert read_json(plan.output / "metrics.json")["metrics"]["mae"] == mae
    assert np.mean([fold["mae"] for fold in content["by_fold"]]) == pytest.approx(mae["value"])
    assert [(fold["train_patients"], fold["val_patients"], fold["n_patients"]) for fold in content["by_fold"]] == [(6, 2, 4)] * 3
    assert content["pooled"] == ["train", "val", "gate"]
    assert content["started_from"] is None


@pytest.mark.slow
def test_the_mean_that_a_model_must_beat_is_out_of_fold_too(plan, made):
    content, _ = made
    table = read_table(plan.output / "predictions.csv")
    rows, errors = content["without_network"], []
    assert set(rows) == {"training-mean", "linear", "all-candidates"}
    for fold, roles in enumerate(fold_roles(table, FOLDS, plan.params.seed)):
        learnt = table["patient_id"].map(roles) == "train"
        assert (table["patient_id"].map(roles) == HELD_OUT).equals(table["fold"] == fold)
        errors += list((table.loc[table["fold"] == fold, "value"] - table.loc[learnt, "value"].mean()).abs())
    assert rows["training-mean"]["mae"]["value"] == pytest.approx(np.mean(errors), rel=1e-5)


@pytest.mark.slow
def test_a_fold_that_is_there_is_not_trained_again_and_one_that_is_not_comes_out_the_same(plan, made, trainings):
    before = (plan.output / "predictions.csv").read_bytes()
    told = []
    cross_validate(plan, told.append)
    assert trainings == []
    assert told == [f"fold {fold} of 3: is there" for fold in (1, 2, 3)]
    for file in (plan.output / "folds" / "1").iterdir():
        file.unlink()
    (plan.output / "folds" / "1").rmdir()
    cross_validate(plan, told.append)
    assert [facts["fold"] for facts in trainings] == [1]
    assert (plan.output / "predictions.csv").read_bytes() == before
    assert not list(plan.output.rglob(".*"))


@pytest.mark.slow
def test_a_killed_cross_validation_leaves_whole_folds_only(plan, made, tmp_path, monkeypatch):
    again = replace(plan, output=tmp_path / "cv")
    predict = cross_validation.predict_cohort
    calls = []

    def killed(*given):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return predict(*given)

    monkeypatch.setattr(cross_validation, "predict_cohort", killed)
    with pytest.raises(KeyboardInterrupt):
        cross_validate(again, str)
    assert [path.name for path in (again.output / "folds").iterdir()] == ["0"]
    assert not (again.output / "metrics.json").exists()
    monkeypatch.setattr(cross_validation, "predict_cohort", predict)
    cross_validate(again, str)
    assert (again.output / "predictions.csv").read_bytes() == (plan.output / "predictions.csv").read_bytes()


@pytest.mark.slow
def test_a_folder_of_another_cross_validation_is_refused(plan, made, tmp_path):
    for other in (replace(plan, method=get_method("regressor")), replace(plan, folds=4)):
        with pytest.raises(UsageError, match="holds a cross-validation of another cohort or with other settings"):
            cross_validate(other, str)
    write_json(tmp_path / "nothing-yet" / "run.json", {"task": "sfa"})  # killed in its first fold: there is nothing to lose
    assert cross_validate(replace(plan, output=tmp_path / "nothing-yet"), str)["n_cases"] == 12
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="choose another one for the cross-validation"):
        cross_validate(replace(plan, output=tmp_path / "mine"), str)


@pytest.fixture
def start(plan, made):
    """An untrained model of the network that the plan asks for, as if it was of another cohort."""
    section = plan.params.task("pma")
    spec = train_module.spec_of(PMA, plan.method, section)
    return Start(Package(Network(spec), 0.5, {"cohort_md5": "another"}), "models:/bioloc-pma/1", "feed0123")


@pytest.mark.slow
def test_every_fold_starts_from_the_model(plan, start, tmp_path, trainings):
    begun = replace(plan, output=tmp_path / "cv", start=start)
    content = cross_validate(begun, str)
    assert content["started_from"] == {"uri": "models:/bioloc-pma/1", "run_key": "feed0123", "cohorts": ["another"]}
    assert len(trainings) == FOLDS
    assert (begun.output / "predictions.csv").read_bytes() != (plan.output / "predictions.csv").read_bytes()
    with pytest.raises(UsageError, match="with other settings"):
        cross_validate(replace(begun, start=None), str)


@pytest.mark.slow
def test_a_model_that_knows_the_held_out_patients_is_refused(plan, start, tmp_path):
    own = data_facts(plan.project, PMA)["cohort_md5"]
    for facts in ({"cohort_md5": own}, {"cohort_md5": "another", "started_from": {"cohorts": [own]}}):
        known = replace(start, package=replace(start.package, facts=facts))
        with pytest.raises(UsageError, match="was trained on this very cohort"):
            cross_validate(replace(plan, output=tmp_path / "cv", start=known), str)
    assert not (tmp_path / "cv").exists()


def test_a_cohort_that_is_too_small_or_unfit_is_refused_before_anything_is_written(plan, project, tmp_path):
    new = replace(plan, output=tmp_path / "cv")
    with pytest.raises(UsageError, match="12 patients in train, val, gate, too few to cross-validate in 13 folds"):
        cross_validate(replace(new, folds=13), str)
    with pytest.raises(DataError, match="run the stage masks first"):
        cross_validate(replace(new, method=get_method("segmenter")), str)
    write_json(project.validation("pma"), {"success": False})
    try:
        with pytest.raises(GateError, match="critical failure"):
            cross_validate(new, str)
    finally:
        write_json(project.validation("pma"), {"success": True})
    assert not new.output.exists()
