"""params.yaml is read strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from bioloc.errors import ParameterError, UsageError
from bioloc.params import Grid, read_params
from bioloc.tasks import TASKS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def content() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def write(folder: Path, content: Any) -> Path:
    (folder / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


def test_the_repositorys_own_file_reads_and_has_every_task() -> None:
    params = read_params(ROOT)
    assert set(params.tasks) == set(TASKS)
    assert all(params.task(name).grid.size > 0 for name in TASKS)


@pytest.mark.parametrize(
    ("place", "where"),
    [
        ((), "wrong_key"),
        (("tasks", "cac"), "tasks.cac.wrong_key"),
        (("tasks", "pma", "grid"), "tasks.pma.grid.wrong_key"),
        (("tasks", "liver", "training", "augment"), "tasks.liver.training.augment.wrong_key"),
    ],
)
def test_an_unknown_key_is_named(tmp_path: Path, content: dict[str, Any], place: tuple[str, ...], where: str) -> None:
    section = content
    for name in place:
        section[name] = dict(section[name])
        section = section[name]
    section["wrong_key"] = 1
    with pytest.raises(ParameterError) as caught:
        read_params(write(tmp_path, content))
    assert where in str(caught.value)
    assert str(tmp_path / "params.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named(tmp_path: Path, content: dict[str, Any]) -> None:
    del content["tasks"]["sfa"]["grid"]["pixel_mm"]
    with pytest.raises(ParameterError, match=r"tasks\.sfa\.grid\.pixel_mm"):
        read_params(write(tmp_path, content))


@pytest.mark.parametrize(
    ("key", "value"), [("seed", "2020"), ("seed", 1.5), ("threads", 0), ("bootstrap", -1), ("precision", 16)]
)
def test_a_wrong_type_or_range_is_named(tmp_path: Path, content: dict[str, Any], key: str, value: Any) -> None:
    content[key] = value
    with pytest.raises(ParameterError, match=key):
        read_params(write(tmp_path, content))


def test_an_unknown_task_section_is_named(tmp_path: Path, content: dict[str, Any]) -> None:
    content["tasks"]["bone"] = content["tasks"]["pma"]
    with pytest.raises(ParameterError, match=r"tasks\.bone"):
        read_params(write(tmp_path, content))


def test_a_missing_task_section_is_told(tmp_path: Path, content: dict[str, Any]) -> None:
    del content["tasks"]["cac"]
    params = read_params(write(tmp_path, content))
    with pytest.raises(ParameterError, match=r"tasks\.cac"):
        params.task("cac")


def test_no_file_and_no_yaml_are_told(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="cannot be read"):
        read_params(tmp_path)
    (tmp_path / "params.yaml").write_text("a: [1", encoding="utf-8")
    with pytest.raises(ParameterError, match="cannot be read"):
        read_params(tmp_path)
    (tmp_path / "params.yaml").write_text("", encoding="utf-8")
    with pytest.raises(ParameterError, match="the file"):
        read_params(tmp_path)


def test_params_are_frozen_and_their_error_is_a_usage_error() -> None:
    params = read_params(ROOT)
    with pytest.raises(ValidationError):
        params.seed = 1
    assert issubclass(ParameterError, UsageError)


@pytest.mark.parametrize("patch", [1, 8, 15, 65])
def test_a_patch_without_room_for_its_margin_or_beyond_the_grid_is_refused(patch: int) -> None:
    with pytest.raises(ValidationError, match="patch"):
        Grid(size=64, pixel_mm=1.0, patch=patch)


@pytest.mark.parametrize("patch", [0, 16, 64])
def test_a_patch_that_fits_is_taken(patch: int) -> None:
    assert Grid(size=64, pixel_mm=1.0, patch=patch).patch == patch


def test_blocks_that_do_not_fill_the_grid_are_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    content["tasks"]["pma"]["training"]["subpixels"] = 7
    content["tasks"]["pma"]["grid"]["size"] = 264
    with pytest.raises(ParameterError, match=r"tasks\.pma: .*blocks of 7 do not fill a grid or patch of 264 pixels"):
        read_params(write(tmp_path, content))


def test_what_trains_on_patches_is_not_compiled(tmp_path: Path, content: dict[str, Any]) -> None:
    content["tasks"]["cac"]["training"]["compiled"] = True
    with pytest.raises(ParameterError, match=r"tasks\.cac: .*training\.compiled: patches"):
        read_params(write(tmp_path, content))


def test_patches_are_not_zoomed(tmp_path: Path, content: dict[str, Any]) -> None:
    content["tasks"]["cac"]["training"]["augment"]["zoom"] = 0.1
    with pytest.raises(ParameterError, match=r"tasks\.cac: .*augment\.zoom: only whole slices"):
        read_params(write(tmp_path, content))


def test_smoothing_has_a_pixel_in_its_middle(tmp_path: Path, content: dict[str, Any]) -> None:
    content["tasks"]["pma"]["training"]["smoothing"] = 4
    with pytest.raises(ParameterError, match="an odd side"):
        read_params(write(tmp_path, content))


def test_no_section_of_the_studys_parameters_is_shared():
    """`dvc exp run -S tasks.liver.gates.minimum=0.8` would change every task that names the same YAML anchor, or none."""
    text = (ROOT / "params.yaml").read_text()
    assert [event.anchor for event in yaml.parse(text) if getattr(event, "anchor", None)] == []
