"""Does a model do on freshly drawn phantoms what the test split said? `predict` on a cohort of another seed.

    python benchmarks/fresh.py [--task pma ...] [--patients N] [--seed N] [--cohorts DIR] [--package FOLDER]

All four tasks, 96 patients (cac 80), unless told otherwise; --only-draw draws the cohorts and ends. r, mean error and Dice
stand in benchmarks/fresh.json beside those of reports/evaluation/<task>/localizer/metrics.json, and whether they lie
within the test split's intervals.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from common import WORKERS, asked_of, cohort, ended, machine, run_key

from bioloc.errors import UsageError
from bioloc.files import read_json, write_json
from bioloc.params import read_params
from bioloc.prediction.fresh import beside_test
from bioloc.prediction.known import predict_known
from bioloc.project import Project
from bioloc.tasks import TASKS, Task

PATIENTS = {"cac": 80}
USUALLY = 96
SEED = 870_001
"""The study never uses it."""


def main() -> None:
    """Draw, predict, and write benchmarks/fresh.json."""
    options = arguments()
    project = Project.find()
    tasks, folders = asked_of(options, project, TASKS)
    output = options.output or project.root / "benchmarks" / "fresh.json"
    for task in tasks:
        count = options.patients or PATIENTS.get(task.name, USUALLY)
        manifest = cohort(options.cohorts or project.state / "cohorts", task, options.seed, count)
        if options.only_draw:
            print(f"{task.name}: {manifest.parent}")
            continue
        row = {"seed": options.seed, **measured(project, task, folders[task.name], manifest)}
        content = read_json(output) if output.is_file() else {}
        write_json(output, {**content, task.name: row})
        print(f"{task.name}: {told(row)}")


def measured(project: Project, task: Task, folder: Path, manifest: Path) -> dict[str, Any]:
    """What is written of one task."""
    evaluated = project.evaluation(task.name, "localizer") / "metrics.json"
    if not evaluated.is_file():
        raise UsageError(f"{evaluated} is missing: run `dvc repro evaluate@{task.name}-localizer`")
    metrics, key = read_json(evaluated), run_key(folder)
    table = predict_known(folder, manifest, WORKERS, masks=True)
    found = beside_test(task, table, metrics["splits"]["test"]["metrics"], read_params(project.root).bootstrap)
    return {"run_key": key, "test_is_of_this_model": metrics["run_key"] == key, **found, "machine": machine(project)}


def told(row: dict[str, Any]) -> str:
    """A task's row in a line."""
    parts = [
        f"{name} {found['fresh']['value']:.3f} ({'inside' if found['inside'] else 'outside'} "
        f"{found['test']['ci_low']:.3f} to {found['test']['ci_high']:.3f})"
        for name, found in row["metrics"].items()
    ]
    other = "" if row["test_is_of_this_model"] else "; the test split's numbers are of ANOTHER model"
    return ", ".join(parts) + other


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", action="append", metavar="TASK", help="may be given more than once")
    parser.add_argument("--patients", type=int, metavar="N", help="of each task")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="of the patients")
    parser.add_argument("--cohorts", type=Path, metavar="DIR", help="where the cohorts lie; .bioloc/cohorts, if not given")
    parser.add_argument("--package", type=Path, metavar="FOLDER", help="the champion or what was trained last, if not given")
    parser.add_argument("--output", type=Path, metavar="FILE", help="benchmarks/fresh.json, if not given")
    parser.add_argument("--only-draw", action="store_true", help="draw the cohorts and end")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(ended(main))
