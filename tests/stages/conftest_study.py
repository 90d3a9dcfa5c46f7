"""A study small enough for a test: the repository's own dvc.yaml, cut to some tasks, with few patients and a tiny network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from bioloc.files import write_json
from bioloc.params import read_params
from bioloc.project import Project
from bioloc.stages.data import make_candidates, make_cohort
from bioloc.stages.raw import make_raw
from bioloc.tasks import get_task

REPOSITORY = Path(__file__).parents[2]
PATIENTS = {"train": 12, "val": 4, "gate": 5, "test": 5, "shift": 3}


def small_params(tasks: list[str]) -> dict:
    content = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    content |= {"bootstrap": 50, "tasks": {name: content["tasks"][name] for name in tasks}}
    for section in content["tasks"].values():
        section["patients"] = dict(PATIENTS)
        section["grid"] = {**section["grid"], "size": 84, "pixel_mm": section["grid"]["pixel_mm"] * 1.8}
        section["training"] = {
            **section["training"],
            "encoder": "test_resnet",
            "decoder_channels": [16, 8, 8, 8],
            "images_seen": 48,
            "batch_size": 4,
            "checks": 3,
        }
        section["gates"] = {**section["gates"], "minimum": -1.0, "mae_below_mean_row": False}
    return content


def small_dag(tasks: list[str]) -> dict:
    content = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())
    content.pop("artifacts")
    for stage in content["stages"].values():
        each = stage.get("foreach")
        if isinstance(each, list):
            stage["foreach"] = [name for name in each if name in tasks]
        elif isinstance(each, dict):
            stage["foreach"] = {key: item for key, item in each.items() if item["task"] in tasks}
    left_out = {"pma", "sfa", "cac", "liver"} - set(tasks)
    report = content["stages"]["report"]
    report["deps"] = [dep for dep in report["deps"] if left_out.isdisjoint({*Path(dep).parts, Path(dep).stem})]
    return content


def make_study(root: Path, tasks: list[str]) -> Path:
    root.mkdir(parents=True)
    (root / "params.yaml").write_text(yaml.safe_dump(small_params(tasks)))
    (root / "dvc.yaml").write_text(yaml.safe_dump(small_dag(tasks), sort_keys=False))
    shutil.copytree(REPOSITORY / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(REPOSITORY / ".dvcignore", root / ".dvcignore")
    return root


def run(root: Path, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A program of this environment, run in the study; what MLflow variables this process has stay out of it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "BIOLOC_", "DVC_"))}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}",
        "PYTHONPATH": str(root / "src"),
        "DVC_NO_ANALYTICS": "1",
        "GIT_AUTHOR_NAME": "test",
        "GIT_AUTHOR_EMAIL": "test@example.org",
        "GIT_COMMITTER_NAME": "test",
        "GIT_COMMITTER_EMAIL": "test@example.org",
    }
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False
    )
    assert not check or done.returncode == 0, (
        f"{command} ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    )
    return done


def prepare(root: Path, task_name: str, patients: dict[str, int], **training: Any) -> Project:
    """A study of one task whose cohort is ready to train on, in this process; it has no mask."""
    task, content = get_task(task_name), small_params([task_name]) | {"threads": 1}
    section = content["tasks"][task_name]
    section["grid"] |= {"size": 63, "pixel_mm": 6.6}
    section["training"] |= {"images_seen": 24, "batch_size": 2, "checks": 2, **training}
    section["patients"] = patients
    root.mkdir(parents=True, exist_ok=True)
    (root / "params.yaml").write_text(yaml.safe_dump(content))
    (root / "dvc.yaml").write_text("stages: {}\n")
    project, params = Project(root), read_params(root)
    make_raw(project, params, task)
    shutil.rmtree(project.raw(task_name) / "masks")
    manifest = pd.read_csv(project.raw(task_name) / "manifest.csv").drop(columns="mask")
    manifest.to_csv(project.raw(task_name) / "manifest.csv", index=False)
    make_cohort(project, params, task)
    make_candidates(project, params, task)
    write_json(project.validation(task_name), {"success": True})
    return project
