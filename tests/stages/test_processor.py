"""Threads are those of params.yaml, and freed memory stays with the process."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bioloc.params import read_params
from bioloc.stages.processor import settle

ROOT = Path(__file__).parents[2]
FAULTS = """
import resource, sys
from pathlib import Path
import torch
from bioloc.params import read_params
from bioloc.stages.processor import settle
if sys.argv[2] == "settled":
    settle(read_params(Path(sys.argv[1])))
for _ in range(2):
    torch.ones(2**23)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    torch.ones(2**23)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    ran = subprocess.run([sys.executable, "-c", FAULTS, str(ROOT), how], check=True, capture_output=True, text=True)
    return int(ran.stdout)


def test_threads_are_those_of_the_parameters() -> None:
    before = torch.get_num_threads()
    try:
        settle(read_params(ROOT).model_copy(update={"threads": 2}))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc is told to keep memory")
def test_a_tensor_takes_the_pages_of_the_one_before() -> None:
    assert 3 * faults("settled") < faults("as it is")
