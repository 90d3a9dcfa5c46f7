"""Fit a package's certainty, and on request its value, on cases whose values are known."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioloc.calibration import Calibration, fit_interval, fit_novelty, try_line
from bioloc.calibration.conformal import LEAST_CASES
from bioloc.cohorts.manifest import read_manifest
from bioloc.errors import DataError, ManifestError
from bioloc.files import md5
from bioloc.inference.package import Package
from bioloc.prediction.batch import predicted
from bioloc.prediction.requests import Request, requests

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Predicted:
    """A manifest's cases with their predictions; those that failed have only a reason.

    Attributes:
        known: (N,) known values, in the task's unit.
        values: (N,) predicted values.
        features: (N, F) what the inputs are like.
        failed: Names and reasons of the others.
    """

    known: Numbers
    values: Numbers
    features: Numbers
    failed: dict[str, str]


def calibrate(package: Package, manifest: Path, recalibrate: bool, tell: Callable[[str], None]) -> tuple[Package, dict[str, Any]]:
    """The package calibrated on a manifest's cases, all splits of it, and a summary as JSON content; see `fit_to`.

    Args:
        package: The model.
        manifest: Cases with known values.
        recalibrate: Whether the value may be corrected.
        tell: Called with a line for each case.

    Raises:
        ManifestError: The manifest cannot be used, or a case has no value.
        DataError: Fewer than 10 cases can be predicted, or with `recalibrate` have a predicted value above 0.
    """
    if recalibrate:
        package = replace(package, calibration=replace(package.calibration, line=None))
    return fit_to(package, _predict(package, manifest, tell), manifest, recalibrate)


def fit_to(package: Package, cases: Predicted, manifest: Path, recalibrate: bool) -> tuple[Package, dict[str, Any]]:
    """The package calibrated on cases that it predicted, and a summary as JSON content.

    Interval and novelty are fitted anew; the interval keeps the difficulty that the package has. With
    `recalibrate` an earlier correction is given up and a new one tried; the interval is then of values that were
    corrected without the case itself (the jackknife; Barber et al., Ann Stat 49:486, 2021).

    Args:
        package: The model, with `recalibrate` one without a correction.
        cases: Its predictions of the manifest's cases.
        manifest: The manifest, whose digest names the cohort.
        recalibrate: Whether the value may be corrected.

    Raises:
        DataError: Fewer than 10 cases could be predicted, or with `recalibrate` have a predicted value above 0.
    """
    task, digest = package.network.task, md5(manifest)
    _check(cases, manifest, recalibrate)
    trial = try_line(task, cases.known, cases.values, digest) if recalibrate else None
    line, values = package.calibration.line, cases.values
    if trial is not None and trial.kept:
        line, values = trial.line, trial.held_out
    before = package.calibration.interval
    interval = fit_interval(task, cases.known, values, digest, None if before is None else before.difficulty)
    calibration = Calibration(interval, fit_novelty(cases.features, digest), line)
    summary = {
        "n_cases": len(cases.known),
        "failed": [{"case_id": case_id, "error": reason} for case_id, reason in cases.failed.items()],
        "unit": task.unit,
        **_told(calibration, values),
        "recalibration": None if trial is None else {**trial.line.to_dict(), "kept": trial.kept},
    }
    return replace(package, calibration=calibration), summary


def _predict(package: Package, manifest: Path, tell: Callable[[str], None]) -> Predicted:
    task, known, failed = package.network.task, _known_values(package, manifest), {}
    found: list[tuple[float, float, Numbers]] = []
    todo: list[Request] = requests([manifest], None, None, task)
    with closing(predicted(package, todo, force=False)) as steps:
        for request, _, network in steps:
            if network.failure is not None:
                failed[request.case_id] = network.failure
                tell(f"{request.case_id}: failed: {network.failure}")
                continue
            prediction, value = network.result, known[request.case_id]
            found.append((value, prediction.value, prediction.features))
            tell(f"{request.case_id}: {prediction.value:.2f} {task.unit} (known {value:.2f})")
    known_values, values = (np.array([row[at] for row in found], np.float64) for at in (0, 1))
    return Predicted(known_values, values, np.array([row[2] for row in found], np.float64), failed)


def _known_values(package: Package, manifest: Path) -> dict[str, float]:
    values: dict[str, float] = {}
    for case in read_manifest(manifest, package.network.task):
        if case.value is None:
            raise ManifestError(
                f"{manifest}: case {case.case_id} has no value, and a calibration compares with known ones: "
                "measure it first (`bioloc-cli measure`), or take the row out"
            )
        values[case.case_id] = case.value
    return values


def _check(cases: Predicted, manifest: Path, recalibrate: bool) -> None:
    usable, failures = len(cases.known), list(cases.failed.items())
    if usable < LEAST_CASES:
        first = f" (the first that failed is {failures[0][0]}: {failures[0][1]})" if failures else ""
        raise DataError(
            f"{manifest}: {usable} of {usable + len(failures)} cases can be predicted, and a calibration needs "
            f"at least {LEAST_CASES}: add cases{first}"
        )
    above = int((cases.values > 0).sum())
    if recalibrate and above < LEAST_CASES:
        raise DataError(
            f"{manifest}: {above} cases have a predicted value above 0, and --recalibrate needs at least {LEAST_CASES}: "
            "add cases, or leave --recalibrate out"
        )


def _told(calibration: Calibration, values: Numbers) -> dict[str, Any]:
    """What a person wants to know of interval and novelty."""
    if calibration.interval is None or calibration.novelty is None:
        raise ValueError("both are there with 10 cases")
    low, high = calibration.interval.bounds(values)
    interval = {"level": calibration.interval.level, "cases": calibration.interval.cases}
    return {
        "interval": {**interval, "median_width": float(np.median(high - low))},
        "novelty": {"limit": calibration.novelty.limit, "cases": calibration.novelty.cases},
    }
