"""What `make study` measured: ablations, learning curves and the like, from reports/study/*.json."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioloc.files import read_json
from bioloc.reporting.columns import Table
from bioloc.reporting.content import Json, as_dict
from bioloc.reporting.numbers import NOTHING, is_number, number, share
from bioloc.tasks import TASKS

TITLES = {
    "structures": "Structures of the network",
    "ablation": "Ablations: the localizer without one of its parts",
    "learning-curve": "Learning curves: how many training patients",
    "label-noise": "Noise on the known values",
    "seeds": "Spread between seeds",
    "regions": "Errors of the organ's region",
    "shift": "Another distribution than the training's",
}
X_LABELS = {"learning-curve": "training patients", "label-noise": "noise of the value (share)"}
_MEASURES = {"pearson_r": "r", "mae": "MAE", "dice": "Dice"}
_LOG_MEASURES = {"pearson_r_log1p": "r of log(1 + value)", "mae_log1p": "MAE of log(1 + value)", "dice": "Dice"}
_PLAIN = "results"


@dataclass(frozen=True)
class Trial:
    """One training of the study: what was changed, and the metrics on the test split.

    Attributes:
        task: The task's short name.
        method: The method's short name.
        variant: What was changed.
        x: How much of it, for curves; None where it is no amount.
        metrics: Metric by name.
    """

    task: str
    method: str
    variant: str
    x: float | None
    metrics: dict[str, float]


@dataclass(frozen=True)
class Study:
    """All trials that vary the same thing.

    Attributes:
        name: The kind of study.
        title: What it varies, and at which scale.
        machine: What it was made on, in words; empty where that is not told.
        trials: In the order of the file.
    """

    name: str
    title: str
    machine: str
    trials: list[Trial]

    @property
    def is_curve(self) -> bool:
        """Whether amounts were varied."""
        return any(trial.x is not None for trial in self.trials)

    def label(self, trial: Trial) -> str:
        """What a trial is called beside others; seeds of one method share a name."""
        return trial.method if self.name == "seeds" else trial.variant


def read_studies(folder: Path) -> tuple[list[Study], list[str]]:
    """The studies in every document of reports/study, and what could not be read."""
    studies: list[Study] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.json"), reverse=True):  # results, then at the paper's scale
        try:
            content = as_dict(read_json(path))
        except (OSError, ValueError) as error:
            problems.append(f"study/{path.name} cannot be read ({error}): run `make study` again")
            continue
        rows = content.get("rows")
        rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        if not rows:
            problems.append(f"study/{path.name} has no rows: run `make study` again")
        studies += _studies(
            rows, _machine(as_dict(content.get("machine"))), "" if path.stem == _PLAIN else f" ({path.stem} scale)"
        )
    return studies, problems


def measures(task: str) -> dict[str, str]:
    """The metrics that are shown of a task, and what they are called."""
    return _LOG_MEASURES if task in TASKS and TASKS[task].loss_space == "log1p" else _MEASURES


def study_table(study: Study) -> Table:
    """Mean and standard deviation over the trainings of each task, method and variant."""
    groups: dict[tuple[str, str, str, float | None], list[Trial]] = {}
    for trial in study.trials:
        variant = "all seeds" if study.name == "seeds" else trial.variant
        groups.setdefault((trial.task, trial.method, variant, trial.x), []).append(trial)
    rows = []
    for (task, method, variant, x), trials in groups.items():
        amount = [NOTHING if x is None else number(x)] if study.is_curve else []
        cells = [_spread(trials, name, share if name != "mae" else number) for name in measures(task)]
        rows.append([task, method, variant, *amount, str(len(trials)), *cells])
    headings = ["task", "method", "variant", *([X_LABELS.get(study.name, "amount")] if study.is_curve else []), "trainings"]
    machine = f" Made on: {study.machine}." if study.machine else ""
    caption = f"{study.title}, test split: mean, and where there are several trainings their standard deviation.{machine}"
    return Table([*headings, "r", "MAE", "Dice"], rows, caption)


def _studies(rows: list[Json], machine: str, suffix: str) -> Iterator[Study]:
    for name in dict.fromkeys(str(row.get("study")) for row in rows):
        trials = [
            Trial(
                task=str(row.get("task")),
                method=str(row.get("method")),
                variant=str(row.get("variant")),
                x=float(row["x"]) if is_number(row.get("x")) else None,
                metrics={key: float(value) for key, value in as_dict(row.get("metrics")).items() if is_number(value)},
            )
            for row in rows
            if str(row.get("study")) == name
        ]
        yield Study(name, TITLES.get(name, name) + suffix, machine, trials)


def _machine(found: Json) -> str:
    parts = [found.get("processor"), found.get("accelerator"), f"{found['threads']} threads" if "threads" in found else None]
    return ", ".join(str(part) for part in parts if part and part != "none")


def _spread(trials: list[Trial], name: str, as_text: Any) -> str:
    values = [trial.metrics[name] for trial in trials if name in trial.metrics]
    if not values:
        return NOTHING
    mean = as_text(statistics.mean(values))
    return mean if len(values) == 1 else f"{mean} ± {as_text(statistics.stdev(values))}"
