"""All checks together: what is right passes, what is wrong is told, refusals first."""

from __future__ import annotations

import numpy as np
import pytest
from fitness_scans import HEART_MM, chest, chest_slice, ct, heart, heart_box

from bioloc.errors import ImageError
from bioloc.fitness import check_fitness
from bioloc.tasks import get_task


@pytest.mark.parametrize("task", ["pma", "sfa"])
def test_a_good_slice_passes(task: str) -> None:
    assert check_fitness(get_task(task), chest(), None, None, False) == []


@pytest.mark.parametrize("boxed", [True, False])
def test_a_good_heart_passes(boxed: bool) -> None:
    hu = heart(spacing_mm=(3.0, 0.9, 0.9))
    region = heart_box(hu, (3.0, 0.9, 0.9)) if boxed else None
    assert check_fitness(get_task("cac"), ct(hu, (3.0, 0.9, 0.9), kvp=120.0, kernel="Qr36d"), region, None, True) == []


def test_a_good_liver_passes() -> None:
    scan, region = chest(lung_half_mm=0), np.zeros((1, 150, 200), bool)
    region[0, 50:90, 50:90] = True
    assert check_fitness(get_task("liver"), scan, region, 0, False) == []


def test_only_the_measured_slice_is_looked_at() -> None:
    planes = np.stack([chest_slice(lung_half_mm=0), chest_slice(), chest_slice(lung_half_mm=0)])
    planes[2, 60:90, 90:110] = 3071
    scan = ct(planes, (5.0, 2.0, 2.0))
    codes = [[f.code for f in check_fitness(get_task("sfa"), scan, None, number, False)] for number in range(3)]
    assert codes == [["body-part"], [], ["metal", "body-part"]]
    with pytest.raises(ImageError, match="no slice 3"):
        check_fitness(get_task("sfa"), scan, None, 3, True)


def test_everything_that_is_wrong_is_told_and_refusals_come_first() -> None:
    hu = heart(300)[:20]
    hu[5:9, 68:74, 78:84] = 3071
    scan = ct(hu, HEART_MM, kvp=100.0, kernel="BONE", contrast_agent="OMNIPAQUE")
    found = check_fitness(get_task("cac"), scan, heart_box(hu), None, True)
    assert [f.code for f in found if f.severity == "refuse"] == ["contrast-header", "tube-voltage", "contrast"]
    assert [f.code for f in found if f.severity == "warn"] == ["kernel", "pixels", "coverage", "metal"]
    assert found == sorted(found, key=lambda f: f.severity)  # "refuse" before "warn"


def test_texts_are_one_sentence_that_fits_behind_a_file_name_and_quotes_no_free_text() -> None:
    scan = ct(heart(300)[:20], HEART_MM, kvp=100.0, kernel="BONE", contrast_agent="given to Jane Doe")
    for finding in check_fitness(get_task("cac"), scan, None, None, True):
        assert not finding.text.endswith(".")
        assert ". " not in finding.text
        assert "Jane" not in finding.text
        assert finding.text[0] in "0123456789" or finding.text[0].islower()
