"""Train one method for one task, from prepared folders to a package with its record."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bioloc.cohorts.load import Opener, ReferenceMasks
from bioloc.errors import DataError
from bioloc.inference.package import Package
from bioloc.methods import Method
from bioloc.networks.network import Network, Spec
from bioloc.params import Params, TaskParams
from bioloc.tasks import Task
from bioloc.training.checkpoint import Progress
from bioloc.training.data import Split, load_split
from bioloc.training.finish import finish
from bioloc.training.loop import Loop, Setting
from bioloc.training.precision import resolve
from bioloc.training.start import Start, check_start, started


@dataclass(frozen=True)
class Trained:
    """A package, and how the training went."""

    package: Package
    history: list[dict[str, float]]
    best: dict[str, float]


def train(
    task: Task,
    method: Method,
    params: Params,
    open_cohort: Opener,
    masks: ReferenceMasks | None,
    checkpoint: Path,
    facts: dict[str, Any],
    start: Start | None = None,
) -> Trained:
    """Train on `train`, choose the checkpoint and the threshold on the values of `val`.

    Args:
        task: The biomarker.
        method: The method; only one that is supervised by masks is given them.
        params: All parameters.
        open_cohort: Opens splits of the prepared cohort.
        masks: Reference masks for the segmenter, None for all others.
        checkpoint: Folder for the resumable state.
        facts: Data md5 and the like, recorded in the package.
        start: The model whose weights are the first ones; random weights without it.

    Raises:
        DataError: The training or validation split is empty.
        UsageError: The model to start from does not fit.
    """
    _settle(params)
    section = params.task(task.name)
    spec = spec_of(task, method, section)
    if start is not None:
        check_start(start, spec)
        facts = {**facts, "started_from": start.facts}
    train_cohort, val_cohort = open_cohort(["train"]), open_cohort(["val"])
    if not len(train_cohort) or not len(val_cohort):
        raise DataError(
            f"{task.name}: the splits train and val must not be empty ({len(train_cohort)} and {len(val_cohort)} cases)"
        )
    given = masks if method.supervision == "mask" else None
    split = load_split(train_cohort, given)
    seed = zlib.crc32(f"{params.seed}/{task.name}/{method.name}".encode())
    torch.manual_seed(seed)
    spec = _fitted(spec, task, split)
    network = Network(spec) if start is None else started(spec, start)
    is_sharp = start is not None and start.package.spec.sharpness == spec.sharpness
    precision = resolve(params.precision)
    setting = Setting(section.training, seed, precision, is_sharp=is_sharp)
    key = {
        "params": section.model_dump(mode="json"),
        "seed": seed,
        "threads": params.threads,
        "precision": precision,
        "method": method.name,
        **facts,
    }
    network, progress = _run(Loop(network, split, load_split(val_cohort), setting, checkpoint, key))
    package = finish(network, train_cohort, val_cohort, facts)
    return Trained(package, progress.history, {"val_value_error": progress.best_error, "step": progress.best_step})


def _run(loop: Loop) -> tuple[Network, Progress]:
    """The trained network on the processor, and how it went; a GPU is free again for another training meanwhile."""
    network, progress = loop.run().cpu(), loop.progress
    del loop
    torch.cuda.empty_cache()
    return network, progress


def _settle(params: Params) -> None:
    torch.set_num_threads(params.threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
    torch.use_deterministic_algorithms(True, warn_only=True)
    # By default every empty tensor is then filled with not-a-numbers, a sixth of a step; nothing here reads one unwritten.
    deterministic: Any = torch.utils.deterministic  # torch's stubs lack the switch
    deterministic.fill_uninitialized_memory = False


def spec_of(task: Task, method: Method, section: TaskParams) -> Spec:
    """The network that the parameters ask for, its output not yet fitted to any values."""
    chosen = section.training
    sees_more, improved = method.sees_candidates and not method.plain, method.supervision == "value" and not method.plain
    return Spec(
        task=task.name,
        method=method.name,
        encoder=chosen.encoder,
        decoder_channels=tuple(chosen.decoder_channels),
        size=section.grid.size,
        pixel_mm=section.grid.pixel_mm,
        patch=section.grid.patch,
        subpixels=chosen.subpixels,
        whole_lesions=chosen.whole_lesions and task.rule == "lesions" and improved and method.output == "map",
        pooled=chosen.pool_lesions and not method.plain,
        depth=chosen.inputs.depth and task.depth and sees_more,
        fat_depth=chosen.inputs.fat_depth and task.depth and sees_more,
        folded=chosen.inputs.folded and sees_more,
        deviation=chosen.inputs.deviation and task.relative_window is not None and sees_more,
        sharpness=chosen.sharpness if improved else 1.0,
        mirrored=chosen.augment.flip and not method.plain,
        smoothing=chosen.smoothing if improved and method.output == "map" else 1,
    )


def _fitted(spec: Spec, task: Task, split: Split) -> Spec:
    """The network with an output that begins near the training values."""
    values = split.values.numpy().astype(np.float64)
    scale = max(float(values.std()), 1e-6)
    if task.volume:  # a volume's number is a sum over its views: start near the median score
        scale = max(float(np.median(values)), 1.0) / max(len(split.views.views.sample) / len(values), 1.0)
    return replace(
        spec,
        offset=0.0 if task.volume else float(values.mean()),
        scale=scale,
        prior=float(values.sum() / max(split.candidate_sums.sum(), 1e-6)),
    )
