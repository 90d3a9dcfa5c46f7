"""The scripts that measure on fresh phantoms and on real scans, run on little."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from bioloc.files import md5, read_json, write_json
from bioloc.inference.package import Package, save_package
from bioloc.networks.network import Network, Spec

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Run a script of benchmarks/ with arguments, in a repository in which nothing has run."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "benchmarks").mkdir()
    for name in ("BIOLOC_ROOT", "BIOLOC_REAL_CT", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))

    def run(name: str, *arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        module = loaded(name)
        for one in (module, sys.modules["common"]):
            monkeypatch.setattr(one, "WORKERS", 1, raising=False)  # so few cases are not worth the start of processes
        return int(module.ended(module.main))

    yield run
    sys.modules.pop("common", None)


def loaded(name: str) -> ModuleType:
    """The script under a name that hides no package."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """An untrained model where the last training of pma would be."""
    torch.manual_seed(5)
    folder = tmp_path / "models" / "pma" / "localizer" / "package"
    save_package(Package(Network(Spec("pma", "localizer", "test_resnet", (8, 8, 8, 8), 64, 6.4, 0)), 0.3), folder)
    return folder


def test_coverage_draws_calibrates_and_measures(script: Callable[..., int], trained: Path, tmp_path: Path) -> None:
    options = ("--task", "pma", "--calibrate", 12, "--fresh", 6, "--cohorts", tmp_path / "cohorts")
    assert script("coverage", *options, "--only-draw") == 0
    assert not (tmp_path / "benchmarks" / "coverage.json").exists()
    one, other = sorted((tmp_path / "cohorts").iterdir())
    assert (one / "manifest.csv").read_text() != (other / "manifest.csv").read_text()
    stamp = (one / "manifest.csv").stat().st_mtime_ns
    write_json(tmp_path / "benchmarks" / "coverage.json", {"sfa": "stays"})
    assert script("coverage", *options) == 0
    assert (one / "manifest.csv").stat().st_mtime_ns == stamp  # not drawn again
    content = read_json(tmp_path / "benchmarks" / "coverage.json")
    assert content["sfa"] == "stays"
    row = content["pma"]
    assert (row["n_calibration"], row["n_cases"], row["level"]) == (12, 6, 0.9)
    assert 0 <= row["coverage"]["value"] <= 1
    assert row["run_key"] == md5(trained)[:16]
    assert row["machine"]["cores"] >= 1


def test_fresh_stands_beside_the_test_split(script: Callable[..., int], trained: Path, tmp_path: Path) -> None:
    options = ("--task", "pma", "--patients", 5, "--cohorts", tmp_path / "cohorts")
    assert script("fresh", *options) == 2  # nothing was evaluated
    shape = {"value": 0.9, "ci_low": 0.8, "ci_high": 1.0}
    metrics = {"splits": {"test": {"metrics": dict.fromkeys(("pearson_r", "mae", "dice"), shape)}}}
    write_json(tmp_path / "reports/evaluation/pma/localizer/metrics.json", {"run_key": "other", **metrics})
    assert script("fresh", *options) == 0
    row = read_json(tmp_path / "benchmarks" / "fresh.json")["pma"]
    assert (row["n_cases"], row["test_is_of_this_model"]) == (5, False)
    assert set(row["metrics"]) == {"pearson_r", "mae", "dice"}
    assert row["metrics"]["dice"]["test"] == shape


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("coverage", ("--task", "pma"), "neither a champion nor"),
        ("coverage", ("--task", "nose"), "unknown task 'nose'"),
        ("coverage", ("--package", "x"), "name it with --task"),
        ("fresh", ("--task", "pma", "--package", "x"), "no model in this folder"),
        ("real_ct", ("--real", "nowhere"), "none of the real scans lies here"),
    ],
)
def test_mistakes_are_a_sentence(
    script: Callable[..., int], capsys: pytest.CaptureFixture[str], name: str, arguments: tuple[str, ...], words: str
) -> None:
    assert script(name, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert words in line


def test_a_model_of_another_task_is_told(
    script: Callable[..., int], trained: Path, real_ct: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("real_ct", "--real", real_ct, "--package", f"sfa={trained}") == 2
    assert "is a model of pma, not of sfa" in capsys.readouterr().err
    assert script("real_ct", "--real", real_ct, "--package", "sfa") == 2
    assert "give TASK=FOLDER" in capsys.readouterr().err


def test_the_steps_that_are_timed_against_each_other_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    run, rng = loaded("run"), np.random.default_rng(0)
    hu = rng.integers(-1000, 1000, (256, 1, run.SIZE, run.SIZE)).astype(np.int16)
    worth = (rng.random(hu.shape) < 0.4).astype(np.float32)
    step, channels = run.bioloc_step(hu, worth)
    assert set(step()) == {"value_loss", "self_training_loss"}
    run.plain_step(hu, worth, channels, run.SLIM)()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU on this machine")
def test_the_benchmark_of_a_gpu_says_that_there_is_none(script: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert script("gpu") == 2
    assert capsys.readouterr().err == "error: this benchmark is of a GPU, and torch finds none\n"
