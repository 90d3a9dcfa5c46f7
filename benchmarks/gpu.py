"""Training on a GPU at the paper's size, images/s: data on the device and compiled, each against doing without: gpu.json.

All are trained in turns in one run on random images; steps are those of the pma localizer of study/paper/params.yaml.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from common import ended, machine, split_of

from bioloc.errors import UsageError
from bioloc.files import write_json
from bioloc.methods import get_method
from bioloc.networks.network import Network
from bioloc.params import TaskParams, read_params
from bioloc.project import Project
from bioloc.tasks import get_task
from bioloc.training import loop as loops
from bioloc.training.data import Split
from bioloc.training.loop import Loop, Setting
from bioloc.training.train import spec_of

IMAGES, STEPS, ROUNDS = 1024, 50, 3
WAYS: dict[str, dict[str, Any]] = {
    "float32, data on the processor": {"precision": "32-true", "resident": False, "compiled": False},
    "bfloat16, data on the processor": {"precision": "bf16-mixed", "resident": False, "compiled": False},
    "bfloat16, data on the GPU": {"precision": "bf16-mixed", "resident": True, "compiled": False},
    "bfloat16, data on the GPU, compiled": {"precision": "bf16-mixed", "resident": True, "compiled": True},
}


def main() -> None:
    """Measure and write benchmarks/gpu.json."""
    if not torch.cuda.is_available():
        raise UsageError("this benchmark is of a GPU, and torch finds none")
    project = Project.find(Path(__file__).parents[1])
    section = read_params(project.root / "study" / "paper").task("pma")
    split = _split(section.grid.size)
    made = {name: _loop(section, split, **way) for name, way in WAYS.items()}
    first = {name: _seconds(one, 3) for name, one in made.items()}  # allocations, choice of algorithms, compilation
    speeds = dict.fromkeys(made, 0.0)
    for _ in range(ROUNDS):
        for name, one in made.items():
            speeds[name] = max(speeds[name], STEPS * one.setting.params.batch_size / _seconds(one, STEPS))
    slowest = min(speeds.values())
    rows = {
        name: {"images_per_s": round(speed, 1), "ratio": round(speed / slowest, 2), "first_steps_s": round(first[name], 1)}
        for name, speed in speeds.items()
    }
    for name, row in rows.items():
        print(f"{name}: {row['images_per_s']:.0f} images/s, {row['ratio']:.2f} x; first three steps {row['first_steps_s']:.1f} s")
    write_json(Path(__file__).with_name("gpu.json"), {"machine": machine(project), "training": rows})


def _split(size: int) -> Split:
    """Random images and depths, two fifths of the pixels candidates."""
    rng, shape = np.random.default_rng(0), (IMAGES, 1, size, size)
    hu = rng.integers(-1000, 1000, shape, dtype=np.int16)
    worth = np.float32(0.027) * (rng.random(shape, dtype=np.float32) < 0.4)
    return split_of(hu, worth, rng.integers(0, 255, (IMAGES, 1, 2, size, size), dtype=np.uint8))


def _loop(section: TaskParams, split: Split, precision: str, resident: bool, compiled: bool) -> Loop:
    network = Network(spec_of(get_task("pma"), get_method("localizer"), section))
    setting = Setting(section.training.model_copy(update={"compiled": compiled}), 0, precision)
    with patch.object(loops, "resident", loops.resident if resident else lambda split, _: split):
        return Loop(network, split, split, setting, Path("/nonexistent"), {})


def _seconds(one: Loop, steps: int) -> float:
    """Seconds of so many steps, from where self-training and averaging are on."""
    rng = np.random.default_rng(0)
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(steps):
        one._step(one.steps - 1, rng.integers(0, IMAGES, one.setting.params.batch_size))
    torch.cuda.synchronize()
    return time.perf_counter() - begun


if __name__ == "__main__":
    raise SystemExit(ended(main))
