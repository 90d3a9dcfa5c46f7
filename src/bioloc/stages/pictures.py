"""Pictures of single cases, for the stages `evaluate` (one method) and `compare` (all of them side by side)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioloc.cohorts.load import Cohort, ReferenceMasks
from bioloc.evaluation.cases import predict_native
from bioloc.inference.package import Package, load_package
from bioloc.methods import METHODS
from bioloc.project import Project
from bioloc.reporting.beside import Beside, side_by_side
from bioloc.reporting.numbers import is_number, number, share
from bioloc.reporting.panels import Picture
from bioloc.tasks import Task

_TYPICAL = 4
_JUDGED = "localizer"
"""The method whose largest error is shown."""


def typical_cases(test: pd.DataFrame) -> list[Any]:
    """Rows spread over the values that are not 0: the picture shows neither the best nor the worst."""
    there = test[test["value"] > 0].sort_values("value")
    places = np.linspace(0.2, 0.95, _TYPICAL) * (len(there) - 1)
    return [there.index[round(place)] for place in places] if len(there) else []


def picture(task: Task, package: Package, cohort: Cohort, at: int, masks: ReferenceMasks) -> Picture:
    """A case with what a package finds in it, on the slice with most of the reference; without one, of the mask."""
    row = cohort.table.iloc[at]
    value, native, mask = predict_native(package, cohort, at)
    reference = masks.mask(str(row["case_id"]), cohort.shape(at))
    best = _fullest(mask if reference is None else reference)
    title = f"{row['case_id']}: {value:.1f} {task.unit} (known {row['value']:.1f})"
    return _picture(task, cohort, at, best, native, mask, reference, title)


def draw_side_by_side(
    project: Project, task: Task, cohort: Cohort, masks: ReferenceMasks, tables: dict[str, pd.DataFrame]
) -> None:
    """Draw reports/comparison/<task>.png: the same cases for all methods, the localizer's worst among them.

    Args:
        project: Where the packages lie.
        task: The biomarker.
        cohort: The cases of the tables, in their order.
        masks: References; a case may have none.
        tables: Predictions of each method; the values in the panels are theirs.
    """
    packages = {name: load_package(project.model(task.name, name) / "package") for name in tables}
    judged = tables[_JUDGED]
    worst = (judged["predicted"] - judged["value"]).abs().idxmax()
    chosen = dict.fromkeys(typical_cases(judged), "") | {worst: f", WORST: largest absolute error of the {_JUDGED}"}
    cases = [_beside(task, packages, cohort, int(at), masks, tables, why) for at, why in chosen.items()]
    side_by_side(cases, project.comparison(task.name).with_suffix(".png"))


def _beside(
    task: Task,
    packages: dict[str, Package],
    cohort: Cohort,
    at: int,
    masks: ReferenceMasks,
    tables: dict[str, pd.DataFrame],
    why: str,
) -> Beside:
    row = cohort.table.iloc[at]
    found = {name: predict_native(package, cohort, at)[1:] for name, package in packages.items()}
    reference = masks.mask(str(row["case_id"]), cohort.shape(at))
    best = _fullest(found[_JUDGED][1] if reference is None else reference)
    pictures = {
        _heading(name): _picture(task, cohort, at, best, native, mask, reference, _numbers(task, tables[name].loc[at]))
        for name, (native, mask) in found.items()
    }
    return Beside(f"{row['case_id']}, known {number(float(row['value']))} {task.unit}{why}", pictures)


def _heading(name: str) -> str:
    return f"{name} (CAM)" if METHODS[name].output == "value" else name


def _numbers(task: Task, row: Any) -> str:
    """The value that a method predicted, and the case's Dice."""
    dice = row.get("dice")
    return f"{number(float(row['predicted']))} {task.unit}" + (f", Dice {share(float(dice))}" if is_number(dice) else "")


def _fullest(mask: NDArray[np.bool_]) -> int:
    return int(np.argmax(mask.sum(axis=(1, 2))))


def _picture(
    task: Task,
    cohort: Cohort,
    at: int,
    best: int,
    native: NDArray[np.float32],
    mask: NDArray[np.bool_],
    reference: NDArray[np.bool_] | None,
    title: str,
) -> Picture:
    sample, placement = cohort.sample(at), cohort.placement(at)
    return Picture(
        hu=np.rint(placement.upsample(sample.hu[best : best + 1] + np.float32(1024))[0] - 1024).astype(np.int16),
        spacing_mm=cohort.spacing_mm(at)[1:],
        map=native[best],
        mask=mask[best],
        reference=None if reference is None else reference[best],
        window=task.windows[0],
        title=title,
    )
