"""Where things are: the repository's root and the paths of the study below it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bioloc.errors import UsageError
from bioloc.files import md5


def key_of(package: Path) -> str:
    """The key of the run that made a package's folder: 16 digits of its digest."""
    return md5(package)[:16]


@dataclass(frozen=True)
class Project:
    """The study's folders; every path is below `root`, so a moved repository still works."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """The project around `start`, the variable BIOLOC_ROOT, or the current folder.

        Raises:
            UsageError: No folder upwards holds params.yaml and dvc.yaml.
        """
        at = (start or Path(os.environ.get("BIOLOC_ROOT") or Path.cwd())).resolve()
        for folder in (at, *at.parents):
            if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
                return cls(folder)
        raise UsageError(
            f"{at} is not inside a bioloc repository (a folder with params.yaml and dvc.yaml): go there, or set BIOLOC_ROOT"
        )

    def raw(self, task: str) -> Path:
        """The cohort as NIfTI and manifest."""
        return self.root / "data" / "raw" / task

    def cohort(self, task: str) -> Path:
        """Samples on the working grid."""
        return self.root / "data" / "cohorts" / task

    def masks(self, task: str) -> Path:
        """Reference masks, packed."""
        return self.root / "data" / "masks" / task

    def candidates(self, task: str) -> Path:
        """Candidate masks and their worth."""
        return self.root / "data" / "candidates" / task

    def model(self, task: str, method: str) -> Path:
        """A trained model's package and its record."""
        return self.root / "models" / task / method

    def left_out(self, task: str, method: str) -> Path:
        """What says why there is no model: the cohort cannot train the method."""
        return self.model(task, method) / "package" / "left_out.json"

    def validation(self, task: str) -> Path:
        """The data validation's result."""
        return self.root / "reports" / "validation" / f"{task}.json"

    def evaluation(self, task: str, method: str) -> Path:
        """Per-case predictions, metrics and figures."""
        return self.root / "reports" / "evaluation" / task / method

    def cross_validation(self, task: str, method: str) -> Path:
        """Out-of-fold predictions and their metrics."""
        return self.root / "reports" / "cross-validation" / task / method

    def comparison(self, task: str) -> Path:
        """Paired statistics between methods."""
        return self.root / "reports" / "comparison" / f"{task}.json"

    def promotion(self, task: str) -> Path:
        """What promotion decided, and why."""
        return self.root / "reports" / "registry" / f"{task}.json"

    def card(self, task: str) -> Path:
        """The model card of the champion."""
        return self.root / "reports" / "cards" / f"{task}.md"

    @property
    def registry_log(self) -> Path:
        """The append-only list of promotions and rollbacks."""
        return self.root / "reports" / "registry" / "log.jsonl"

    @property
    def state(self) -> Path:
        """Checkpoints, locks and other things that may be deleted."""
        return self.root / ".bioloc"
