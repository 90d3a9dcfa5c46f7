"""A package predicts what was saved, holds no pickle, and a damaged one says so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from bioloc.calibration import FEATURES, Calibration, Line, fit_interval, fit_novelty
from bioloc.cohorts.load import Sample
from bioloc.errors import RegistryError
from bioloc.inference import package as module
from bioloc.inference.maps import predict_sample
from bioloc.inference.package import Package, load_package, save_package
from bioloc.networks.network import Network, Spec
from bioloc.tasks import TASKS


def make_package(method: str = "localizer", seed: int = 0) -> Package:
    torch.manual_seed(seed)
    network = Network(Spec("pma", method, "test_resnet", (8,) * 5, 32, 2.0, 0, offset=3.0, scale=2.0, prior=0.25))
    network.train()
    network(torch.randn(4, network.channels, 32, 32))  # buffers of their own
    return Package(network.eval(), 0.42, {"data_md5": "abc", "images": 12})


def make_sample() -> Sample:
    rng = np.random.default_rng(0)
    worth = (rng.random((1, 32, 32)) < 0.3).astype(np.float32)
    return Sample("a", rng.integers(-200, 300, worth.shape).astype(np.int16), worth, 5.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_package(make_package(), tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("method", ["localizer", "regressor", "segmenter"])
def test_a_package_comes_back_with_equal_predictions(tmp_path: Path, method: str) -> None:
    package = make_package(method)
    save_package(package, tmp_path / "model")
    again = load_package(tmp_path / "model")
    assert (again.spec, again.threshold, again.facts) == (package.spec, 0.42, package.facts)
    assert not again.network.training
    state = again.network.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in package.network.state_dict().items())
    value, grid_map = predict_sample(package.network, make_sample())
    found, found_map = predict_sample(again.network, make_sample())
    assert found == pytest.approx(value, rel=1e-5)
    assert found_map == pytest.approx(grid_map, abs=1e-5)


def test_what_is_known_of_its_certainty_comes_back_and_may_be_missing(tmp_path: Path, folder: Path) -> None:
    rng = np.random.default_rng(0)
    known, features = rng.uniform(1, 90, 40), rng.normal(0, 1, (40, len(FEATURES)))
    interval = fit_interval(TASKS["pma"], known, known + rng.normal(0, 2, 40), "abc")
    calibration = Calibration(interval, fit_novelty(features, "abc"), Line("linear", 0.9, 1.0, 40, "abc", 2.0, 1.0))
    save_package(replace(make_package(), calibration=calibration), tmp_path / "sure")
    again = load_package(tmp_path / "sure").calibration
    assert again.to_dict() == calibration.to_dict()
    assert sorted(file.name for file in (tmp_path / "sure").rglob("*")) == ["model.json", "weights.safetensors"]
    assert load_package(folder).calibration == Calibration()
    edit(folder, interval=None, novelty=None, recalibration=None)  # as packages were before
    assert load_package(folder).calibration == Calibration()


def test_loading_twice_is_the_same_to_the_bit(folder: Path) -> None:
    one, other = (predict_sample(load_package(folder).network, make_sample()) for _ in range(2))
    assert one[0] == other[0]
    assert np.array_equal(one[1], other[1])


def test_the_folder_holds_weights_and_json_and_no_pickle(folder: Path) -> None:
    assert sorted(file.name for file in folder.rglob("*")) == ["model.json", "weights.safetensors"]
    header = (folder / "weights.safetensors").read_bytes()[:9]
    assert header[8:9] == b"{"  # safetensors: the header's length, then JSON; a pickle starts with 0x80, torch's with PK
    content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert content["format"] == module.FORMAT
    assert content["value"]["unit"] == "cm2"


def test_a_new_package_takes_the_old_ones_place(folder: Path) -> None:
    (folder / "left.over").write_text("x")
    save_package(make_package("regressor", 1), folder)
    assert load_package(folder).spec.method == "regressor"
    assert not (folder / "left.over").exists()


def test_an_interrupted_save_leaves_the_old_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(module, "write_json", fail)
    with pytest.raises(OSError, match="disk full"):
        save_package(make_package("regressor", 1), folder)
    assert load_package(folder).spec.method == "localizer"
    assert [file.name for file in folder.parent.iterdir()] == [folder.name]


def edit(folder: Path, **changes: object) -> None:
    path = folder / "model.json"
    content = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}), encoding="utf-8")


def truncate(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def rename_a_weight(folder: Path) -> None:
    path = folder / "weights.safetensors"
    state = load_file(path)
    state["other"] = state.pop(next(iter(state)))
    save_file(state, path)


DAMAGES = {
    "no folder": lambda folder: folder.rename(folder.with_name("moved")),
    "no weights": lambda folder: (folder / "weights.safetensors").unlink(),
    "no json": lambda folder: (folder / "model.json").unlink(),
    "weights cut off": truncate,
    "weights empty": lambda folder: (folder / "weights.safetensors").write_bytes(b""),
    "weights of another network": rename_a_weight,
    "json cut off": lambda folder: (folder / "model.json").write_text('{"format": "bioloc'),
    "json of another kind": lambda folder: (folder / "model.json").write_text("[1]"),
    "another format": lambda folder: edit(folder, format="bioloc-model-99"),
    "no spec": lambda folder: edit(folder, spec=None),
    "half a spec": lambda folder: edit(folder, spec={"task": "pma"}),
    "no threshold": lambda folder: edit(folder, threshold=None),
    "a threshold of words": lambda folder: edit(folder, threshold="high"),
    "no facts": lambda folder: edit(folder, facts=None),
    "another interval": lambda folder: edit(folder, interval={"format": "bioloc-interval-99"}),
    "half an interval": lambda folder: edit(folder, interval={"format": "bioloc-interval-1", "level": 0.9}),
    "half a novelty": lambda folder: edit(folder, novelty={"format": "bioloc-novelty-1"}),
    "a recalibration of words": lambda folder: edit(folder, recalibration="double it"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_package_is_a_registry_error_that_names_the_folder(folder: Path, damage: str) -> None:
    DAMAGES[damage](folder)
    with pytest.raises(RegistryError, match="model") as error:
        load_package(folder)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)
