"""The real scans that models are looked at on: which they are, where they come from, and what is asked of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bioloc.errors import UsageError

_TOTALSEGMENTATOR = (
    "test data of TotalSegmentator (github wasserth/TotalSegmentator, Apache-2.0); the reference was made by a model and seen "
    "by no reader, and the slices are of the abdomen, which a fifth of the phantoms show"
)
_LUNG2 = "test data of pyradiomics (BSD-3-Clause), lung2: chest without contrast, 5 mm, heavy three-vessel coronary calcium"
_A0001 = "TCIA Lung-PET-CT-Dx (CC BY 4.0, doi 10.7937/TCIA.2020.NNC2-0461), A0001: chest without contrast, 5 mm"
_CIP = "test data of the Chest Imaging Platform (BSD-style), ct-64: chest without contrast, brought down to 4.2 mm pixels"


@dataclass(frozen=True)
class Subject:
    """A scan and what is asked of it.

    Attributes:
        task: The biomarker.
        name: The scan's short name.
        image: Its path below the scans' folder.
        origin: Where it comes from, and what its reference is, in words.
        to_see: What only the picture can tell, in words.
        reference: Path of a mask of the target, where there is one: all its slices are then measured.
        least_dice: The mean Dice that is wanted against the reference.
        category: The category that is wanted.
    """

    task: str
    name: str
    image: str
    origin: str
    to_see: str
    reference: str | None = None
    least_dice: float | None = None
    category: str | None = None

    @property
    def key(self) -> str:
        """Name of its picture, and of its part in the report."""
        return f"{self.task}-{self.name}"


SUBJECTS = (
    Subject(
        "sfa",
        "example_ct_sm",
        "totalsegmentator/example_ct_sm.nii.gz",
        _TOTALSEGMENTATOR,
        "whether the map stays under the skin, and out of the fat around the bowel",
        reference="totalsegmentator/example_seg_tissue_types/subcutaneous_fat.nii.gz",
        least_dice=0.80,
    ),
    Subject(
        "cac",
        "lung2",
        "pyradiomics/lung2_image.nrrd",
        _LUNG2,
        "whether the map lies on the coronaries, and not on the aorta, the valves or the hila",
        category=">400",
    ),
    Subject(
        "cac",
        "A0001",
        "lung_pet_ct_dx/Lung_Dx-A0001_5mm_B.nii.gz",
        _A0001,
        "whether it finds little or nothing: there is faint calcium near the left main artery",
    ),
    Subject("cac", "CIP", "chest_imaging_platform/ct-64.nrrd", _CIP, "where the map lies; the pixels are too large for a score"),
    Subject("pma", "A0001", "lung_pet_ct_dx/Lung_Dx-A0001_5mm_B.nii.gz", _A0001, "whether the map lies on the pectoralis"),
    Subject("pma", "lung2", "pyradiomics/lung2_image.nrrd", _LUNG2, "whether the map lies on the pectoralis"),
)


def scans_folder(folder: Path) -> Path:
    """`folder`, if it holds any of the scans.

    Raises:
        UsageError: It does not.
    """
    if not any((folder / subject.image).is_file() for subject in SUBJECTS):
        raise UsageError(
            f"{folder}: none of the real scans lies here: name their folder with --real, or in the variable BIOLOC_REAL_CT"
        )
    return folder
