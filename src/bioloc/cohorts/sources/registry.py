"""The sources, as data. A further one is one more module with `find`, and one more entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bioloc.cohorts.manifest import Case, is_manifest, read_manifest
from bioloc.cohorts.sources import coca, liver, nlst, orcascore, saros, totalsegmentator
from bioloc.cohorts.sources.found import Found, Opened
from bioloc.errors import DataError, ParameterError
from bioloc.tasks import TASKS, Task

_ARCHIVES = (".tar", ".zip", ".tgz", ".gz", ".7z")


def _of_manifest(path: Path, task: Task) -> Found:
    return Found(read_manifest(path, task), [])


def _itself(case: Case, _: Opened) -> list[Case]:
    return [case]


@dataclass(frozen=True)
class Source:
    """A kind of cohort.

    Attributes:
        name: As in params.yaml, before the colon.
        title: What it is.
        licence: Of the data; (m) where it was not read in a source.
        tasks: Biomarkers that it has scans for.
        layout: What is looked for, for messages.
        find: Lists scans and values; no scan is opened.
        samples: From a case and its opened scan to the samples of the cohort: itself, or slices of it.
    """

    name: str
    title: str
    licence: str
    tasks: tuple[str, ...]
    layout: str
    find: Callable[[Path, Task], Found]
    samples: Callable[[Case, Opened], list[Case]] = _itself


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source("manifest", "a table of one's own", "your own", tuple(TASKS), "rows", _of_manifest),
        Source(
            "msd-liver",
            "Medical Segmentation Decathlon, Task03_Liver",
            "CC BY-SA 4.0 (m)",
            ("liver",),
            "imagesTr/liver_N.nii.gz and labelsTr/liver_N.nii.gz",
            liver.find_msd,
            liver.through_the_liver,
        ),
        Source(
            "lits",
            "LiTS, the Liver Tumor Segmentation challenge",
            "CC BY-NC-ND 4.0",
            ("liver",),
            "volume-N.nii and segmentation-N.nii",
            liver.find_lits,
            liver.through_the_liver,
        ),
        Source(
            "coca-gated",
            "Stanford COCA, gated scans with outlines",
            "Stanford research use, no redistribution",
            ("cac",),
            "Gated_release_final/patient/ID/*/*.dcm and calcium_xml/ID.xml",
            coca.find_gated,
        ),
        Source(
            "coca-nongated",
            "Stanford COCA, non-gated chests with scores",
            "Stanford research use, no redistribution",
            ("cac",),
            "deidentified_nongated/ID/*/*.dcm and scores.xlsx",
            coca.find_nongated,
        ),
        Source(
            "nlst",
            "National Lung Screening Trial with a table of scores",
            "as TCIA and the table's makers grant it",
            ("cac",),
            "PID/*/*.dcm and a CSV with PID and CAC_manual",
            nlst.find,
        ),
        Source(
            "orcascore",
            "orCaScore challenge, non-contrast scans with references",
            "as the challenge grants it (m)",
            ("cac",),
            "scans and references as .mhd",
            orcascore.find,
        ),
        Source(
            "saros",
            "SAROS, sparse body regions",
            "CC BY or CC BY-NC, by collection",
            ("sfa",),
            "case_XXX/image.nii.gz and case_XXX/body-regions.nii.gz",
            saros.find,
            saros.above_the_heart,
        ),
        Source(
            "totalsegmentator",
            "TotalSegmentator data set with values of one's own",
            "CC BY 4.0",
            ("pma", "sfa", "cac", "liver"),
            "sXXXX/ct.nii.gz with values in values.csv",
            totalsegmentator.find,
        ),
    )
}


@dataclass(frozen=True)
class Chosen:
    """A source and where it lies."""

    source: Source
    path: Path

    def find(self, task: Task) -> Found:
        """Its scans and values.

        Raises:
            DataError: There is no scan that can be used.
        """
        found = self.source.find(self.path, task)
        if not found.cases:
            why = f" ({found.skipped[0].what}: {found.skipped[0].reason})" if found.skipped else ""
            raise DataError(f"{self.path}: no usable scan of {self.source.name}{why}: {self.source.layout} are expected")
        return found


def choose(text: str, task: Task, root: Path) -> Chosen:
    """The source that `tasks.<task>.source` names: NAME:PATH, or the path of a manifest; relative to `root`.

    Raises:
        ParameterError: There is no such source, or it has nothing of the task.
        DataError: There is no such folder, or it is an archive.
    """
    name, _, place = text.partition(":")
    if name not in SOURCES and is_manifest(Path(text)):
        name, place = "manifest", text
    if name not in SOURCES or not place:
        known = ", ".join(SOURCES)
        raise ParameterError(
            f"source '{text}': give phantom, the path of a manifest (.csv or .parquet), or NAME:PATH with a NAME of {known}"
        )
    source = SOURCES[name]
    if task.name not in source.tasks:
        raise ParameterError(f"source '{text}': {name} is for {', '.join(source.tasks)}, it has nothing of {task.name}")
    path = (root / Path(place).expanduser()).resolve()
    if name != "manifest" and not path.is_dir():
        what = "is an archive: unpack it (`tar -xf`, `unzip`) and name" if path.suffix in _ARCHIVES else "is no folder: name"
        raise DataError(f"{path} {what} the folder that {source.title} was unpacked to")
    return Chosen(source, path)
