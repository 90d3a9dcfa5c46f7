"""When a method is left out, and what is written then."""

import pandas as pd
import pytest

from bioloc.files import read_json, write_json
from bioloc.methods import METHODS, get_method
from bioloc.project import Project
from bioloc.stages.left_out import leave_out, reason_of, why_not
from bioloc.tasks import get_task
from bioloc.tracking.runs import record_run

PMA, SEGMENTER = get_task("pma"), get_method("segmenter")


@pytest.fixture
def project(tmp_path):
    """A cohort of four; `with_masks` says which of them have one."""
    project = Project(tmp_path)
    project.cohort("pma").mkdir(parents=True)
    project.masks("pma").mkdir(parents=True)
    samples = pd.DataFrame({"case_id": ["a", "b", "c", "d"], "split": ["train", "train", "val", "test"]})
    samples.to_csv(project.cohort("pma") / "samples.csv", index=False)
    return project


def with_masks(project, *cases):
    table = pd.DataFrame({"case_id": ["a", "b", "c", "d"]})
    table["has_mask"] = table["case_id"].isin(cases)
    table.to_csv(project.masks("pma") / "masks.csv", index=False)


@pytest.mark.parametrize(
    ("cases", "reason"),
    [
        ("abc", None),  # the test split may have none
        ("abd", "1 of 3 cases of train and val have no reference mask"),
        ("d", "3 of 3 cases of train and val have no reference mask"),
    ],
)
def test_masks_of_all_cases_that_are_learnt_from_are_needed(project, cases, reason):
    with_masks(project, *cases)
    assert why_not(project, PMA, SEGMENTER) == reason


@pytest.mark.parametrize("method", [method for method in METHODS.values() if method.supervision == "value"], ids=str)
def test_what_learns_from_values_does_not_ask_for_masks(project, method):
    assert not (project.masks("pma") / "masks.csv").exists()
    assert why_not(project, PMA, method) is None


def test_the_reason_takes_the_models_place(project):
    assert reason_of(project, PMA, "segmenter") is None
    folder = project.model("pma", "segmenter")
    (folder / "package").mkdir(parents=True)
    write_json(folder / "package" / "model.json", {"of": "masks that are gone"})
    leave_out(project, PMA, SEGMENTER, "no masks")
    assert reason_of(project, PMA, "segmenter") == "no masks"
    assert read_json(folder / "run.json")["left_out"] == "no masks"
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["history.csv", "left_out.json", "run.json"]
    assert record_run(project.root, "pma", "segmenter") is None
