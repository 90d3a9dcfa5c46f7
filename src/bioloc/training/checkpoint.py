"""Where a training stands, on disk: a killed run goes on from its last check."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from bioloc.files import folder_written_aside, read_json, write_json


@dataclass
class Progress:
    """What the loop needs to go on."""

    step: int = 0
    best_error: float = float("inf")
    best_step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def save_checkpoint(
    folder: Path, key: dict[str, Any], progress: Progress, tensors: dict[str, dict[str, Tensor]], optimizer: dict[str, Any]
) -> None:
    """Write everything, whole or not at all; `key` says what this training is."""
    with folder_written_aside(folder) as aside:
        for name, state in tensors.items():
            save_file({k: v.detach().cpu().contiguous() for k, v in state.items()}, aside / f"{name}.safetensors")
        numbers, flat = _split_optimizer(optimizer)
        save_file(flat, aside / "optimizer.safetensors")
        write_json(aside / "progress.json", {"key": key, "optimizer": numbers, **progress.__dict__})


def load_checkpoint(folder: Path, key: dict[str, Any]) -> tuple[Progress, dict[str, dict[str, Tensor]], dict[str, Any]] | None:
    """What `save_checkpoint` wrote for the same `key`; None when there is nothing of the kind."""
    if not (folder / "progress.json").is_file():
        return None
    content = read_json(folder / "progress.json")
    if content.pop("key") != json.loads(json.dumps(key)):
        shutil.rmtree(folder)
        return None
    numbers = content.pop("optimizer")
    tensors = {file.stem: load_file(file) for file in folder.glob("*.safetensors")}
    optimizer = _join_optimizer(numbers, tensors.pop("optimizer"))
    content["best_error"] = float("inf") if content["best_error"] is None else content["best_error"]
    return Progress(**content), tensors, optimizer


def _split_optimizer(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    flat = {
        f"{index}.{name}": value.detach().cpu().contiguous()
        for index, entry in state["state"].items()
        for name, value in entry.items()
    }
    return {"param_groups": state["param_groups"]}, flat


def _join_optimizer(numbers: dict[str, Any], flat: dict[str, Tensor]) -> dict[str, Any]:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in flat.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    return {"state": state, "param_groups": numbers["param_groups"]}


__all__ = ["Progress", "load_checkpoint", "save_checkpoint"]
