"""Coronary calcium: the orCaScore challenge's non-contrast scans with reference masks (Wolterink et al., Med Phys 2016;43:2361).

Labels 1 (LAD with the left main), 2 (LCX) and 3 (RCA). How the files are called was not verified: pairs are found by
name, TRV1P1CTI with TRV1P1R, x or x_image with x_label, x_mask or x_reference, or equal names in two folders.
"""

from __future__ import annotations

import re
from pathlib import Path

from bioloc.cohorts.manifest import Case, split_of
from bioloc.cohorts.sources.found import Found, Skipped, listed
from bioloc.tasks import Task

ARTERIES = (1, 2, 3)
_NAME = re.compile(r"(?P<scan>.+?)(?P<kind>CTAI|CTI|R|_image|_label|_mask|_reference)?\.(mhd|mha|nii|nii\.gz)")
_REFERENCES = ("R", "_label", "_mask", "_reference")
_REFERENCE_FOLDER = re.compile("reference|label|mask|segmentation", re.IGNORECASE)


def find(folder: Path, task: Task) -> Found:
    """Non-contrast scans that have a reference; contrast-enhanced scans (CTAI) are skipped."""
    images: dict[str, Path] = {}
    references: dict[str, Path] = {}
    skipped = []
    for path in listed(folder, "**/*.mhd", "**/*.mha", "**/*.nii", "**/*.nii.gz"):
        parts = _NAME.fullmatch(path.name)
        scan, kind = (parts["scan"], parts["kind"]) if parts else (path.name, None)
        if kind == "CTAI":
            skipped.append(Skipped(path.name, "contrast-enhanced (CTA): it has no Agatston score"))
        elif kind in _REFERENCES or (kind is None and _REFERENCE_FOLDER.search(path.parent.name)):
            references[scan] = path
        else:
            images[scan] = path
    cases = []
    for scan, image in images.items():
        mask, name = references.pop(scan, None), f"orcascore-{scan}"
        if mask is None:
            skipped.append(Skipped(image.name, "no reference of its name"))
        else:
            cases.append(Case(name, name, image, None, task.unit, split_of(name), mask=mask, mask_labels=ARTERIES))
    return Found(cases, skipped + [Skipped(path.name, "no scan of its name") for path in references.values()])
