"""dvc.yaml against the code: no change of code or parameters is missed, and no mask reaches value-only training."""

from pathlib import Path

import pytest
import yaml
from import_closure import SOURCE, closure

REPOSITORY = Path(__file__).parents[2]
STAGES = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
MODULES = {
    "phantom": "raw",
    "cohort": "data",
    "masks": "data",
    "candidates": "data",
    "validate": "validate",
    "train": "train",
    "evaluate": "evaluate",
    "compare": "evaluate",
    "promote": "promote",
    "report": "report",
}


@pytest.mark.parametrize("stage", MODULES)
def test_a_stage_depends_on_all_code_that_it_imports(stage):
    body = STAGES[stage].get("do", STAGES[stage])
    deps = [REPOSITORY / dep for dep in body["deps"] if dep.startswith("src/")]
    code = closure(f"bioloc.stages.{MODULES[stage]}") - {SOURCE / "bioloc/__init__.py", SOURCE / "bioloc/stages/__init__.py"}
    missed = [
        str(path.relative_to(REPOSITORY)) for path in code if not any(path == dep or path.is_relative_to(dep) for dep in deps)
    ]
    assert missed == []


def test_every_dependency_on_code_exists():
    named = {dep for stage in STAGES.values() for dep in stage.get("do", stage)["deps"] if dep.startswith("src/")}
    assert [dep for dep in sorted(named) if not (REPOSITORY / dep).exists()] == []


def test_value_only_training_depends_on_no_mask():
    for key, item in STAGES["train"]["foreach"].items():
        supervised = item["method"] == "segmenter"
        assert ("masks" in item["labels"]) == supervised, key
    assert not any("mask" in dep for dep in STAGES["train"]["do"]["deps"])
    for stage in ("cohort", "candidates", "validate"):
        assert not any("mask" in dep for dep in STAGES[stage]["do"]["deps"]), stage


def test_the_validation_result_is_a_dependency_of_training():
    assert "reports/validation/${item.task}.json" in STAGES["train"]["do"]["deps"]
