"""Variants of the study grid: strict as params.yaml, and each of the committed ones changes something."""

from pathlib import Path

import pytest
import yaml

from bioloc.errors import ParameterError, UsageError
from bioloc.params import read_params
from bioloc.stages.study_variants import Variant, read_variant, read_variants, varied
from bioloc.tasks import TASKS, get_task

REPOSITORY = Path(__file__).parents[2]
PARAMS = read_params(REPOSITORY)
PMA = get_task("pma")


def written(tmp_path, **variants):
    path = tmp_path / "variants.yaml"
    path.write_text(yaml.safe_dump({"variants": variants}))
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"study": "ablation", "trainning": {}}, "trainning"),
        ({"study": "ablations"}, "study"),
        ({"study": "label-noise", "value_noise": 1.5}, "value_noise"),
        ({"study": "learning-curve", "patients": 0}, "patients"),
        ({"study": "seeds", "seed_offset": "1"}, "seed_offset"),
        ({"study": "regions", "region": {"grow": 3.0}}, "grow"),
    ],
)
def test_a_wrong_key_or_value_of_a_variant_is_named(tmp_path, content, said):
    path = written(tmp_path, one=content)
    with pytest.raises(ParameterError, match=rf"{path}: variants\.one\.(region\.)?{said}"):
        read_variants(path)


def test_a_missing_file_and_a_missing_variant_are_named(tmp_path):
    with pytest.raises(ParameterError, match="cannot be read"):
        read_variants(tmp_path / "variants.yaml")
    with pytest.raises(UsageError, match="no variant 'two': choose one of one"):
        read_variant(written(tmp_path, one={"study": "seeds"}), "two")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("encodr", "resnet10t", "training.encodr"),
        ("self_training.wait", 0.0, "training.self_training.wait"),
        ("nothing.weight", 0.0, "training.nothing"),
        ("self_training.weight", "much", "training.self_training.weight"),
        ("images_seen", 0, "training.images_seen"),
        ("encoder.name", "resnet10t", "training.encoder has nothing below it"),
    ],
)
def test_overrides_are_checked_by_the_models_of_params_yaml(key, value, said):
    with pytest.raises(ParameterError, match=said):
        varied(PARAMS, PMA, Variant(study="ablation", training={key: value}))


def test_overrides_change_what_they_name_and_nothing_else():
    variant = Variant(study="ablation", training={"encoder": "resnet10t", "augment.flip": False}, seed_offset=2)
    changed = varied(PARAMS, PMA, variant)
    before = PARAMS.task("pma")
    training = before.training.model_copy(
        update={"encoder": "resnet10t", "augment": before.training.augment.model_copy(update={"flip": False})}
    )
    assert changed.seed == PARAMS.seed + 2
    assert changed.task("pma") == before.model_copy(update={"training": training})
    assert {name: changed.task(name) for name in ("sfa", "cac", "liver")} == {
        name: PARAMS.task(name) for name in ("sfa", "cac", "liver")
    }
    assert before.training.augment.flip


def rows_of(path):
    for stage in yaml.safe_load(path.read_text())["stages"].values():
        for task in stage.get("matrix", {}).get("task", []):
            for name in stage["matrix"]["variant"]:
                yield task, name


@pytest.mark.parametrize("folder", ["", "study/paper"])
def test_each_row_of_the_grid_can_be_made_and_changes_something(folder):
    root = REPOSITORY / folder
    params, variants = read_params(root), read_variants(REPOSITORY / "study/variants.yaml")
    idle, impossible = [], []
    for task, name in rows_of(root / ("dvc.yaml" if folder else "study/dvc.yaml")):
        variant = variants[name]
        changed = varied(params, get_task(task), variant)
        if variant.study == "ablation" and variant.changes_training_only and changed == params:
            idle.append(f"{task} {name}")
        if variant.patients and variant.patients >= params.task(task).patients.train:
            impossible.append(f"{task} {name}")
        if not variant.candidates and TASKS[task].rule == "lesions":
            impossible.append(f"{task} {name}")
        if variant.region and TASKS[task].region == "none":
            impossible.append(f"{task} {name}")
    assert (idle, impossible) == ([], [])
