"""A method that a cohort cannot train: its stages end well and say why, so that those of the other methods go on.

Most cohorts have values and no masks. Their segmenter is left out of the tables; nothing in dvc.yaml has to be changed.
"""

from __future__ import annotations

import shutil

import pandas as pd

from bioloc.cohorts.manifest import LEARNT_FROM
from bioloc.files import read_json, read_table, write_json
from bioloc.methods import Method
from bioloc.project import Project
from bioloc.tasks import Task


def why_not(project: Project, task: Task, method: Method) -> str | None:
    """Why the task's cohort cannot train the method; None where it can. Masks are looked for only by what learns from them."""
    if method.supervision != "mask":
        return None
    samples, masks = (
        read_table(folder / name).set_index("case_id")
        for folder, name in ((project.cohort(task.name), "samples.csv"), (project.masks(task.name), "masks.csv"))
    )
    learnt_from = samples.index[samples["split"].isin(LEARNT_FROM)]
    missing = int((~masks.loc[learnt_from, "has_mask"].astype(bool)).sum())
    return f"{missing} of {len(learnt_from)} cases of train and val have no reference mask" if missing else None


def leave_out(project: Project, task: Task, method: Method, reason: str) -> None:
    """Fill models/<task>/<method> with the reason instead of a model."""
    folder, file = project.model(task.name, method.name), project.left_out(task.name, method.name)
    shutil.rmtree(folder, ignore_errors=True)
    file.parent.mkdir(parents=True)
    write_json(file, {"reason": reason})
    pd.DataFrame(columns=["step"]).to_csv(folder / "history.csv", index=False, lineterminator="\n")
    write_json(folder / "run.json", {"task": task.name, "method": method.name, "left_out": reason})


def reason_of(project: Project, task: Task, method: str) -> str | None:
    """Why models/<task>/<method> has no model; None where it should have one."""
    file = project.left_out(task.name, method)
    return str(read_json(file)["reason"]) if file.is_file() else None
