"""A training that starts from a model: what it begins with, what its record says, and that its checkpoints are its own."""

from dataclasses import replace

import pytest
import torch
from conftest_study import prepare

from bioloc.errors import UsageError
from bioloc.files import md5, read_json
from bioloc.inference.package import load_package, save_package
from bioloc.methods import get_method
from bioloc.params import read_params
from bioloc.stages.train import cohort_opener, data_facts, make_model
from bioloc.tasks import get_task
from bioloc.training.loop import Loop
from bioloc.training.start import load_start
from bioloc.training.train import train

PMA, LOCALIZER = get_task("pma"), get_method("localizer")
PATIENTS = {"train": 6, "val": 3, "gate": 1, "test": 1, "shift": 0}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A small study with a trained localizer, kept aside as `first`."""
    project = prepare(tmp_path_factory.mktemp("start"), "pma", PATIENTS)
    make_model(project, read_params(project.root), PMA, LOCALIZER)
    package = project.model("pma", "localizer") / "package"
    save_package(load_package(package), project.root / "first")
    return project


@pytest.fixture(scope="module")
def first(project):
    return load_start(project.root / "first", "models:/bioloc-pma/1")


def test_a_training_without_a_start_says_so(project):
    assert read_json(project.model("pma", "localizer") / "run.json")["started_from"] is None
    assert "started_from" not in load_package(project.root / "first").facts


@pytest.mark.slow
def test_record_and_package_say_what_a_training_started_from(project, first):
    make_model(project, read_params(project.root), PMA, LOCALIZER, first)
    run = read_json(project.model("pma", "localizer") / "run.json")
    wanted = {
        "uri": "models:/bioloc-pma/1",
        "run_key": md5(project.root / "first")[:16],
        "cohorts": [data_facts(project, PMA)["cohort_md5"]],
    }
    assert run["started_from"] == wanted
    assert load_package(project.model("pma", "localizer") / "package").facts["started_from"] == wanted
    assert run["run_key"] != first.run_key


def begun(monkeypatch, project, start, task=PMA):
    """The loop of a training, stopped before its first step."""
    found = []

    def stop(loop):
        found.append(loop)
        raise KeyboardInterrupt

    monkeypatch.setattr(Loop, "run", stop)
    params, folder = read_params(project.root), project.state / "begun"
    with pytest.raises(KeyboardInterrupt):
        train(task, LOCALIZER, params, cohort_opener(project, params, task), None, folder, data_facts(project, task), start)
    return found[0]


def test_before_the_first_step_the_network_is_the_model(monkeypatch, project, first):
    loop = begun(monkeypatch, project, first)
    theirs = first.package.network.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in loop.network.state_dict().items())
    loop._sharpen(0.0)
    views = loop.val.views.batch(range(3))
    with torch.inference_mode():
        values = [
            network.values(network.logits(network(network.inputs(views)), views), views)
            for network in (loop.network.eval(), first.package.network)
        ]
    assert torch.equal(*values)
    assert loop.sharp  # so that a network from early in the training may be kept


def test_maps_that_were_not_as_sharp_are_sharpened_as_in_any_training(monkeypatch, project, first):
    params = read_params(project.root)
    network = first.package.network
    network = type(network)(replace(network.spec, sharpness=params.task("pma").training.sharpness + 1))
    loop = begun(monkeypatch, project, replace(first, package=replace(first.package, network=network)))
    loop._sharpen(0.0)
    assert loop.network.sharpness == 1
    assert not loop.sharp


def test_the_checkpoint_of_another_start_is_not_picked_up(monkeypatch, project, first):
    keys = [begun(monkeypatch, project, start).key for start in (None, first, replace(first, run_key="another"))]
    assert len({str(key) for key in keys}) == 3


def test_a_model_that_does_not_fit_ends_a_training_before_it_begins(project, first):
    params = read_params(project.root)
    section = params.task("pma")
    other = params.model_copy(
        update={"tasks": {"pma": section.model_copy(update={"grid": section.grid.model_copy(update={"size": 66})})}}
    )
    with pytest.raises(UsageError, match=r"set tasks\.pma\.grid\.size to 63"):
        make_model(project, other, PMA, LOCALIZER, first)
