"""Bring a source's scans into data/raw in the form of a user's own cohort; each file is copied once."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bioloc.cohorts.inspect import Usable, inspect
from bioloc.cohorts.manifest import Case, write_manifest
from bioloc.cohorts.sources.found import Skipped
from bioloc.cohorts.sources.registry import Chosen
from bioloc.errors import DataError
from bioloc.files import written_aside
from bioloc.tasks import Task

MANIFEST, SKIPPED = "manifest.csv", "skipped.csv"
_DETACHED = (".mhd", ".nhdr")


def take_over(chosen: Chosen, task: Task, folder: Path, workers: int) -> list[Skipped]:
    """Write manifest.csv, images/, masks/, regions/ and skipped.csv; returns what was skipped.

    Slices that were to be found and values that were to be measured are in the manifest, where a person can see them.

    Raises:
        DataError: No scan can be used, or more than half of those that the source found cannot.
    """
    found = chosen.find(task)
    for name in ("images", "masks", "regions"):
        (folder / name).mkdir()
    usable, failed = _split(inspect(found.cases, task, chosen.source.samples, workers, folder / "regions"))
    if too_many(len(failed), len(found.cases)):
        first = f"the first is {failed[0].what}: {failed[0].reason}"
        raise DataError(f"{chosen.path}: {len(failed)} of {len(found.cases)} scans cannot be used; {first}")
    copies = _Copies(folder)
    rows = [_row(sample, scan.found.case_id, copies) for scan in usable for sample in scan.samples]
    write_manifest(folder / MANIFEST, rows)
    skipped = [*found.skipped, *failed]
    write_skipped(folder / SKIPPED, skipped)
    return skipped


def survey(chosen: Chosen, task: Task, workers: int) -> dict[str, Any]:
    """What `take_over` would bring, as JSON content; every scan is opened and nothing is written.

    Raises:
        DataError: No scan can be used.
    """
    found = chosen.find(task)
    usable, failed = _split(inspect(found.cases, task, chosen.source.samples, workers, None))
    if not usable:
        raise DataError(f"{chosen.path}: none of {len(failed)} scans can be used ({failed[0].what}: {failed[0].reason})")
    samples = [sample for scan in usable for sample in scan.samples]
    return {
        "n_patients": len({sample.patient_id for sample in samples}),
        "n_scans": len({sample.image for sample in samples}),
        "n_samples": len(samples),
        "values_given": sum(len(scan.samples) for scan in usable if scan.found.value is not None),
        "values_measured": sum(len(scan.samples) for scan in usable if scan.found.value is None),
        "splits": dict(Counter(sample.split for sample in samples)),
        "skipped": [{"what": one.what, "reason": one.reason} for one in (*found.skipped, *failed)],
        "would_stop": too_many(len(failed), len(found.cases)),
    }


def too_many(failed: int, scans: int) -> bool:
    """Whether so many scans of a source cannot be used that the cause must be another: more than half (our choice)."""
    return failed * 2 > scans


def write_skipped(path: Path, skipped: Sequence[Skipped]) -> None:
    """Write skipped.csv: what, and for what reason."""
    with written_aside(path) as aside:
        table = pd.DataFrame([(one.what, one.reason) for one in skipped], columns=["what", "reason"])
        table.to_csv(aside, index=False, lineterminator="\n")


def _split(results: Iterable[Usable | Skipped]) -> tuple[list[Usable], list[Skipped]]:
    everything = list(results)
    return [one for one in everything if isinstance(one, Usable)], [one for one in everything if isinstance(one, Skipped)]


def _row(case: Case, scan: str, copies: _Copies) -> dict[str, str]:
    return {
        "case_id": case.case_id,
        "patient_id": case.patient_id,
        "image": copies.take(case.image, "images", scan),
        "value": f"{case.value:.10g}",
        "unit": case.unit,
        "split": case.split,
        "mask": copies.take(case.mask, "masks", scan),
        "mask_label": " ".join(map(str, case.mask_labels)),
        "region": copies.take(case.region, "regions", scan),
        "slice": "" if case.slice_number is None else str(case.slice_number),
    }


class _Copies:
    """Files of a source below data/raw, each once, however many samples share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: dict[tuple[Path, str], str] = {}

    def take(self, source: Path | None, kind: str, scan: str) -> str:
        """The name below data/raw of a source's file."""
        if source is None:
            return ""
        if source.is_relative_to(self._folder):  # a region that was written there
            return source.relative_to(self._folder).as_posix()
        if (source, kind) not in self._taken:
            self._taken[source, kind] = self._bring(source, f"{kind}/{scan}")
        return self._taken[source, kind]

    def _bring(self, source: Path, name: str) -> str:
        if source.is_dir():
            ignore = shutil.ignore_patterns("._*")
            shutil.copytree(source, self._folder / name, ignore=ignore)
        elif source.suffix.lower() in _DETACHED:
            name = f"{name}.mha"
            _join(source, self._folder / name)
        else:
            name += ".nii.gz" if source.name.lower().endswith(".nii.gz") else source.suffix
            shutil.copy2(source, self._folder / name)  # no hard link: DVC shares data/raw with its cache, write-protected
        return name


def _join(source: Path, target: Path) -> None:
    """A header that names its data file would lose it: both become one file."""
    import SimpleITK as sitk

    sitk.WriteImage(sitk.ReadImage(str(source)), str(target))
