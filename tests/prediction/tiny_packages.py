"""Untrained models as package folders."""

from __future__ import annotations

from pathlib import Path

import torch

from bioloc.inference.package import Package, save_package
from bioloc.networks.network import Network, Spec


def tiny(folder: Path, task: str, pixel_mm: float = 6.4, patch: int = 0) -> Path:
    torch.manual_seed(5)
    network = Network(Spec(task, "localizer", "test_resnet", (8, 8, 8, 8), 64, pixel_mm, patch))
    save_package(Package(network, 0.3), folder / task)
    return folder / task
