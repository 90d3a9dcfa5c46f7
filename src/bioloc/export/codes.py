"""What DICOM calls each biomarker: coded concepts, as data. A fifth task is one more entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydicom.sr.coding import Code


@dataclass(frozen=True)
class Concepts:
    """The coded words for a task's mask and number.

    Attributes:
        category: Kind of thing that is segmented, of PS3.16 CID 7150.
        finding: The thing itself.
        sites: Where in the body it lies, the foremost first.
        measure: What the number is.
        unit: UCUM unit of the number, that of the task.
        method: How it is measured, where that has a name.
        laterality: DICOM's Frame Laterality of the sites: unpaired, or both sides.
    """

    category: Code
    finding: Code
    sites: tuple[Code, ...]
    measure: Code
    unit: Code
    method: Code | None = None
    laterality: Literal["U", "B"] = "U"


_TISSUE = Code("85756007", "SCT", "Tissue")
_ANATOMY = Code("123037004", "SCT", "Anatomical Structure")
_ALTERED = Code("49755003", "SCT", "Morphologically Altered Structure")
_AREA = Code("131184002", "SCT", "Area of defined region")
_CM2 = Code("cm2", "UCUM", "square centimeter")

NO_UNITS = Code("1", "UCUM", "no units")

CONCEPTS: dict[str, Concepts] = {
    "pma": Concepts(
        category=_ANATOMY,
        finding=Code("127954009", "SCT", "Skeletal muscle"),  # no code means both muscles: the sites name them (CID 6116)
        sites=(Code("60005003", "SCT", "Pectoralis major muscle"), Code("18686000", "SCT", "Pectoralis minor muscle")),
        measure=_AREA,
        unit=_CM2,
        laterality="B",
    ),
    "sfa": Concepts(
        category=_TISSUE,
        finding=Code("67769002", "SCT", "Subcutaneous fatty tissue"),
        sites=(Code("51185008", "SCT", "Chest"),),
        measure=_AREA,
        unit=_CM2,
    ),
    "cac": Concepts(
        category=_ALTERED,
        finding=Code("18115005", "SCT", "Pathologic calcification"),
        sites=(Code("41801008", "SCT", "Coronary artery"),),
        measure=Code("450360000", "SCT", "Coronary artery calcium score"),  # with its method and unit as in TID 3905
        unit=NO_UNITS,
        method=Code("112055", "DCM", "Agatston Scoring Method"),
    ),
    "liver": Concepts(
        category=_ALTERED,
        finding=Code("108369006", "SCT", "Neoplasm"),
        sites=(Code("10200004", "SCT", "Liver"),),
        measure=_AREA,
        unit=_CM2,
    ),
}
"""By task name."""
