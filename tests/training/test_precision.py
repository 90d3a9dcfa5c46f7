"""`auto` is bfloat16 only where it is multiplied in hardware, and faster."""

from __future__ import annotations

import pytest
import torch

from bioloc.training.precision import _gain, resolve


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
def test_what_is_asked_for_is_taken(precision: str) -> None:
    assert resolve(precision) == precision


@pytest.mark.parametrize(
    ("capabilities", "gain", "expected"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, 2.0, "32-true"),
        ({"avx512_f": True, "avx512_bf16": True}, 1.6, "bf16-mixed"),
        ({"avx512_f": True, "avx512_bf16": True}, 0.75, "32-true"),
        ({"neon": True, "bf16": True}, 1.3, "bf16-mixed"),
        ({}, 2.0, "32-true"),
    ],
)
def test_auto_asks_the_processor_and_measures(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], gain: float, expected: str
) -> None:
    monkeypatch.setattr("bioloc.training.precision._gain", lambda: gain)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert resolve("auto") == expected


def test_auto_is_single_precision_where_torch_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert resolve("auto") == "32-true"


@pytest.mark.parametrize(("supported", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_auto_asks_the_gpu(monkeypatch: pytest.MonkeyPatch, supported: bool, expected: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert resolve("auto") == expected


def test_measuring_leaves_the_randomness_of_a_training_alone() -> None:
    state = torch.random.get_rng_state()
    assert _gain.__wrapped__() > 0
    assert torch.equal(torch.random.get_rng_state(), state)
