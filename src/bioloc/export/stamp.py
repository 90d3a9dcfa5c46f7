"""What is the same in all objects of a prediction: who made it, and under which identifiers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import UID, generate_uid

from bioloc import __version__
from bioloc.tasks import Task

MAKER = "bioloc"
_SERIES_NUMBERS = {"mask": 9001, "map": 9002, "report": 9003}
"""Far above a scanner's own; the standard only wants a number."""


@dataclass(frozen=True)
class Stamp:
    """Maker and identifiers; derived from what was predicted, so that a rerun makes the same objects and no second set.

    Attributes:
        task: The biomarker.
        model: Address of the model.
        series: UID of the source series.
        content: Digest of value and mask: another result is another object.
    """

    task: Task
    model: str
    series: str
    content: str

    def uid(self, name: str) -> UID:
        """The identifier of one thing of this prediction."""
        return generate_uid(entropy_srcs=[self.series, self.task.name, self.model, self.content, name])

    def header(self, name: str) -> dict[str, Any]:
        """Arguments of highdicom on series, instance and equipment of the object `name`; no text comes from the scan."""
        return {
            "series_instance_uid": self.uid(f"{name} series"),
            "series_number": _SERIES_NUMBERS[name],
            "sop_instance_uid": self.uid(name),
            "instance_number": 1,
            "manufacturer": MAKER,
            "manufacturer_model_name": MAKER,
            "software_versions": __version__,
            "device_serial_number": "none",
            "series_description": f"{MAKER} {self.task.name}: {name}",
        }


def digest(value: float, mask: NDArray[np.bool_]) -> str:
    """Digest of a predicted value and mask."""
    return hashlib.sha256(repr(value).encode() + np.packbits(mask).tobytes()).hexdigest()
