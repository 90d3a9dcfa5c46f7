"""What the notebooks' tests share: how one is run, and a study that is small enough to run them in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from nbclient import NotebookClient

from bioloc.files import md5, write_json
from bioloc.inference.package import Package, save_package
from bioloc.networks.network import Network, Spec
from bioloc.project import Project
from bioloc.tracking.runs import record_run

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def run_notebook(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Path], str]:
    """Runs a notebook from its first cell to its last in a study; gives what it printed."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)

    def run(name: str, root: Path = REPOSITORY) -> str:
        monkeypatch.setenv("BIOLOC_ROOT", str(root))
        notebook = nbformat.read(REPOSITORY / "notebooks" / f"{name}.ipynb", as_version=4)
        assert all(not cell.get("outputs") for cell in notebook.cells), "committed without outputs"
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(REPOSITORY / "notebooks")}}).execute()
        return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))

    return run


@pytest.fixture(scope="session")
def tiny_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one task with two untrained models, evaluated by made-up numbers and recorded in MLflow."""
    root = tmp_path_factory.mktemp("notebooks") / "study"
    root.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(REPOSITORY / name, root / name)
    for number, method in enumerate(("localizer", "regressor")):
        _make_model(root, "pma", method, number)
    return root


def _make_model(root: Path, task: str, method: str, number: int) -> None:
    project = Project(root)
    torch.manual_seed(number)
    folder = project.model(task, method)
    save_package(Package(Network(Spec(task, method, "test_resnet", (8, 8, 8, 8, 8), 64, 7.0, 0)), 0.5), folder / "package")
    key = md5(folder / "package")[:16]
    described = {"task": task, "method": method, "supervision": "value", "run_key": key, "git_commit": "0" * 40}
    write_json(folder / "run.json", described | {"created": "2026-11-24T01:00:00+00:00", "seconds": 1.5, "params": {"seed": 1}})
    history = pd.DataFrame({"step": [1, 2], "val_value_error": [0.875, 0.625], "value_loss": [1.0, np.nan]})
    history.to_csv(folder / "history.csv", index=False)
    metrics = {name: {"value": 0.5 + 0.25 * number} for name in ("pearson_r", "mae", "dice")}
    write_json(project.evaluation(task, method) / "metrics.json", {"run_key": key, "splits": {"test": {"metrics": metrics}}})
    assert record_run(root, task, method)
