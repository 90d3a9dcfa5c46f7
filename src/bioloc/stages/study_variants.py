"""What a row of the study grid changes, as data: study/variants.yaml, read as strictly as params.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from bioloc.errors import ParameterError, UsageError
from bioloc.params import Count, Params, Positive, Strict, TaskParams
from bioloc.tasks import Task

Study = Literal["structures", "seeds", "ablation", "learning-curve", "label-noise", "regions"]


class RegionChange(Strict):
    """How wrong an organ's region is made.

    Attributes:
        grow_mm: The rim moves outwards by so much; inwards where negative.
        left_mm: The whole region moves to the patient's left by so much.
    """

    grow_mm: float = 0.0
    left_mm: float = 0.0


class Variant(Strict):
    """One change of the study's own setting; all that is not named stays as params.yaml has it.

    Attributes:
        study: Which part of the study it belongs to.
        training: Values of keys below `tasks.<task>.training`, dotted: `self_training.weight: 0.0`.
        seed_offset: Added to the seed of training; the data stay the same.
        patients: How many training patients are left.
        value_noise: Coefficient of variation of the noise on training and validation values.
        candidates: What counts: the task's own candidates, those that lie in the skin too, or each pixel of the image with its
            own area.
        region: The trained model of the study sees this error of the organ's region; nothing is trained.
    """

    study: Study
    training: dict[str, Any] = Field(default_factory=dict)
    seed_offset: Count = 0
    patients: Positive | None = None
    value_noise: Annotated[float, Field(ge=0, lt=1)] = 0.0
    candidates: Literal["own", "skin-too", "every-pixel"] = "own"
    region: RegionChange | None = None

    @property
    def x(self) -> float | None:
        """Where the variant stands on its study's axis, in patients or as the noise's share; None where there is no axis."""
        return {"learning-curve": self.patients, "label-noise": self.value_noise}.get(self.study)

    @property
    def changes_training_only(self) -> bool:
        """Whether there is nothing to it but `training`."""
        return self == Variant(study=self.study, training=self.training)


class _File(Strict):
    variants: dict[str, Variant]


def read_variant(path: Path, name: str) -> Variant:
    """The variant called `name`.

    Raises:
        UsageError: There is none.
        ParameterError: The file is missing or no YAML, or a key is unknown or of a wrong type.
    """
    variants = read_variants(path)
    if name not in variants:
        raise UsageError(f"{path}: no variant '{name}': choose one of {', '.join(variants)}")
    return variants[name]


def read_variants(path: Path) -> dict[str, Variant]:
    """All variants of a file, by name.

    Raises:
        ParameterError: As `read_variant`.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ParameterError(f"{path} cannot be read: {error}") from error
    try:
        return _File.model_validate(content).variants
    except ValidationError as error:
        raise ParameterError(f"{path}: {_first(error)}") from None


def varied(params: Params, task: Task, variant: Variant) -> Params:
    """The parameters with the variant's seed and training, checked by the models of params.yaml.

    Raises:
        ParameterError: A key of `training` does not exist below tasks.<task>.training, or its value is wrong.
    """
    section = params.task(task.name).model_dump()
    for key, value in variant.training.items():
        _set(section["training"], key, value)
    try:
        changed = TaskParams.model_validate(section)
    except ValidationError as error:
        raise ParameterError(f"a variant of study {variant.study}: tasks.{task.name}.{_first(error)}") from None
    return params.model_copy(update={"seed": params.seed + variant.seed_offset, "tasks": {**params.tasks, task.name: changed}})


def _set(section: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key; one that the models do not know is put in all the same, for them to refuse."""
    *folders, last = key.split(".")
    for folder in folders:
        inner = section.setdefault(folder, {})
        if not isinstance(inner, dict):
            raise ParameterError(f"a variant sets training.{key}, but training.{folder} has nothing below it")
        section = inner
    section[last] = value


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'the file'}: {first['msg']}"
