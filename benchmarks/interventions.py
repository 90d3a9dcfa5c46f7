"""Does the prediction follow the cause? Pairs of phantom patients that differ only in the target or only in a distractor.

    python benchmarks/interventions.py [PAIRS] [--shift]

The slope of the predicted against the true change should be 1 for the target and 0 for the distractor. Champions of the
registry are used; the patients are drawn from a seed that the study never uses.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from bioloc.biomarkers.candidates import pixel_worth
from bioloc.cohorts.build import place_scan
from bioloc.cohorts.phantom_cohort import Order
from bioloc.files import write_json
from bioloc.inference.package import Package, load_package
from bioloc.inference.scan import predict_scan
from bioloc.params import Grid
from bioloc.phantoms.patient import Change, Patient
from bioloc.project import Project
from bioloc.tasks import TASKS, Task
from bioloc.tracking.address import resolve

SEED = 990_017
AREA_TASKS = ("pma", "sfa", "liver")


def main() -> None:
    """Measure and print both slopes for every area task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=int, nargs="?", default=64)
    parser.add_argument("--shift", action="store_true", help="patients and scanners of the shift cohort")
    options = parser.parse_args()
    project = Project.find()
    found = {}
    for name in AREA_TASKS:
        folder, uri = resolve(project.root, name, None)
        package = load_package(folder)
        split = "shift" if options.shift else "test"
        rows = [pair(package, TASKS[name], split, number) for number in range(options.pairs)]
        found[name] = {"model": uri, "pairs": options.pairs, "target": slope(rows, 0), "distractor": slope(rows, 1)}
        print(f"{name:6} target slope {found[name]['target'][0]:.3f} (95 % {_span(found[name]['target'])})", end="  ")
        print(f"distractor slope {found[name]['distractor'][0]:.3f} (95 % {_span(found[name]['distractor'])})")
    write_json(project.root / "benchmarks" / f"interventions{'-shift' if options.shift else ''}.json", found)


def pair(package: Package, task: Task, split: str, number: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """(true change, predicted change) for the target scaled by 1.2, and for the distractor scaled by 1.2."""
    order = Order(task, SEED, split, number)
    plain, value = order.draw()
    target, bigger = replace(order, change=Change(target=1.2)).draw()
    other, _ = replace(order, change=Change(distractor=1.2)).draw()
    before = predicted(package, task, plain)
    grown = distractor_value(task, other) - distractor_value(task, plain)
    return (bigger - value, predicted(package, task, target) - before), (grown, predicted(package, task, other) - before)


def predicted(package: Package, task: Task, patient: Patient) -> float:
    """The package's value for a drawn patient."""
    grid = Grid(size=package.spec.size, pixel_mm=package.spec.pixel_mm, patch=package.spec.patch)
    return predict_scan(package, place_scan(task, grid, patient.hu, patient.spacing_mm, patient.region)).value


def distractor_value(task: Task, patient: Patient) -> float:
    """The distractor's area in the task's unit."""
    return 0.0 if patient.distractor is None else float(patient.distractor.sum()) * pixel_worth(task, patient.spacing_mm)


def slope(rows: list[tuple[tuple[float, float], tuple[float, float]]], which: int) -> tuple[float, float, float]:
    """Least-squares slope through the origin of predicted on true changes, with its bootstrap interval."""
    changes = np.array([row[which] for row in rows])
    draws = np.random.default_rng(0).integers(0, len(changes), (2000, len(changes)))
    samples = [_through_origin(changes[draw]) for draw in draws]
    low, high = np.nanpercentile(samples, [2.5, 97.5])
    return _through_origin(changes), float(low), float(high)


def _through_origin(changes: np.ndarray) -> float:
    true, seen = changes[:, 0], changes[:, 1]
    return float((true * seen).sum() / (true**2).sum()) if (true**2).sum() > 0 else float("nan")


def _span(found: tuple[float, float, float]) -> str:
    return f"{found[1]:.3f} to {found[2]:.3f}"


if __name__ == "__main__":
    main()
