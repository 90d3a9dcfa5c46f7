"""What the scan's header says of how it was made."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bioloc.ct.acquisition import Acquisition
from bioloc.fitness.finding import Finding
from bioloc.fitness.kernels import is_sharp
from bioloc.tasks import Task

_VOLTAGE_TOLERANCE_KVP = 1.0
_NO_AGENT = frozenset(
    ["N", "NA", "N/A", "NATIVE", "NIL", "NO", "NON", "NONE", "NOT", "NULL", "UNENHANCED", "UNKNOWN", "W/O", "WITHOUT"]
)
_INTRAVENOUS = frozenset(["I", "IV", "INTRAVENOUS", "VENOUS"])
_ORAL = frozenset(["ORAL", "ORALLY", "PO", "RECTAL"])


def check_header(task: Task, acquisition: Acquisition) -> Iterator[Finding]:
    """Contrast agent, tube voltage and kernel, where the header names them and the task depends on them."""
    wanted = task.needs.tube_voltage_kvp
    low, high = task.hu_range
    if task.needs.unenhanced and acquisition.contrast_agent is not None and is_given(acquisition.contrast_agent):
        yield Finding(
            "contrast-header",
            "refuse",
            f"the header says that contrast medium was given, and enhanced blood counts as calcium from {low:g} HU: "
            "use an unenhanced series, or overrule the header if it is wrong, as headers sometimes are",
        )
    if wanted is not None and acquisition.kvp is not None and abs(acquisition.kvp - wanted) > _VOLTAGE_TOLERANCE_KVP:
        yield Finding(
            "tube-voltage",
            "refuse",
            f"the tube voltage is {acquisition.kvp:g} kVp, and the limit of {low:g} HU holds at {wanted:g} kVp: "
            "the same calcium has other HU here, so use a scan at that voltage",
        )
    if acquisition.kernel is not None and is_sharp(acquisition.kernel):
        yield Finding(
            "kernel",
            "warn",
            f"the kernel {acquisition.kernel} is a sharp one, whose noise and edges cross the limits of {low:g} to {high:g} HU "
            "that decide what counts: use the series with a soft-tissue kernel, if there is one",
        )


def is_given(agent: str) -> bool:
    """Whether a ContrastBolusAgent names an agent in the blood: not "NONE" or the like, and not only one for the gut."""
    words = re.findall(r"[A-Z/]+", agent.upper())
    if not words or words[0] in _NO_AGENT:
        return False
    return _ORAL.isdisjoint(words) or not _INTRAVENOUS.isdisjoint(words)
