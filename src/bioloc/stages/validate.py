"""Stage `validate`: the gate between data and training."""

from __future__ import annotations

from bioloc.errors import DataError
from bioloc.files import read_table, write_json
from bioloc.project import Project
from bioloc.tasks import Task
from bioloc.validation.gate import raise_if_critical, validate

NEEDED_SPLITS = ("train", "val", "gate", "test")


def make_validation(project: Project, task: Task) -> list[str]:
    """Stage `validate`: reports/validation/<task>.json and its Data Docs; returns what it warns of.

    Raises:
        GateError: Something critical was found; the JSON is written all the same.
    """
    tables = [project.cohort(task.name) / "samples.csv", project.candidates(task.name) / "candidates.csv"]
    for path in tables:
        if not path.is_file():
            raise DataError(f"{path} is missing: run `dvc repro candidates@{task.name}` first")
    samples, candidates = (read_table(path) for path in tables)
    target = project.validation(task.name)
    result = validate(task, samples, candidates, NEEDED_SPLITS, target.with_suffix(""))
    write_json(target, result)
    raise_if_critical(result)
    return [f"[{entry['check']}] {entry['message']}" for entry in result["warnings"]]
