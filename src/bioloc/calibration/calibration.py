"""All that a package knows of its own certainty, and what it says of one prediction."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bioloc.calibration.conformal import Array
from bioloc.calibration.interval import Interval
from bioloc.calibration.line import Line
from bioloc.calibration.novelty import Novelty


@dataclass(frozen=True)
class Uncertainty:
    """How sure a prediction is; None where the model does not know.

    Attributes:
        interval_low: Lower end of the prediction interval, in the task's unit.
        interval_high: Upper end.
        interval_level: Nominal coverage, 0.9.
        unlike_training: Whether the input is unlike the cases that the model was trained or calibrated on.
        novelty: How far it lies from them; 1 is the limit.
    """

    interval_low: float | None = None
    interval_high: float | None = None
    interval_level: float | None = None
    unlike_training: bool | None = None
    novelty: float | None = None

    @property
    def warning(self) -> str | None:
        """What to tell of an input unlike the training data, or None."""
        if not self.unlike_training:
            return None
        return (
            f"the scan is unlike those that the model was trained or calibrated on (novelty {self.novelty:.2f}, limit 1): "
            "value and interval may be wrong"
        )

    def row(self) -> dict[str, Any]:
        """Its part of a result row."""
        return asdict(self)


@dataclass(frozen=True)
class Calibration:
    """What was fitted on cases that the network did not learn from; None where nothing was.

    Attributes:
        interval: Prediction intervals.
        novelty: The distance from known cases.
        line: The correction for a local scanner.
    """

    interval: Interval | None = None
    novelty: Novelty | None = None
    line: Line | None = None

    def corrected(self, value: float) -> float:
        """The value that is reported for a network's value, in the task's unit."""
        return value if self.line is None else float(self.line.of(np.array([value]))[0])

    def uncertainty(self, value: float, features: Array) -> Uncertainty:
        """How sure a corrected value is, given the (F,) features of its input."""
        low, high, level, unlike, novelty = None, None, None, None, None
        if self.interval is not None:
            low, high = (float(end[0]) for end in self.interval.bounds(np.array([value])))
            level = self.interval.level
        if self.novelty is not None:
            novelty = self.novelty.of(features)
            unlike = novelty > 1
        return Uncertainty(low, high, level, unlike, novelty)

    def to_dict(self) -> dict[str, Any]:
        """JSON content, null for what there is not."""
        parts = {"interval": self.interval, "novelty": self.novelty, "recalibration": self.line}
        return {name: None if part is None else part.to_dict() for name, part in parts.items()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Calibration:
        """What `to_dict` gave, among other keys or without some.

        Raises:
            RegistryError: A part is of another format.
        """
        interval, novelty, line = (content.get(name) for name in ("interval", "novelty", "recalibration"))
        return cls(
            None if interval is None else Interval.from_dict(interval),
            None if novelty is None else Novelty.from_dict(novelty),
            None if line is None else Line.from_dict(line),
        )
