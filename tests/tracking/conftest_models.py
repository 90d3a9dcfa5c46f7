"""Models with real packages to promote, made of nothing, and the processes that promote them."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from bioloc.files import md5, write_json
from bioloc.inference.package import Package, save_package
from bioloc.networks.network import Network, Spec
from bioloc.project import Project
from bioloc.tracking.store import open_store

PASSED = [{"gate": "pearson_r", "passed": True, "detail": "0.95 >= 0.9"}]


def make_model(root: Path, task="liver", method="localizer", seed=0, error=1.0) -> str:
    """Write models/<task>/<method> as training does; its facts carry the error that `gate_table` gives it."""
    project = Project(root)
    torch.manual_seed(seed)
    patch = 16 if task == "cac" else 0
    network = Network(Spec(task, method, "test_resnet", (8, 8, 8, 8, 8), 32, 8.0, patch))
    folder = project.model(task, method)
    save_package(Package(network, 0.5, {"error": error}), folder / "package")
    run_key = md5(folder / "package")[:16]
    run = {
        "run_key": run_key,
        "task": task,
        "method": method,
        "supervision": "mask" if method == "segmenter" else "value",
        "created": "2026-11-24T01:00:00+00:00",
        "git_commit": "0" * 40,
        "seconds": 12.5,
        "params": {"seed": seed, "training": {"encoder": "test_resnet", "augment": {"flip": True}}},
        "data": {"cohort_md5": "a" * 32, "candidates_md5": "b" * 32, "validation_success": True},
        "best": {"val_value_error": 0.5, "step": 2},
        "threshold": 0.5,
        "environment": {"torch": "2", "threads": 1},
    }
    write_json(folder / "run.json", run)
    history = pd.DataFrame({"step": [1, 2], "images": [8, 16], "val_value_error": [0.7, 0.5], "value_loss": [1.0, np.nan]})
    history.to_csv(folder / "history.csv", index=False)
    return run_key


def make_evaluation(root: Path, run_key: str, task="liver", method="localizer") -> None:
    """Write reports/evaluation/<task>/<method> for a model."""
    folder = Project(root).evaluation(task, method)
    metrics = {
        "pearson_r": {"value": 0.95, "ci_low": 0.9, "ci_high": 0.97},
        "dice": {"value": None, "ci_low": None, "ci_high": None},
    }
    write_json(folder / "metrics.json", {"run_key": run_key, "splits": {"test": {"metrics": metrics}}})
    (folder / "scatter.png").write_bytes(b"png")


def gate_table(package: Path) -> pd.DataFrame:
    """Predictions with the error that the package's facts name."""
    from bioloc.files import read_json

    known = np.arange(30.0)
    predicted = known + read_json(package / "model.json")["facts"]["error"] * (1 + 0.01 * np.sin(known))
    cases = [f"case-{number}" for number in range(30)]
    return pd.DataFrame({"case_id": cases, "patient_id": cases, "value": known, "predicted": predicted})


def promote_killed_at(root: Path, method: str, step: str) -> None:
    """In a process of its own: promote, and die after `step`."""
    from bioloc.tracking.registry import promote

    os.environ["BIOLOC_KILL_AT"] = step
    answer = promote(root, "liver", method, PASSED, gate_table, 100)
    (root / f"{method}.answer").write_text(answer["decision"])


def open_fresh(root: Path) -> None:
    """In a process of its own: create the store."""
    from bioloc.tracking.store import experiment

    experiment(open_store(root), root, "sfa")


def start(target, *arguments):
    """A new process that has what is slow to import already, but no connection of this one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlflow", "mlflow.pyfunc", "bioloc.tracking.registry"])
    process = context.Process(target=target, args=arguments)
    process.start()
    return process
