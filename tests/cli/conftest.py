"""Fixtures of the command line's tests: tiny models, tiny cohorts, an empty study, and a way to call."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bioloc.cli.main import run

REPOSITORY = Path(__file__).parents[2]


class Called(NamedTuple):
    """What a command left: its exit status and what it wrote on the two streams."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    def one_sentence(self, words: str, status: int = 2) -> None:
        """The user's mistake was told in a line on stderr."""
        assert self.status == status, self
        assert self.out == ""
        assert "Traceback" not in self.err
        told = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert self.err.splitlines() == told, self.err
        assert len(told) == 1
        assert words in told[0]

    def wrong_usage(self, words: str) -> None:
        """The usage was shown, and what is wrong with it."""
        assert self.status == 2, self
        assert self.out == ""
        assert "Traceback" not in self.err
        assert self.err.startswith("Usage: bioloc-cli")
        assert words in self.err


@pytest.fixture(autouse=True)
def _alone(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's repository or server is seen: the current folder is empty."""
    for name in ("BIOLOC_ROOT", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Callable[..., Called]:
    """Run a command in this process; what C++ writes is seen too."""

    def called(*arguments: Any) -> Called:
        capfd.readouterr()
        status = run([str(argument) for argument in arguments])
        return Called(status, *capfd.readouterr())

    return called


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An untrained model of each task, as package folders."""
    import torch

    from bioloc.inference.package import Package, save_package
    from bioloc.networks.network import Network, Spec

    folder = tmp_path_factory.mktemp("models")
    for task, pixel_mm, patch in (("pma", 6.4, 0), ("sfa", 6.4, 0), ("liver", 6.4, 0), ("cac", 2.4, 32)):
        torch.manual_seed(5)
        network = Network(Spec(task, "localizer", "test_resnet", (8, 8, 8, 8), 64, pixel_mm, patch))
        save_package(Package(network, 0.3), folder / task)
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two phantom patients of each task."""
    folder = tmp_path_factory.mktemp("phantoms")
    for task in ("pma", "cac", "liver"):
        assert run(["phantom", "--task", task, "--output", str(folder / task), "--seed", "3", "--patients", "2"]) == 0
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which nothing has run, as the current folder."""
    folder = tmp_path / "study"
    folder.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(REPOSITORY / name, folder / name)
    monkeypatch.chdir(folder)
    return folder
