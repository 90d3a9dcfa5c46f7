"""Whether a scan suits a task: what was seen that speaks against it, why it matters, and what to do."""

from bioloc.fitness.check import check_fitness
from bioloc.fitness.finding import Finding, Severity

__all__ = ["Finding", "Severity", "check_fitness"]
