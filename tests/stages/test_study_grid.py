"""`study run`: which rows go to which lane, and its status. DVC is played by a script, `collect` by a list."""

import os
import shutil

import pytest

from bioloc.cli.main import run
from bioloc.project import Project
from bioloc.stages.study_collect import PROFILES
from bioloc.stages.study_grid import by_task

ROOT = Project.find().root
SCRIPT = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$*" in
  *"stage list"*) printf '%s\\n' G:net@sfa-localizer-paper-resnet10t G:seeds@pma-localizer-seed-1 G:noise@sfa-localizer-noise-10;;
  *seeds@pma*) echo "Running stage 'G:seeds@pma-localizer-seed-1':"; exit $DVC_STATUS;;
esac
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Parameters and a tool that writes down its calls; `collect` is the last of them."""
    for profile in PROFILES.values():
        (tmp_path / profile.root).mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / profile.root / "params.yaml", tmp_path / profile.root)
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "dvc").write_text(SCRIPT)
    (tools / "dvc").chmod(0o755)
    monkeypatch.setenv("BIOLOC_ROOT", str(tmp_path))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("DVC_STATUS", "0")
    monkeypatch.setattr(
        "bioloc.stages.study_grid.study_environment",
        lambda: {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
    )
    monkeypatch.setattr("bioloc.stages.study_collect.collect", lambda project, profile: note(project.root, f"collect {profile}"))
    return tmp_path


def note(root, call):
    with (root / "calls").open("a") as calls:
        calls.write(f"{call}\n")
    return root / "document"


@pytest.mark.parametrize(("profile", "graph"), [("default", "study/dvc.yaml"), ("paper", "study/paper/dvc.yaml")])
def test_each_task_has_its_rows_and_the_document_comes_last(repository, capsys, profile, graph):
    assert run(["study", "run", "--profile", profile]) == 0
    first, *rows, last = (repository / "calls").read_text().splitlines()
    assert first == f"stage list --name-only {graph}"
    repro = "--wait-for-lock repro --keep-going"
    assert sorted(rows) == [
        f"{repro} G:net@sfa-localizer-paper-resnet10t G:noise@sfa-localizer-noise-10",
        f"{repro} G:seeds@pma-localizer-seed-1",
    ]
    assert last == f"collect {profile}"
    assert "  pma-localizer-seed-1" in capsys.readouterr().out


def test_a_failed_row_is_the_status_and_the_others_are_collected(repository, monkeypatch):
    monkeypatch.setenv("DVC_STATUS", "4")
    assert run(["study", "run"]) == 4
    assert "collect default" in (repository / "calls").read_text()


def test_no_row_is_lost():
    rows = ["a:structures@cac-segmenter-resnet10t", "phantom@cac", "a:seeds@liver-localizer-seed-1"]
    assert by_task(rows) == {"cac": rows[:2], "liver": rows[2:]}
