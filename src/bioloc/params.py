"""params.yaml, read once into frozen, strict models: an unknown key is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from bioloc.errors import ParameterError
from bioloc.tasks import TASKS

Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]

PHANTOM = "phantom"
"""The source that is drawn, not read."""


class Strict(BaseModel):
    """A section of params.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Patients(Strict):
    """How many phantom patients each split has."""

    train: Positive
    val: Positive
    gate: Positive
    test: Positive
    shift: Count


class Grid(Strict):
    """The working grid; `patch` is the side of the patches around candidates, 0 for whole slices."""

    size: Positive
    pixel_mm: Annotated[float, Field(gt=0)]
    patch: Count = 0

    @field_validator("patch")
    @classmethod
    def _room_for_patches(cls, patch: int, others: ValidationInfo) -> int:
        if patch and not 16 <= patch <= others.data.get("size", patch):
            raise ValueError("a patch is 0, or from 16 to the grid's size")
        return patch


class Augment(Strict):
    """Random changes of a training sample that keep its value, or change it by what is known.

    Attributes:
        flip: Whether left and right are exchanged in half of the steps.
        shift: Most pixels of the grid by which images are rolled.
        hu: Standard deviation of the HU that are added to an image.
        place: Share of the grid by which the places that the network sees are off at most: another reader's region, or
            one that was found, lies differently about the same organ.
        zoom: Largest share by which an image is drawn larger or smaller, along rows and columns each; its value goes with its
            area (method.md: the value scales with |det|). For whole slices.
    """

    flip: bool
    shift: Count
    hu: Annotated[float, Field(ge=0)]
    place: Share = 0.0
    zoom: Annotated[float, Field(ge=0, le=0.5)] = 0.0


class SelfTraining(Strict):
    """Value-calibrated self-training of the localizer (method.md).

    Attributes:
        weight: Weight of its loss.
        start: Share of the training after which it begins.
        dice: Weight of a soft Dice beside its cross-entropy.
        refresh: How often an averaged teacher makes the pseudo-masks; 0 for at every step, by the network itself.
        sharpness: Slope of the teacher's pseudo-masks at their cut.
    """

    weight: Annotated[float, Field(ge=0)]
    start: Share
    dice: Annotated[float, Field(ge=0)] = 0.0
    refresh: Count = 0
    sharpness: Annotated[float, Field(gt=0)] = 1.0


class Inputs(Strict):
    """What the network is given beside the HU windows; regressor and localizer-paper see none of it, nor the candidates.

    Attributes:
        depth: How deep a pixel lies under the skin, for tasks whose cohort has it.
        fat_depth: How far it is from the skin along the fat, for the same tasks.
        deviation: How far a pixel's HU are from the healthy organ's, up or down, for tasks with a relative window.
        folded: Places left and right of the middle are one: the network cannot prefer a side.
    """

    depth: bool = False
    fat_depth: bool = False
    folded: bool = False
    deviation: bool = False


class Training(Strict):
    """One task's training; every method sees the same number of images, `localizer-paper` without what the paper lacks.

    Attributes:
        encoder: timm's name.
        decoder_channels: Widths of the decoder, from the deepest.
        subpixels: Side of the blocks of grid pixels that are one pixel to the network, which still marks each of them.
        inputs: More channels.
        images_seen: How many images the training takes, counted each time.
        batch_size: Images of a step.
        learning_rate: Highest of a one-cycle schedule.
        weight_decay: Of AdamW.
        ema: Share of the old in the averaged weights, per step.
        checks: How often the validation values are looked at.
        augment: Random changes.
        squared_until: Share of the training in which the value's error counts squared, however large it is.
        self_training: Pseudo-masks from map and value; weight 0 for none.
        whole_lesions: After training a lesion counts as a whole or not at all, as in Agatston's score.
        pool_lesions: A lesion's pixels share one logit.
        sharpness: What the map's logits are multiplied with in the end, so that maps are nearly masks; 1 for none.
        smoothing: A map's logits are averaged over squares of so many grid pixels, an odd number; 1 for none.
        sparsity: Weight of the map's mean in the loss of `localizer-paper`.
        symmetry: Weight of the difference between the halves' sums.
        compiled: On a GPU the network goes through `torch.compile`, which takes its time before the first step and a C
            compiler: for long trainings of whole slices. A processor takes no notice of it.
    """

    encoder: str
    decoder_channels: list[Positive]
    subpixels: Positive = 1
    inputs: Inputs = Inputs()
    images_seen: Positive
    batch_size: Positive
    learning_rate: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    ema: Share
    checks: Positive
    augment: Augment
    squared_until: Share = 0.15
    self_training: SelfTraining
    whole_lesions: bool = False
    pool_lesions: bool = False
    sharpness: Annotated[float, Field(ge=1)] = 1.0
    smoothing: Positive = 1
    sparsity: Annotated[float, Field(ge=0)] = 0.0
    symmetry: Annotated[float, Field(ge=0)] = 0.0
    compiled: bool = False


class Gates(Strict):
    """What a model must reach on the gate split to become champion; `min` bounds the metric from below."""

    metric: str
    minimum: float
    mae_below_mean_row: bool


class TaskParams(Strict):
    """One task's section.

    Attributes:
        source: `phantom`; the path of your own cohort's manifest (.csv or .parquet); or NAME:PATH, a public data set
            and the folder where it lies (docs/sources.md). Paths are relative to the repository.
        patients: Of the phantom cohort.
        grid: The working grid.
        training: How a method is trained.
        gates: What a champion must reach.
    """

    source: str
    patients: Patients
    grid: Grid
    training: Training
    gates: Gates

    @field_validator("training")
    @classmethod
    def _around_a_middle(cls, training: Training) -> Training:
        if training.smoothing % 2 == 0:
            raise ValueError("training.smoothing: squares have a pixel in their middle, so an odd side")
        return training

    @model_validator(mode="after")
    def _whole_blocks(self) -> TaskParams:
        side, block = self.grid.patch or self.grid.size, self.training.subpixels
        if side % block:
            raise ValueError(f"training.subpixels: blocks of {block} do not fill a grid or patch of {side} pixels")
        if self.grid.patch and self.training.augment.zoom:
            raise ValueError("training.augment.zoom: only whole slices are zoomed, so 0 where grid.patch cuts them")
        if self.grid.patch and self.training.compiled:
            raise ValueError("training.compiled: patches differ in number from step to step, so false where grid.patch cuts them")
        return self


class Params(Strict):
    """All of params.yaml."""

    seed: int
    threads: Positive
    bootstrap: Positive
    precision: Literal["auto", "bf16-mixed", "32-true"]
    tasks: dict[str, TaskParams]

    def task(self, name: str) -> TaskParams:
        """The section of one task.

        Raises:
            ParameterError: There is none.
        """
        try:
            return self.tasks[name]
        except KeyError:
            raise ParameterError(
                f"params.yaml has no section tasks.{name}: add one, or choose one of {', '.join(self.tasks)}"
            ) from None


def read_params(root: Path) -> Params:
    """The parameters of the project at `root`.

    Raises:
        ParameterError: The file is missing or no YAML, or a key is unknown, missing or of a wrong type.
    """
    path = root / "params.yaml"
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ParameterError(f"{path} cannot be read: {error}") from error
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ParameterError(f"{path}: {where}: {first['msg']}") from None
    unknown = sorted(set(params.tasks) - set(TASKS))
    if unknown:
        raise ParameterError(f"{path}: tasks.{unknown[0]} is no task: choose from {', '.join(TASKS)}")
    return params
