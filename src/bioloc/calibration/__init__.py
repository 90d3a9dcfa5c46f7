"""How sure a value is: intervals, a flag for unusual inputs, and a local correction. Arithmetic on numbers, no network."""

from bioloc.calibration.calibration import Calibration, Uncertainty
from bioloc.calibration.features import FEATURES, features_of
from bioloc.calibration.interval import Interval, coverage, fit_interval
from bioloc.calibration.line import Line, Trial, try_line
from bioloc.calibration.novelty import Novelty, fit_novelty

__all__ = [
    "FEATURES",
    "Calibration",
    "Interval",
    "Line",
    "Novelty",
    "Trial",
    "Uncertainty",
    "coverage",
    "features_of",
    "fit_interval",
    "fit_novelty",
    "try_line",
]
