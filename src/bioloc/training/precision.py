"""Which number format a training multiplies in: bfloat16 where the processor is faster with it."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import torch
from torch import nn

_IN_HARDWARE = ("avx512_bf16", "amx_bf16", "bf16")
_MIXED, _SINGLE = "bf16-mixed", "32-true"
_WORTHWHILE = 1.15
"""Our choice: bfloat16 is to be so many times as fast, or float32 is taken, with which machines differ less."""
_ROUNDS = 10


def resolve(precision: str) -> str:
    """Fabric's name of a precision of params.yaml, where `auto` means the fastest that this machine has.

    A processor without bfloat16 multiplications emulates them, six to nine times as slow as float32 (measured: AVX2), and
    not every one that has them is faster with them (0.75 times: an Intel Xeon with AVX512-BF16 and without AMX).
    """
    if precision != "auto":
        return precision
    if torch.cuda.is_available():
        return _MIXED if torch.cuda.is_bf16_supported(including_emulation=False) else _SINGLE
    ask = getattr(torch.cpu, "get_capabilities", dict)  # it is younger than the oldest torch that is allowed
    capabilities: dict[str, bool] = ask()
    in_hardware = any(capabilities.get(name) for name in _IN_HARDWARE)
    return _MIXED if in_hardware and _gain() > _WORTHWHILE else _SINGLE


@cache
def _gain() -> float:
    """How many times as fast a few layers like our networks' are learnt in bfloat16 as in float32, on this processor."""
    with torch.random.fork_rng(devices=[]):  # a training's randomness does not depend on whether this was measured
        first, last = nn.Conv2d(32, 32, 3, padding=1), nn.Conv2d(32, 8, 3, padding=1)
        network: Any = nn.Sequential(first, nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 1), last)
        image = torch.randn(4, 32, 48, 48).to(memory_format=torch.channels_last)
    network = network.to(memory_format=torch.channels_last)
    # By turns, so that what else the machine does in this moment slows both.
    rounds = [(_step(network, image, False), _step(network, image, True)) for _ in range(_ROUNDS)]
    return min(single for single, _ in rounds) / min(mixed for _, mixed in rounds)


def _step(network: nn.Module, image: torch.Tensor, mixed: bool) -> float:
    begun = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        output = network(image)
    output.float().square().mean().backward()
    return time.perf_counter() - begun
