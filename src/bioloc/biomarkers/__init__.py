"""The biomarkers' arithmetic: areas, Agatston scores, and the candidate regions they add up. numpy and scipy only."""

from bioloc.biomarkers.candidates import Candidates, find_candidates
from bioloc.biomarkers.measure import Measurement, measure

__all__ = ["Candidates", "Measurement", "find_candidates", "measure"]
