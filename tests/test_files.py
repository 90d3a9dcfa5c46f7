"""Files are whole or absent."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bioloc.errors import UsageError
from bioloc.files import folder_written_aside, md5, read_json, to_json, write_json, write_text, written_aside
from bioloc.project import Project


def test_a_file_appears_whole_in_new_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_text(path, "grüße\n")
    assert path.read_text(encoding="utf-8") == "grüße\n"
    assert [file.name for file in path.parent.iterdir()] == ["b.txt"]


def test_an_interrupted_file_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "b.nii.gz"
    path.write_text("old")

    def interrupted() -> None:
        with written_aside(path) as aside:
            assert aside.name.endswith(".nii.gz")
            aside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "stale").write_text("x")
    with folder_written_aside(path) as aside:
        (aside / "new").write_text("y")
        assert (path / "stale").exists()
    assert [file.name for file in path.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_folder_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").write_text("x")

    def interrupted() -> None:
        with folder_written_aside(path) as aside:
            (aside / "new").write_text("y")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert [file.name for file in path.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_json_of_numpy_and_not_a_number(tmp_path: Path) -> None:
    content = {"a": np.float32(1.5), "b": [np.int64(2), float("nan"), np.float64("inf")], 3: Path("x"), "c": (None, True, "s")}
    write_json(tmp_path / "x.json", content)
    assert read_json(tmp_path / "x.json") == {"a": 1.5, "b": [2, None, None], "3": "x", "c": [None, True, "s"]}
    assert json.loads(to_json(float("-inf"))) is None


def test_the_digest_of_a_folder_follows_names_and_contents_only(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write_text(one / "a.txt", "1")
    write_text(one / "sub" / "b.txt", "2")
    shutil.copytree(one, two)
    assert md5(one) == md5(two)
    write_text(two / "sub" / "b.txt", "3")
    assert md5(one) != md5(two)
    shutil.rmtree(two)
    shutil.copytree(one, two)
    (two / "a.txt").rename(two / "c.txt")
    assert md5(one) != md5(two)
    assert md5(one / "a.txt") == "c4ca4238a0b923820dcc509a6f75849b"


def test_a_project_is_found_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIOLOC_ROOT", raising=False)
    deep = tmp_path / "repo" / "data" / "raw"
    deep.mkdir(parents=True)
    with pytest.raises(UsageError, match="BIOLOC_ROOT"):
        Project.find(deep)
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / "repo" / name).touch()
    project = Project.find(deep)
    assert project.root == (tmp_path / "repo").resolve()
    monkeypatch.setenv("BIOLOC_ROOT", str(deep))
    assert Project.find() == project
    assert project.raw("cac") == project.root / "data" / "raw" / "cac"
    assert project.masks("cac").parent != project.candidates("cac").parent
