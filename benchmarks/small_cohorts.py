"""What a model to start from is worth to a small cohort: pma, localizer, phantoms of the `shift` kind.

    python benchmarks/small_cohorts.py PACKAGE [--patients 50 100 300] [--test 128]

The patients have scanners and bodies that no training of the study has seen, as another hospital's have. The same test
patients are predicted by models that learnt from 50, 100 and 300 others, the fewer among the more; each was trained as
params.yaml says, once from nothing and once from the model in the folder PACKAGE, with a fifth of its patients to choose
checkpoint and threshold. The row of 0 patients is PACKAGE as it is. What is there already is not trained again.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from bioloc.cohorts.load import Opener, ReferenceMasks
from bioloc.cohorts.phantom_cohort import orders, write_phantoms
from bioloc.evaluation.agreement import mae
from bioloc.evaluation.bootstrap import paired_difference, resamples
from bioloc.evaluation.cases import predict_cohort, summary
from bioloc.files import folder_written_aside, md5, read_json, read_table, write_json
from bioloc.inference.package import Package
from bioloc.methods import get_method
from bioloc.params import Params, read_params
from bioloc.project import Project
from bioloc.stages.data import make_candidates, make_cohort, make_masks
from bioloc.stages.folds import HELD_OUT, Roles, learning_roles, opener_of
from bioloc.stages.train import cohort_opener, environment
from bioloc.tasks import get_task
from bioloc.training.start import Start, load_start
from bioloc.training.train import train

SEED = 990_041
"""No seed of the study."""
TASK, METHOD, KIND = get_task("pma"), get_method("localizer"), "shift"
COLUMNS = {"nothing": "from nothing", "champion": "from the champion"}
_KEPT = ("mae", "pearson_r", "dice", "bias")


def main() -> None:
    """Make the cohort, train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path)
    parser.add_argument("--patients", type=int, nargs="+", default=[50, 100, 300])
    parser.add_argument("--test", type=int, default=128)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    study = Project.find()
    params, start = read_params(study.root), load_start(options.package, str(options.package))
    torch.set_num_threads(params.threads)
    place = Project(study.state / "small-cohorts")
    table = cohort(place, params, options.test + max(options.patients))
    found = begun(options.output, settings(place, params, start, options.test))
    rows, whole = found["rows"], cohort_opener(place, params, TASK)
    for count in sorted({0, *options.patients}):
        for column in COLUMNS if count else ["champion"]:
            if column in rows.setdefault(str(count), {}):
                continue
            opener = opener_of(whole, [KIND], roles(table, options.test, count, params.seed))
            package = (
                start.package if not count else trained(place, params, opener, start if column == "champion" else None, count)
            )
            rows[str(count)][column] = judged(place, params, package, opener)
            write_json(options.output, found)
        if count:
            rows[str(count)]["difference_of_mae"] = difference(rows[str(count)], params)
            write_json(options.output, found)
    print(as_table(rows, sorted({0, *options.patients})))


def cohort(place: Project, params: Params, patients: int) -> pd.DataFrame:
    """The prepared cohort's table, drawn and prepared if it is not there for this grid and number."""
    made_for = {"seed": SEED, "patients": patients, "grid": params.task(TASK.name).grid.model_dump()}
    marker = place.root / "cohort.json"
    if not marker.is_file() or read_json(marker) != made_for:
        shutil.rmtree(place.root, ignore_errors=True)
        with folder_written_aside(place.raw(TASK.name)) as aside:
            write_phantoms(orders(TASK, SEED, {KIND: patients}), aside, params.threads)
        for make in (make_cohort, make_candidates, make_masks):
            make(place, params, TASK)
        write_json(marker, made_for)
    return read_table(place.cohort(TASK.name) / "samples.csv")


def settings(place: Project, params: Params, start: Start, test: int) -> dict[str, Any]:
    """What every number of the table hangs on; `test` patients are the first, so more to learn from change nothing."""
    section = params.task(TASK.name)
    return {
        "seed": params.seed,
        "test_patients": test,
        "precision": params.precision,
        "grid": section.grid.model_dump(mode="json"),
        "training": section.training.model_dump(mode="json"),
        "champion": start.run_key,
        "machine": environment(params),
        "drawn": read_json(place.root / "cohort.json")["seed"],
    }


def begun(path: Path, made_with: dict[str, Any]) -> dict[str, Any]:
    """What an earlier run of the same settings left, or an empty table."""
    if path.is_file():
        found: dict[str, Any] = read_json(path)
        if found["settings"] == made_with:
            return found
    return {"settings": made_with, "rows": {}}


def roles(table: pd.DataFrame, test: int, count: int, seed: int) -> Roles:
    """The first patients are the test's, the next `count` are learnt from."""
    values = table.set_index("patient_id")["value"]
    return learning_roles(values.iloc[test : test + count], seed) | dict.fromkeys(values.index[:test], HELD_OUT)


def trained(place: Project, params: Params, opener: Opener, start: Start | None, count: int) -> Package:
    """A model of so many patients; a killed training goes on."""
    checkpoint = place.root / f"checkpoint-{count}-{'nothing' if start is None else 'champion'}"
    facts = {"cohort_md5": md5(place.cohort(TASK.name)), "patients": count}
    package = train(TASK, METHOD, params, opener, None, checkpoint, facts, start).package
    shutil.rmtree(checkpoint, ignore_errors=True)
    return package


def judged(place: Project, params: Params, package: Package, opener: Opener) -> dict[str, Any]:
    """Metrics on the test patients, and their predictions for the paired difference."""
    table = predict_cohort(package, opener([HELD_OUT]), ReferenceMasks(place.masks(TASK.name)))
    metrics = summary(TASK, table, params.bootstrap)["metrics"]
    rounded = {name: [round(float(value), 4) for value in table[name]] for name in ("value", "predicted")}
    return {**{name: metrics[name] for name in _KEPT}, **rounded}


def difference(row: dict[str, Any], params: Params) -> dict[str, float]:
    """Mean absolute error from the champion minus that from nothing, on the same patients."""
    known = np.array(row["nothing"]["value"])
    one, other = (np.array(row[name]["predicted"]) for name in ("champion", "nothing"))
    return paired_difference(mae, known, one, other, resamples([str(number) for number in range(len(known))], params.bootstrap))


def as_table(rows: dict[str, Any], counts: list[int]) -> str:
    """The table of docs/small-cohorts.md."""
    lines = [f"| patients | {' | '.join(COLUMNS.values())} |", "|---:|---|---|"]
    lines += [f"| {count} | {' | '.join(cell(rows[str(count)].get(name)) for name in COLUMNS)} |" for count in counts]
    return "\n".join(lines)


def cell(found: dict[str, Any] | None) -> str:
    """Error with its interval, correlation and Dice."""
    if found is None:
        return "–"
    error = found["mae"]
    interval = f"{error['value']:.2f} [{error['ci_low']:.2f}, {error['ci_high']:.2f}]"
    return f"MAE {interval} {TASK.unit}, r {found['pearson_r']['value']:.3f}, Dice {found['dice']['value']:.3f}"


if __name__ == "__main__":
    main()
