"""Cross-validation by patient: each patient's value is predicted by a model that never saw that patient."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bioloc.cohorts.load import Opener, ReferenceMasks
from bioloc.errors import UsageError
from bioloc.evaluation.cases import predict_cohort, summary
from bioloc.evaluation.honesty import honesty_rows
from bioloc.files import folder_written_aside, md5, read_json, read_table, to_json, write_json, written_aside
from bioloc.methods import Method
from bioloc.params import Params
from bioloc.project import Project
from bioloc.stages.folds import HELD_OUT, Roles, fold_roles, opener_of
from bioloc.stages.processor import settle
from bioloc.stages.train import cohort_opener, sound_data
from bioloc.tasks import Task

if TYPE_CHECKING:
    from bioloc.training.start import Start

POOLED = ("train", "val", "gate")
"""The splits whose patients are dealt into folds; `test` and `shift` stay unseen, for the model that is made in the end."""
FEWEST_PATIENTS = 10
Json = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """A cross-validation.

    Attributes:
        project: Where things are.
        params: All parameters; every fold is trained as they say.
        task: The biomarker.
        method: The method.
        folds: How many.
        output: Where predictions, metrics and the folds' own results go.
        start: The model whose weights are each fold's first ones; random weights without it.
    """

    project: Project
    params: Params
    task: Task
    method: Method
    folds: int
    output: Path
    start: Start | None = None

    @property
    def opener(self) -> Opener:
        """Opens splits of the prepared cohort."""
        return cohort_opener(self.project, self.params, self.task)

    def masks(self) -> ReferenceMasks | None:
        """The references, where there are any; a segmenter cannot do without."""
        folder = self.project.masks(self.task.name)
        return ReferenceMasks(folder) if (folder / "masks.csv").is_file() or self.method.supervision == "mask" else None

    def settings(self, data: Json) -> Json:
        """All that a fold's result hangs on, beside the code."""
        section, masks = self.params.task(self.task.name), self.project.masks(self.task.name)
        return {
            "task": self.task.name,
            "method": self.method.name,
            "seed": self.params.seed,
            "threads": self.params.threads,
            "precision": self.params.precision,
            "grid": section.grid.model_dump(mode="json"),
            "training": section.training.model_dump(mode="json"),
            "data": data,
            "masks_md5": md5(masks) if masks.is_dir() else None,
            "started_from": None if self.start is None else self.start.facts,
        }


def cross_validate(plan: Plan, tell: Callable[[str], None]) -> Json:
    """Write predictions.csv and metrics.json to the plan's folder and return the latter's content.

    A fifth of the patients that a fold may see chooses its checkpoint and threshold. Folds that are there are kept, and a
    killed one goes on from its last check. `tell` takes a line on each.

    Raises:
        UsageError: There are too few patients, the folder is in use for something else, or the model to start from does
            not fit or was trained on this very cohort.
        GateError: The data validation had a critical failure.
        DataError: A stage before this one has not run, or the segmenter lacks a mask.
    """
    settle(plan.params)
    data = sound_data(plan.project, plan.task)
    if plan.start is not None:
        _check_start(plan, plan.start, data["cohort_md5"])
    data["cross_validation"] = {"folds": plan.folds, "pooled": list(POOLED)}
    roles = _roles(plan)
    masks = plan.masks()
    _claim(plan.output, plan.settings(data))
    for fold, part in enumerate(roles):
        there = _folder(plan, fold).is_dir()
        counts = [f"{list(part.values()).count(role)} {role}" for role in ("train", "val", HELD_OUT)]
        tell(f"fold {fold + 1} of {plan.folds}: {'is there' if there else ', '.join(counts) + ' patients'}")
        if not there:
            _make_fold(plan, fold, opener_of(plan.opener, POOLED, part), masks, {**data, "fold": fold})
    return _collected(plan, roles)


def _check_start(plan: Plan, start: Start, cohort_md5: str) -> None:
    from bioloc.training.start import check_start
    from bioloc.training.train import spec_of

    check_start(start, spec_of(plan.task, plan.method, plan.params.task(plan.task.name)))
    if cohort_md5 in start.facts["cohorts"]:
        raise UsageError(
            f"{start.uri} was trained on this very cohort, so it knows patients that would be held out: "
            "give --init a model of another cohort, or leave it out"
        )


def _roles(plan: Plan) -> list[Roles]:
    table = plan.opener(list(POOLED)).table
    count = int(table["patient_id"].nunique())
    if count < max(plan.folds, FEWEST_PATIENTS):
        raise UsageError(
            f"{plan.task.name} has {count} patients in {', '.join(POOLED)}, too few to cross-validate in {plan.folds} folds: "
            f"it takes {FEWEST_PATIENTS} at least, and as many as folds"
        )
    return fold_roles(table, plan.folds, plan.params.seed)


def _claim(output: Path, settings: Json) -> None:
    """Make the folder this cross-validation's; one of the same settings is taken up."""
    path = output / "run.json"
    if path.is_file():
        if (output / "folds").is_dir() and to_json(read_json(path)) != to_json(settings):
            raise UsageError(
                f"{output} holds a cross-validation of another cohort or with other settings: "
                "choose another --output, or remove that folder"
            )
    elif output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"--output {output} exists and is not an empty folder: choose another one for the cross-validation")
    write_json(path, settings)


def _folder(plan: Plan, fold: int) -> Path:
    return plan.output / "folds" / str(fold)


def _make_fold(plan: Plan, fold: int, opener: Opener, masks: ReferenceMasks | None, facts: Json) -> None:
    """Train and predict one fold; its folder is whole or absent."""
    from bioloc.training.train import train

    begun = time.perf_counter()
    checkpoint = plan.project.state / "checkpoints" / f"fold-{plan.task.name}-{plan.method.name}-{fold}"
    given = masks if plan.method.supervision == "mask" else None
    trained = train(plan.task, plan.method, plan.params, opener, given, checkpoint, facts, plan.start)
    table = predict_cohort(trained.package, opener([HELD_OUT]), masks)
    with folder_written_aside(_folder(plan, fold)) as aside:
        _write_table(table, aside / "predictions.csv")
        record = {
            "fold": fold,
            **{f"{role}_patients": int(opener([role]).table["patient_id"].nunique()) for role in ("train", "val")},
            "best": trained.best,
            "threshold": trained.package.threshold,
            "seconds": round(time.perf_counter() - begun, 1),
        }
        write_json(aside / "fold.json", record)
    shutil.rmtree(checkpoint, ignore_errors=True)


def _collected(plan: Plan, roles: list[Roles]) -> Json:
    """All folds in one table, its metrics, and those of the rows that need no network, on the same folds."""
    tables = [read_table(_folder(plan, fold) / "predictions.csv").assign(fold=fold) for fold in range(plan.folds)]
    whole = pd.concat(tables, ignore_index=True)
    with written_aside(plan.output / "predictions.csv") as aside:
        _write_table(whole, aside)
    content = {
        "task": plan.task.name,
        "method": plan.method.name,
        "supervision": plan.method.supervision,
        "folds": plan.folds,
        "pooled": list(POOLED),
        "started_from": None if plan.start is None else plan.start.facts,
        **summary(plan.task, whole, plan.params.bootstrap),
        "without_network": _without_network(plan, roles),
        "by_fold": [
            {
                **read_json(_folder(plan, fold) / "fold.json"),
                "n_patients": int(table["patient_id"].nunique()),
                "mae": float((table["predicted"] - table["value"]).abs().mean()),
            }
            for fold, table in enumerate(tables)
        ],
    }
    write_json(plan.output / "metrics.json", content)
    return content


def _without_network(plan: Plan, roles: list[Roles]) -> Json:
    """What a model must beat: metrics of the training mean and of the linear rows, out of fold too."""
    found: dict[str, list[pd.DataFrame]] = {}
    for part in roles:
        opener = opener_of(plan.opener, POOLED, part)
        for name, table in honesty_rows(opener(["train"]), opener([HELD_OUT]), None).items():
            found.setdefault(name, []).append(table)
    wholes = {name: pd.concat(tables, ignore_index=True) for name, tables in found.items()}
    return {name: summary(plan.task, whole, plan.params.bootstrap)["metrics"] for name, whole in wholes.items()}


def _write_table(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n", float_format="%.6g")
