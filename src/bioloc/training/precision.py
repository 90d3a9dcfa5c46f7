"""Which number format a training multiplies in: bfloat16 where the processor does so in hardware."""

from __future__ import annotations

import torch

_IN_HARDWARE = ("avx512_bf16", "amx_bf16", "bf16")
_MIXED, _SINGLE = "bf16-mixed", "32-true"


def resolve(precision: str) -> str:
    """Fabric's name of a precision of params.yaml, where `auto` means the fastest that this machine has.

    A processor without bfloat16 multiplications emulates them, six to nine times as slow as float32 (measured: AVX2).
    """
    if precision != "auto":
        return precision
    if torch.cuda.is_available():
        return _MIXED if torch.cuda.is_bf16_supported(including_emulation=False) else _SINGLE
    ask = getattr(torch.cpu, "get_capabilities", dict)  # it is younger than the oldest torch that is allowed
    capabilities: dict[str, bool] = ask()
    return _MIXED if any(capabilities.get(name) for name in _IN_HARDWARE) else _SINGLE
