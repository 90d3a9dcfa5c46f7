"""dvc.yaml against the code: no change of code or parameters is missed, and no mask reaches value-only training."""

import ast
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
SOURCE = REPOSITORY / "src"
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


def file_of(module: str) -> Path | None:
    place = SOURCE.joinpath(*module.split("."))
    found = [path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()]
    return found[0] if found else None


def imports_of(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    if path.name == "phantom_cohort.py":  # it imports the phantoms by name
        names |= {f"bioloc.phantoms.{file.stem}" for file in (SOURCE / "bioloc/phantoms").glob("*.py")}
    return {name for name in names if name.startswith("bioloc.")}


def closure(module: str) -> set[Path]:
    seen: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = file_of(name)
        if name in seen or path is None:
            continue
        seen[name] = path
        waiting += imports_of(path)
    return set(seen.values())


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
