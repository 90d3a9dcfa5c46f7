"""`make study`: which rows go to which lane, and its status. DVC and the command line are played by scripts."""

import os
import shutil

import pytest

from bioloc.project import Project
from bioloc.stages.study_collect import PROFILES
from bioloc.stages.study_grid import STUDIES, by_task, main

ROOT = Project.find().root
SCRIPT = """#!/bin/sh
echo "$(basename $0) $@" >> "$CALLS"
case "$*" in
  *"stage list"*) printf '%s\\n' G:net@sfa-localizer-paper-resnet10t G:seeds@pma-localizer-seed-1 G:noise@sfa-localizer-noise-10;;
  *seeds@pma*) echo "Running stage 'G:seeds@pma-localizer-seed-1':"; exit $DVC_STATUS;;
esac
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Parameters and tools; `calls` has what was called, in order of name."""
    for folder in STUDIES.values():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / folder / "params.yaml", tmp_path / folder)
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("dvc", "bioloc-cli"):
        (tools / name).write_text(SCRIPT)
        (tools / name).chmod(0o755)
    monkeypatch.setenv("BIOLOC_ROOT", str(tmp_path))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("DVC_STATUS", "0")
    monkeypatch.setattr(
        "bioloc.stages.study_grid.study_environment",
        lambda: {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
    )
    return tmp_path


@pytest.mark.parametrize(("profile", "graph"), [("default", "study/dvc.yaml"), ("paper", "study/paper/dvc.yaml")])
def test_each_task_has_its_rows_and_the_document_comes_last(repository, capsys, profile, graph):
    assert main(profile) == 0
    first, *rows, last = (repository / "calls").read_text().splitlines()
    assert first == f"dvc stage list --name-only {graph}"
    repro = "dvc --wait-for-lock repro --keep-going"
    assert sorted(rows) == [
        f"{repro} G:net@sfa-localizer-paper-resnet10t G:noise@sfa-localizer-noise-10",
        f"{repro} G:seeds@pma-localizer-seed-1",
    ]
    assert last == f"bioloc-cli study collect --profile {profile}"
    assert "  pma-localizer-seed-1" in capsys.readouterr().out


def test_a_failed_row_is_the_status_and_the_others_are_collected(repository, monkeypatch):
    monkeypatch.setenv("DVC_STATUS", "4")
    assert main("default") == 4
    assert "study collect" in (repository / "calls").read_text()


def test_an_unknown_profile_is_said(capsys):
    assert main("huge") == 2
    assert "PROFILE=huge: choose from default, paper" in capsys.readouterr().err
    assert set(STUDIES) == set(PROFILES)


def test_no_row_is_lost():
    rows = ["a:structures@cac-segmenter-resnet10t", "phantom@cac", "a:seeds@liver-localizer-seed-1"]
    assert by_task(rows) == {"cac": rows[:2], "liver": rows[2:]}
