"""The right part of the body."""

from __future__ import annotations

import numpy as np
import pytest
from fitness_scans import HEART_MM, chest, ct, heart, heart_box

from bioloc.ct.image import CT
from bioloc.fitness.place import LEAST_LUNG, check_place
from bioloc.fitness.sample import Sample
from bioloc.tasks import get_task


def found(task: str, scan: CT, named: bool = False, region: np.ndarray | None = None) -> dict[str, str]:
    return {finding.code: finding.severity for finding in check_place(Sample.of(get_task(task), scan, region, 0), named)}


@pytest.mark.parametrize(("task", "severity"), [("pma", "refuse"), ("sfa", "warn")])
def test_a_chest_slice_has_lungs_and_an_abdomen_has_not(task: str, severity: str) -> None:
    assert found(task, chest()) == {}
    assert found(task, chest(lung_half_mm=0)) == {"body-part": severity}
    assert found(task, chest(lung_half_mm=0), named=True) == {"body-part": "warn"}


def test_the_least_share_of_lung() -> None:
    """In the middle three fifths of 340 mm x 220 mm, about 340 x 132 mm of body."""
    around = 340 * 132 * 0.95
    for share, expected in ((LEAST_LUNG * 0.75, {"body-part": "refuse"}), (LEAST_LUNG * 1.35, {})):
        half = np.sqrt(share * around / (2 * np.pi * 0.8))
        assert found("pma", chest(lung_half_mm=half)) == expected, share


def test_bowel_gas_and_a_mattress_are_no_lungs() -> None:
    abdomen = chest(lung_half_mm=0)
    hu = abdomen.hu.copy()
    hu[0, 60:90, 60:140] = -1000
    hu[0, 132:140] = -900
    assert found("pma", ct(hu, abdomen.spacing_mm)) == {"body-part": "refuse"}


@pytest.mark.parametrize("task", ["pma", "sfa", "cac", "liver"])
def test_no_body_at_all_is_refused_whoever_named_the_slice(task: str) -> None:
    air = np.full((30, 60, 60), -1000.0)
    air[:, 20:40, 20:40] = 40  # 16 cm2
    region = np.ones(air.shape, bool)
    assert found(task, ct(air, (3.0, 2.0, 2.0)), named=True, region=region) == {"no-body": "refuse"}


def test_a_heart_lies_between_lungs() -> None:
    with_lungs, without = heart(), heart(lungs=False)
    assert found("cac", ct(with_lungs, HEART_MM)) == {}
    assert found("cac", ct(with_lungs, HEART_MM), region=heart_box(with_lungs)) == {}
    assert found("cac", ct(without, HEART_MM)) == {"body-part": "warn"}
    assert found("cac", ct(without, HEART_MM), region=heart_box(without)) == {"body-part": "warn"}


@pytest.mark.parametrize(
    ("organ_hu", "plausible"), [(-21, False), (-19, True), (60, True), (199, True), (202, False), (-860, False)]
)
def test_the_liver_has_the_hu_of_a_liver(organ_hu: float, plausible: bool) -> None:
    scan = chest(lung_half_mm=0)
    hu, region = scan.hu.copy(), np.zeros(scan.hu.shape, bool)
    region[0, 50:80, 60:100] = True
    hu[region] = organ_hu
    scan = ct(hu, scan.spacing_mm)
    assert found("liver", scan, region=region) == ({} if plausible else {"body-part": "refuse"})
    assert found("liver", scan, named=True, region=region) == ({} if plausible else {"body-part": "warn"})
