"""Do the intervals hold what they promise? A package is calibrated on phantoms and judged on others that it never saw.

    python benchmarks/coverage.py --task pma [--calibrate 500] [--fresh 1000] [--seed N] [--cohorts DIR] [--package FOLDER]

Without --task the three area tasks follow each other. Both cohorts are drawn as `bioloc-cli phantom` draws them, the second
from the next seed, unless they lie in DIR already; --only-draw ends there. The package is then calibrated by the code of
`bioloc-cli calibrate`, and the fresh cases are predicted by that of `bioloc-cli predict`, without writing maps. The task's
part of benchmarks/coverage.json is replaced: docs/uncertainty.md tells of it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import WORKERS, asked_of, cohort, ended, machine, run_key

from bioloc.files import read_json, write_json
from bioloc.inference.package import load_package, save_package
from bioloc.params import read_params
from bioloc.prediction.calibrate import fit_to
from bioloc.prediction.fresh import measure_coverage
from bioloc.prediction.known import as_cases, predict_known
from bioloc.project import Project
from bioloc.tasks import Task

AREA_TASKS = ("pma", "sfa", "liver")
SEED = 880_001
"""The study never uses it, nor the one after it."""


def main() -> None:
    """Draw, calibrate, predict, and write benchmarks/coverage.json."""
    options = arguments()
    project = Project.find()
    tasks, folders = asked_of(options, project, AREA_TASKS)
    place = options.cohorts or project.state / "cohorts"
    output = options.output or project.root / "benchmarks" / "coverage.json"
    for task in tasks:
        counts = (options.calibrate, options.fresh)
        cohorts = [cohort(place, task, options.seed + number, count) for number, count in enumerate(counts)]
        if options.only_draw:
            print(f"{task.name}: {cohorts[0].parent} and {cohorts[1].parent}")
            continue
        row = measured(project, task, folders[task.name], *cohorts)
        row |= {"seeds": {"calibrate": options.seed, "fresh": options.seed + 1}}
        content = read_json(output) if output.is_file() else {}
        write_json(output, {**content, task.name: row})
        coverage, flagged = row["coverage"], row["flagged"]["value"]
        print(
            f"{task.name}: coverage {coverage['value']:.3f} [{coverage['ci_low']:.3f}, {coverage['ci_high']:.3f}] of nominal "
            f"{row['level']}, mean width {row['mean_width']:.2f} {row['unit']}, flagged {flagged:.3f} ({row['seconds']:.0f} s)"
        )


def measured(project: Project, task: Task, folder: Path, calibration: Path, fresh: Path) -> dict[str, Any]:
    """What is written of one task."""
    begun = time.perf_counter()
    cases = as_cases(predict_known(folder, calibration, WORKERS))
    package, summary = fit_to(load_package(folder), cases, calibration, recalibrate=False)
    with tempfile.TemporaryDirectory() as aside:
        save_package(package, Path(aside) / "package")
        table = predict_known(Path(aside) / "package", fresh, WORKERS)
    found = measure_coverage(task, table, read_params(project.root).bootstrap)
    return {
        "run_key": run_key(folder),
        "level": summary["interval"]["level"],
        "n_calibration": summary["n_cases"],
        "n_calibration_for_the_quantile": summary["interval"]["cases"],
        "n_calibration_failed": len(summary["failed"]),
        **found,
        "seconds": time.perf_counter() - begun,
        "machine": machine(project),
    }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", action="append", metavar="TASK", help="may be given more than once")
    parser.add_argument("--calibrate", type=int, default=500, metavar="N", help="patients of the calibration")
    parser.add_argument("--fresh", type=int, default=1000, metavar="N", help="patients that it is judged on")
    parser.add_argument(
        "--seed", type=int, default=SEED, metavar="N", help="of the calibration's patients; the next is the others'"
    )
    parser.add_argument("--cohorts", type=Path, metavar="DIR", help="where the cohorts lie; .bioloc/cohorts, if not given")
    parser.add_argument("--package", type=Path, metavar="FOLDER", help="the champion or what was trained last, if not given")
    parser.add_argument("--output", type=Path, metavar="FILE", help="benchmarks/coverage.json, if not given")
    parser.add_argument("--only-draw", action="store_true", help="draw the cohorts and end")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(ended(main))
