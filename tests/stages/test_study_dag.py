"""study/dvc.yaml and study/paper/dvc.yaml: apart from the root's graph, complete, and of one kind with it."""

import os
from pathlib import Path

import pytest
import yaml
from import_closure import SOURCE, closure
from test_dag import REPOSITORY, STAGES

from bioloc.methods import METHODS
from bioloc.params import read_params
from bioloc.stages.study_variants import read_variants, varied
from bioloc.tasks import get_task

GRID = yaml.safe_load((REPOSITORY / "study/dvc.yaml").read_text())["stages"]
PAPER = yaml.safe_load((REPOSITORY / "study/paper/dvc.yaml").read_text())["stages"]
DATA = ("phantom", "cohort", "masks", "candidates", "validate")
VARIANTS = read_variants(REPOSITORY / "study/variants.yaml")


def rows_of(stages):
    return {name: stage for name, stage in stages.items() if "matrix" in stage}


def files_of(stage):
    """Output files of all of a stage's rows, as in DVC's templates."""
    place = str(next(iter(stage["outs"][0])))
    for task in stage["matrix"]["task"]:
        for method in stage["matrix"]["method"]:
            for variant in stage["matrix"]["variant"]:
                named = {"item.task": task, "item.method": method, "item.variant": variant}
                path = place
                for name, text in named.items():
                    path = path.replace(f"${{{name}}}", text)
                yield path


def structures_of(stages):
    """The methods of each structure, whichever stage makes it."""
    parts = [stage["matrix"] for name, stage in stages.items() if name.startswith("structures")]
    return {variant: part["method"] for part in parts for variant in part["variant"]}


@pytest.mark.parametrize(("stages", "up"), [(GRID, ""), (PAPER, "../../")], ids=["default", "paper"])
def test_a_row_depends_on_all_code_that_it_imports(stages, up):
    code = closure("bioloc.stages.study") - {SOURCE / "bioloc/__init__.py", SOURCE / "bioloc/stages/__init__.py"}
    for name, stage in rows_of(stages).items():
        deps = [REPOSITORY / dep.removeprefix(up) for dep in stage["deps"] if dep.startswith(f"{up}src/")]
        assert [str(dep) for dep in deps if not dep.exists()] == [], name
        missed = [str(path) for path in code if not any(path == dep or path.is_relative_to(dep) for dep in deps)]
        assert missed == [], name


@pytest.mark.parametrize("stages", [GRID, PAPER], ids=["default", "paper"])
def test_each_row_has_a_variant_a_method_and_a_file_of_its_own(stages):
    files = [file for stage in rows_of(stages).values() for file in files_of(stage)]
    assert len(files) == len(set(files))
    for name, stage in rows_of(stages).items():
        assert set(stage["matrix"]["method"]) <= set(METHODS), name
        studies = {VARIANTS[variant].study for variant in stage["matrix"]["variant"]}
        assert len(studies) == 1, name
        assert name.startswith(studies.pop()), name
    structures = structures_of(stages)
    assert all(methods == list(METHODS) for methods in structures.values())
    assert len(structures) >= 3


def test_every_variant_is_used():
    used = {name for stages in (GRID, PAPER) for stage in rows_of(stages).values() for name in stage["matrix"]["variant"]}
    assert used == set(VARIANTS)


@pytest.mark.parametrize("folder", ["", "study/paper"])
def test_the_setting_of_params_yaml_is_among_the_structures(folder):
    stages = PAPER if folder else GRID
    params = read_params(REPOSITORY / folder)
    for task in stages["structures"]["matrix"]["task"]:
        assert params.task(task).training.encoder in structures_of(stages)


def test_what_make_repro_has_trained_is_not_trained_again():
    """Each task and method, by the variant that has params.yaml's encoder; the stage waits for the model."""
    stage, params = GRID["structures-as-trained"], read_params(REPOSITORY)
    assert stage["matrix"]["task"] == GRID["structures"]["matrix"]["task"] == list(params.tasks)
    (variant,) = stage["matrix"]["variant"]
    for task in params.tasks:
        assert varied(params, get_task(task), VARIANTS[variant]) == params
    assert stage["cmd"] == f"{GRID['structures']['cmd']} --as-trained"
    model = "models/${item.task}/${item.method}"
    assert {f"{model}/package", f"{model}/run.json"} <= set(stage["deps"])


@pytest.mark.parametrize("name", DATA)
def test_the_papers_data_are_made_as_the_studys(name):
    def moved(dep):
        return f"../../{dep}" if dep.startswith("src/") else dep

    ours, theirs = PAPER[name]["do"], STAGES[name]["do"]
    assert ours == {**theirs, "deps": [moved(dep) for dep in theirs["deps"]]}
    assert PAPER[name]["foreach"] == PAPER["structures"]["matrix"]["task"]


def test_the_paper_profile_is_of_the_papers_size():
    params = read_params(REPOSITORY / "study/paper")
    for task in params.tasks.values():
        assert task.patients.train == 7000
        assert task.patients.test == 3000
        assert task.grid.size >= 256
        assert task.training.images_seen >= 10 * task.patients.train


def test_the_root_graph_depends_on_no_row():
    deps = {str(dep) for stage in STAGES.values() for dep in stage.get("do", stage)["deps"]}
    assert not any("study/results" in dep for dep in deps)


def test_dvc_reads_both_files(monkeypatch):
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    from dvc.repo import Repo

    with Repo(os.fspath(REPOSITORY)) as repo:
        for stages, path in ((GRID, "study/dvc.yaml"), (PAPER, "study/paper/dvc.yaml")):
            found = list(repo.stage.collect(os.fspath(REPOSITORY / path)))
            rows = [stage for stage in found if "study row" in stage.cmd]
            made = {Path(out.fs_path).relative_to(REPOSITORY).as_posix() for stage in rows for out in stage.outs}
            below = "study/paper/" if stages is PAPER else ""
            assert made == {below + file for stage in rows_of(stages).values() for file in files_of(stage)}
        reached = repo.stage.collect(os.fspath(REPOSITORY / "dvc.yaml"), with_deps=False)
        assert not any("study row" in stage.cmd for stage in reached)
