"""Rows of the study grid as runs in MLflow: numbers only, no model."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bioloc.files import to_json
from bioloc.tracking.store import experiment, locked, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

ROW_KEY = "bioloc.study_row"
_MOST = 5000


def record_rows(root: Path, rows: list[dict[str, Any]], profile: str) -> int:
    """Record the rows that are not there yet, each in its task's experiment, and return how many these were.

    Args:
        root: The repository.
        rows: What the files of study/results hold.
        profile: Which size of the study they are of.
    """
    added = 0
    with locked(root):
        client = open_store(root)
        for task, group in groupby(sorted(rows, key=lambda row: str(row["task"])), key=lambda row: str(row["task"])):
            number = experiment(client, root, task)
            there = _recorded(client, number)
            for row in group:
                key = hashlib.md5(to_json(row).encode(), usedforsecurity=False).hexdigest()[:16]
                if key not in there:
                    _record(client, number, row, {ROW_KEY: key, "profile": profile})
                    added += 1
    return added


def _recorded(client: MlflowClient, experiment_id: str) -> set[str]:
    runs = client.search_runs([experiment_id], filter_string=f"tags.`{ROW_KEY}` LIKE '%'", max_results=_MOST)
    return {run.data.tags[ROW_KEY] for run in runs if run.info.status == "FINISHED"}


def _record(client: MlflowClient, experiment_id: str, row: dict[str, Any], tags: dict[str, str]) -> None:
    from mlflow.entities import Metric, Param

    names = ("study", "task", "method", "variant")
    end = round(1000 * datetime.fromisoformat(row["created"]).timestamp())
    start = end - round(1000 * row["seconds"])
    described = {name: str(row[name]) for name in names} | {"git_commit": row["git_commit"] or "", "mlflow.source.name": "bioloc"}
    created = client.create_run(experiment_id, start, {**described, **tags}, f"{row['method']}, {row['variant']}")
    changes = {**row["changes"], **row["changes"].get("training", {})}
    params = {"seed": row["seed"], "x": row["x"], **{name: value for name, value in changes.items() if name != "training"}}
    client.log_batch(
        created.info.run_id,
        metrics=[
            Metric(name, float(value), end, 0)
            for name, value in {**row["metrics"], "seconds": row["seconds"]}.items()
            if value is not None and math.isfinite(value)
        ],
        params=[Param(name, str(value)) for name, value in params.items() if value is not None],
    )
    client.set_terminated(created.info.run_id, "FINISHED", end_time=end)
