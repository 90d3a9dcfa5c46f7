"""Liver tumours: the Medical Segmentation Decathlon's Task03_Liver, and LiTS, of which it is a new packing.

One label file is both: labels 1 (liver) and 2 (tumour) are the organ, 2 alone is the target. The same 131 patients
are in both data sets, so they are never mixed. MSD: Antonelli et al., Nat Commun 2022;13:4128. LiTS: Bilic et al.,
Med Image Anal 2023;84:102680.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from bioloc.cohorts.manifest import Case, split_of
from bioloc.cohorts.sources.found import Found, Opened, Skipped, listed, located, slices_with
from bioloc.tasks import Task

STEP_MM = 20.0
"""Between the slices of a volume that become samples: our choice, some ten a liver, hardly alike."""
LIVER, TUMOUR = 1, 2


def find_msd(folder: Path, task: Task) -> Found:
    """The 131 labelled volumes of Task03_Liver."""
    root = located(folder, "imagesTr").parent
    images, labels = (listed(root / name, "liver_*.nii.gz", "liver_*.nii") for name in ("imagesTr", "labelsTr"))
    found = _paired(images, labels, "liver", task)
    unlabelled = listed(root, "imagesTs/liver_*.nii*")
    if unlabelled:
        found.skipped.append(Skipped("imagesTs", f"{len(unlabelled)} scans of the challenge's test set, which have no labels"))
    return found


def find_lits(folder: Path, task: Task) -> Found:
    """The labelled volumes of LiTS, in whatever folders they were unpacked to."""
    images, labels = (listed(folder, f"**/{name}-*.nii", f"**/{name}-*.nii.gz") for name in ("volume", "segmentation"))
    return _paired(images, labels, "lits", task)


def through_the_liver(case: Case, scan: Opened) -> list[Case]:
    """Samples of one patient: a slice every 20 mm through the liver, in its middle."""
    inside = slices_with(scan.region)
    step = max(1, round(STEP_MM / scan.ct.spacing_mm[0]))
    first = (len(inside) - 1) % step // 2
    return [replace(case, case_id=f"{case.case_id}-z{number:03d}", slice_number=int(number)) for number in inside[first::step]]


def _paired(images: list[Path], labels: list[Path], name: str, task: Task) -> Found:
    label_of = {_number(path): path for path in reversed(labels)}
    cases: dict[str, Case] = {}
    skipped = []
    for image in images:
        number = _number(image)
        case_id, label = f"{name}_{number}", label_of.pop(number, None)
        if case_id in cases:
            skipped.append(Skipped(image.name, f"another scan of the number {number} is taken: {cases[case_id].image}"))
        elif label is None:
            skipped.append(Skipped(image.name, "no label file of its number"))
        else:
            cases[case_id] = Case(
                case_id=case_id,
                patient_id=case_id,
                image=image,
                value=None,
                unit=task.unit,
                split=split_of(case_id),
                region=label,
                region_labels=(LIVER, TUMOUR),
                mask=label,
                mask_labels=(TUMOUR,),
            )
    skipped += [Skipped(label.name, "no scan of its number") for label in label_of.values()]
    return Found(list(cases.values()), skipped)


def _number(path: Path) -> str:
    digits = re.search(r"(\d+)\.nii", path.name)
    return digits[1] if digits else path.name
