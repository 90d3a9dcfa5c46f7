"""The only place that imports timm (segmentation-models-pytorch does too), and how to get it imported.

On a CPU build of torch the package index's torchvision cannot load its compiled operators, and its import then
fails on missing operator schemas; declaring them is enough, since nothing here calls them.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import torch

from bioloc.errors import UsageError

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[Any] = []
_library: Any = torch.library.Library


def import_backbones() -> tuple[Any, Any]:
    """The modules timm and segmentation_models_pytorch."""
    try:
        import torchvision  # noqa: F401  # the import itself is the question
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        library: Any = _library("torchvision", "DEF")
        for schema in _SCHEMAS:
            library.define(schema)
        _declared.append(library)  # a library that is collected takes its schemas along
    import segmentation_models_pytorch as smp
    import timm

    return timm, smp


def check_encoder(name: str) -> None:
    """Raise unless timm has an encoder called `name` that a U-Net can use.

    Raises:
        UsageError: It has not; the message names some that are near.
    """
    timm, _ = import_backbones()
    known = timm.list_models()
    if name in known:
        return
    near = get_close_matches(name, known, n=4) or ["regnetx_002", "resnet10t", "resnet18"]
    raise UsageError(f"timm has no encoder '{name}': take for example {', '.join(near)}")
