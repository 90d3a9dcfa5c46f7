"""What needs no data: help, the list of tasks, the version, and wrong usage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bioloc.methods import METHODS

HEAVY = ("torch", "mlflow", "great_expectations", "timm", "SimpleITK", "matplotlib", "pandas", "scipy")
STAGES = ["phantom", "cohort", "masks", "candidates", "validate", "train", "evaluate", "compare", "promote", "report"]
COMMANDS = ["tasks", *STAGES, "cross-validate", "predict", "calibrate", "measure", "registry", "study"]
REGISTRY = ["list", "show", "promote", "rollback", "sync"]
PROBE = f"""
import sys
from bioloc.cli.main import run
status = run(sys.argv[1:])
print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
sys.exit(status)
"""


def fresh(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run([sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, env=environment, check=False)


def test_tasks_are_listed_without_heavy_imports():
    done = fresh("tasks", "--json")
    assert done.returncode == 0
    assert done.stderr.strip() == "[]"
    rows = json.loads(done.stdout)
    assert [row["name"] for row in rows] == ["pma", "sfa", "cac", "liver"]
    assert [row["unit"] for row in rows] == ["cm2", "cm2", "points", "cm2"]


def test_help_needs_no_heavy_imports():
    done = fresh("--help")
    assert done.returncode == 0
    assert done.stderr.strip() == "[]"
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    assert "Not a medical device" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "command",
    [[name] for name in COMMANDS] + [["registry", name] for name in REGISTRY] + [["study", name] for name in ("row", "collect")],
    ids=" ".join,
)
def test_every_command_explains_itself(call, command):
    done = call(*command, "--help")
    assert done.status == 0
    assert done.err == ""
    assert done.out.startswith(f"Usage: bioloc-cli {' '.join(command)} ")


def test_help_lines_are_not_cut_off(call):
    assert "..." not in call("--help").out.split("Commands:")[1]
    assert "..." not in call("registry", "--help").out.split("Commands:")[1]


def test_the_options_of_the_contract_are_there(call):
    wanted = {
        "evaluate": ("--task", "--model", "--split", "--json"),
        "predict": ("--task", "--model", "--output", "--slice", "--roi", "--json", "INPUT"),
        "phantom": ("--task", "--output", "--seed", "--patients"),
        "measure": ("--task", "--image", "--mask", "--slice", "--json"),
        "train": ("--task", "--method", "--init"),
        "cross-validate": ("--task", "--method", "--folds", "--init", "--output", "--json"),
    }
    for command, options in wanted.items():
        text = call(command, "--help").out
        assert not [option for option in options if option not in text], command


def test_tasks_for_people_and_the_version(call):
    done = call("tasks")
    assert done.status == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["pma", "sfa", "cac", "liver"]
    assert call("--version").out.strip().count(".") == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("tasks --jsn", "--jsn"),
        ("nonsense", "nonsense"),
        ("predict --task pma", "INPUT"),
        ("predict a.nii", "--task"),
        ("measure --task pma --mask m.nii", "--image"),
        ("measure --task pma --image a.nii --mask m.nii --slice 1.5", "--slice"),
        ("phantom --task pma --output new --patients 0", "--patients"),
        ("phantom --task pma --output new --seed -1", "--seed"),
        ("cross-validate --task pma --folds 1", "--folds"),
        ("registry nonsense", "nonsense"),
        ("registry rollback", "--task"),
    ],
)
def test_wrong_usage_is_shown_with_the_usage(call, arguments, words):
    call(*arguments.split()).wrong_usage(words)
    assert not list(Path.cwd().iterdir())


def test_no_command_shows_the_help_with_status_2(call):
    call().wrong_usage("Commands:")


@pytest.mark.parametrize(
    "command",
    ["predict a.nii", "cohort", "train", "cross-validate", "evaluate", "promote", "registry list", "registry show"],
)
def test_an_unknown_task_is_told_with_the_known_ones(call, study, command):
    call(*command.split(), "--task", "lung").one_sentence("unknown task 'lung': choose one of pma, sfa, cac, liver")


def test_unknown_names_are_told_with_the_known_ones(call, study):
    call("train", "--task", "pma", "--method", "magic").one_sentence(f"choose one of {', '.join(METHODS)}")
    call("evaluate", "--task", "pma", "--split", "all").one_sentence("--split all: choose from val")
    call("phantom", "--task", "pma", "--output", "new", "--split", "all").one_sentence("--split all: choose from")
    assert not Path("new").exists()


@pytest.mark.parametrize(
    "command", ["phantom", "cohort", "train", "evaluate", "compare", "report", "registry list", "predict a.nii"]
)
def test_outside_a_repository_it_is_told_where_to_go(call, command):
    task = [] if command == "report" else ["--task", "pma"]
    call(*command.split(), *task).one_sentence("is not inside a bioloc repository")
