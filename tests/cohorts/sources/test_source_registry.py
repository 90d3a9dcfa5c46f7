"""A source is chosen by its name and its folder, and mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from source_trees import msd, touch

from bioloc.cohorts.sources.registry import SOURCES, choose
from bioloc.errors import DataError, ManifestError, ParameterError
from bioloc.tasks import TASKS, get_task

LIVER = get_task("liver")


def test_every_source_serves_tasks_that_exist() -> None:
    assert all(source.tasks and set(source.tasks) <= set(TASKS) for source in SOURCES.values())
    assert all(
        any(task in source.tasks for name, source in SOURCES.items() if name != "manifest") for task in ("sfa", "cac", "liver")
    )


def test_every_source_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[3] / "docs" / "sources.md").read_text(encoding="utf-8")
    assert [name for name in SOURCES if f"`{name}`" not in text] == []


@pytest.mark.parametrize("text", ["own/table.csv", "manifest:own/table.csv", "own/table.parquet", "C:/own/table.csv"])
def test_a_tables_path_is_a_manifest(tmp_path: Path, text: str) -> None:
    chosen = choose(text, LIVER, tmp_path)
    assert chosen.source.name == "manifest"
    assert chosen.path == tmp_path / text.removeprefix("manifest:")


def test_folders_are_relative_to_the_root(tmp_path: Path) -> None:
    msd(tmp_path)
    chosen = choose("msd-liver:Task03_Liver", LIVER, tmp_path)
    assert (chosen.source.name, chosen.path) == ("msd-liver", tmp_path / "Task03_Liver")
    assert len(chosen.find(LIVER).cases) == 3
    assert choose(f"msd-liver:{tmp_path}", LIVER, Path("/elsewhere")).path == tmp_path


@pytest.mark.parametrize("text", ["", "phantoms", "msd:folder", "msd-liver", "msd-liver:", "folder"])
def test_an_unknown_source_is_told_with_the_known(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        ParameterError, match="msd-liver, lits, coca-gated, coca-nongated, nlst, orcascore, saros, totalsegmentator"
    ):
        choose(text, LIVER, tmp_path)


def test_a_source_of_another_biomarker_is_told(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="saros is for sfa, it has nothing of liver"):
        choose("saros:x", LIVER, tmp_path)


def test_a_folder_that_is_not_there_and_an_archive_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no folder"):
        choose("lits:none", LIVER, tmp_path)
    touch(tmp_path / "Task03_Liver.tar")
    with pytest.raises(DataError, match=r"is an archive: unpack it \(`tar -xf`"):
        choose("msd-liver:Task03_Liver.tar", LIVER, tmp_path)


def test_a_folder_without_scans_is_told_with_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no usable scan of lits: volume-N\.nii and segmentation-N\.nii are expected"):
        choose(f"lits:{tmp_path}", LIVER, tmp_path).find(LIVER)
    touch(tmp_path / "volume-3.nii")
    with pytest.raises(DataError, match=r"volume-3\.nii: no label file of its number"):
        choose(f"lits:{tmp_path}", LIVER, tmp_path).find(LIVER)


def test_a_manifest_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such manifest"):
        choose("table.csv", LIVER, tmp_path).find(LIVER)
