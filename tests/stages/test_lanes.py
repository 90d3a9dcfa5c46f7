"""Tasks side by side: how many, which targets, and what comes back. DVC is played by a script that writes down its calls."""

import os

import pytest

from bioloc.files import write_json
from bioloc.params import read_params
from bioloc.project import Project
from bioloc.stages.lanes import dvc_repro, first_failure, lanes_of, repro_tasks, seconds_of
from bioloc.stages.repro import _study, longest_first

DVC = """#!/bin/sh
echo "$@" >> calls
for target in "$@"; do
  case $target in *@*) echo "Running stage '$target':"; sleep 0.2;; esac
done
case "$*" in *promote@pma*) exit 3;; esac
"""


@pytest.fixture
def environment(tmp_path):
    script = tmp_path / "bin" / "dvc"
    script.parent.mkdir()
    script.write_text(DVC)
    script.chmod(0o755)
    return {**os.environ, "PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
def study(tmp_path):
    """A project with the parameters of this repository."""
    (tmp_path / "params.yaml").write_text((Project.find().root / "params.yaml").read_text())
    return Project(tmp_path)


def calls(root):
    return sorted((root / "calls").read_text().splitlines())


@pytest.mark.parametrize(("cores", "threads", "lanes"), [(2, 1, 2), (2, 2, 1), (1, 2, 1), (64, 1, 4), (7, 2, 3)])
def test_as_many_tasks_as_cores_have_threads(cores, threads, lanes):
    params = read_params(Project.find().root)
    assert lanes_of(params.model_copy(update={"threads": threads}), cores) == lanes


def test_each_task_has_its_targets_and_its_end(tmp_path, environment, capsys):
    targets = {"liver": ["promote@liver"], "cac": ["train@cac", "promote@cac"], "pma": ["promote@pma"]}
    ended = repro_tasks(tmp_path, environment, targets, 2)
    assert {task: found.status for task, found in ended.items()} == {"liver": 0, "cac": 0, "pma": 3}
    assert first_failure(ended) == 3
    assert calls(tmp_path) == [
        f"--wait-for-lock repro --keep-going {named}" for named in ("promote@liver", "promote@pma", "train@cac promote@cac")
    ]
    assert ended["cac"].seconds["promote@cac"] >= 0.2
    assert set(seconds_of(ended)) == {"promote@liver", "train@cac", "promote@cac", "promote@pma"}
    assert "cac: Running stage 'promote@cac':" in capsys.readouterr().out


def test_a_failed_task_keeps_the_others_promotion_but_not_what_they_share(tmp_path, environment, study):
    status, seconds = _study(study, environment)
    assert status == 3
    assert calls(tmp_path) == [f"--wait-for-lock repro --keep-going promote@{task}" for task in ("cac", "liver", "pma", "sfa")]
    assert set(seconds) == {f"promote@{task}" for task in ("cac", "liver", "pma", "sfa")}


def test_what_the_tasks_share_comes_after_all_of_them(tmp_path, environment, study):
    script = tmp_path / "bin" / "dvc"
    script.write_text(DVC.replace("exit 3", "exit 0"))
    assert _study(study, environment)[0] == 0
    assert (tmp_path / "calls").read_text().splitlines()[-1] == "--wait-for-lock repro --keep-going"


def test_without_targets_all_stages_are_reproduced(tmp_path, environment):
    assert dvc_repro(tmp_path, environment, []).status == 0
    assert calls(tmp_path) == ["--wait-for-lock repro --keep-going"]


def test_volumes_begin_then_the_tasks_whose_trainings_took_longest(tmp_path):
    project = Project(tmp_path)
    for task, method, seconds in (("pma", "a", 5.0), ("pma", "b", 6.0), ("cac", "a", 10.0), ("liver", "a", 12.0)):
        write_json(project.model(task, method) / "run.json", {"seconds": seconds})
    (project.model("cac", "b")).mkdir()
    (project.model("cac", "b") / "run.json").write_text("half a fi")
    assert longest_first(project, ["pma", "sfa", "cac", "liver"]) == ["cac", "liver", "pma", "sfa"]
    assert longest_first(Project(tmp_path / "nothing"), ["pma", "sfa"]) == ["pma", "sfa"]
