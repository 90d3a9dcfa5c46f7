"""A cohort's table of predictions: the same, whatever its value column says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from bioloc.biomarkers.candidates import Candidates, find_candidates
from bioloc.cohorts.grid import Placement
from bioloc.cohorts.load import Sample
from bioloc.evaluation.cases import predict_cohort, summary
from bioloc.inference.package import Package
from bioloc.networks.network import Network, Spec
from bioloc.tasks import Task, get_task

PMA, CAC, SPACING = get_task("pma"), get_task("cac"), (5.0, 2.0, 2.0)


class FourCases:
    """A cohort in memory."""

    def __init__(self, value: float, task: Task = PMA) -> None:
        self.task = task
        rng = np.random.default_rng(0)
        self.hu = rng.integers(-200, 300, (4, 1, 40, 40)).astype(np.int16)
        names, splits = [f"c{n}" for n in range(4)], ["test"] * 4
        self.table = pd.DataFrame({"case_id": names, "patient_id": list("aabc"), "split": splits, "value": value})

    def __len__(self) -> int:
        return 4

    def placement(self, number: int) -> Placement:
        return Placement(32, 2.5, (40, 40), (2.0, 2.0), (19.5, 19.5))

    def candidates(self, number: int) -> Candidates:
        return find_candidates(self.task, self.hu[number], SPACING)

    def sample(self, number: int) -> Sample:
        candidates, placement = self.candidates(number), self.placement(number)
        worth = placement.pool_worth(candidates.factor * np.float32(candidates.unit_worth))
        return Sample(f"c{number}", placement.pool(self.hu[number]), worth, float(self.table["value"][number]))

    def spacing_mm(self, number: int) -> tuple[float, float, float]:
        return SPACING

    def shape(self, number: int) -> tuple[int, int, int]:
        return 1, 40, 40


class Masks:
    """The first case's reference is empty, and the last has none."""

    def mask(self, case_id: str, shape: tuple[int, int, int]) -> NDArray[np.bool_] | None:
        number = int(case_id[1:])
        return None if number == 3 else np.random.default_rng(number).random(shape) < 0.3 * (number > 0)


@pytest.fixture(scope="module")
def package() -> Package:
    torch.manual_seed(0)
    spec = Spec("pma", "localizer", "test_resnet", (8,) * 5, 32, 2.5, 0, offset=10.0, scale=2.0, prior=0.4)
    return Package(Network(spec).eval(), 0.4)


def predicted(package: Package, value: float, masks: Masks | None = None) -> pd.DataFrame:
    cohort: Any = FourCases(value)
    references: Any = masks
    return predict_cohort(package, cohort, references)


@pytest.mark.parametrize("method", ["localizer", "regressor", "segmenter"])
@pytest.mark.parametrize("blank", [float("nan"), 0.0])
def test_blanking_the_values_changes_no_prediction_and_no_mask(package: Package, method: str, blank: float) -> None:
    package = replace(package, network=Network(replace(package.spec, method=method)).eval())
    full, blanked = (predicted(package, value, Masks()) for value in (12.0, blank))
    pd.testing.assert_frame_equal(full.drop(columns="value"), blanked.drop(columns="value"), check_exact=True)


def test_a_segmenters_value_is_its_masks(package: Package) -> None:
    segmenter = replace(package, network=Network(replace(package.spec, method="segmenter")).eval())
    table = predicted(segmenter, 1.0)
    assert table["predicted"].tolist() == table["mask_value"].tolist()


def test_false_positives_are_reported_where_the_reference_is_empty(package: Package) -> None:
    table = predicted(package, 1.0, Masks())
    assert np.isnan(table["dice"][0])
    assert table["false_positive"][0] == table["mask_value"][0]
    assert table["dice"][1:3].notna().all()
    assert table["false_positive"][1:3].isna().all()
    assert table[["dice", "false_positive"]].iloc[3].isna().all()  # no reference at all


class OffTheCandidates(Masks):
    """References of pixels that cannot count: nothing is to be found there."""

    def mask(self, case_id: str, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
        return ~FourCases(1.0).candidates(int(case_id[1:])).countable


def test_a_reference_of_which_nothing_can_count_is_empty(package: Package) -> None:
    table = predicted(package, 1.0, OffTheCandidates())
    assert table["dice"].isna().all()
    assert table["false_positive"].tolist() == table["mask_value"].tolist()


def test_a_summary_counts_cases_and_patients(package: Package) -> None:
    table = predicted(package, 1.0, Masks()).assign(value=[5.0, 6.0, 9.0, 2.0])
    found = summary(PMA, table, 50)
    assert (found["n_cases"], found["n_patients"], found["unit"]) == (4, 3, "cm2")
    assert found["metrics"]["dice"]["value"] == pytest.approx(table["dice"][1:3].mean())
    assert all({"value", "ci_low", "ci_high"} == set(row) for row in found["metrics"].values())


def test_one_or_two_cases_have_errors_but_no_correlation(package: Package) -> None:
    table = predicted(package, 1.0, Masks()).assign(value=[5.0, 6.0, 9.0, 2.0])
    whole = summary(PMA, table, 50)["metrics"]
    for count in (1, 2):
        found = summary(PMA, table[:count], 50)["metrics"]
        assert set(found) == set(whole)
        assert found["mae"]["value"] == pytest.approx((table["predicted"] - table["value"])[:count].abs().mean())
        assert np.isnan(found["pearson_r"]["value"])
    assert summary(PMA, table[:0], 50)["metrics"] == {}


def test_lesions_are_counted_where_candidates_have_them(package: Package) -> None:
    cohort: Any = FourCases(1.0, CAC)
    masks: Any = Masks()
    table = predict_cohort(package, cohort, masks)
    assert table["lesions"][0] == 0
    assert (table["lesions"][1:3] > 0).all()
    assert np.isnan(table["lesions"][3])  # no reference at all
    assert (table["lesions_found"][:3] <= table["lesions"][:3]).all()
    assert not [name for name in predicted(package, 1.0, Masks()) if "lesion" in name]
    found = summary(CAC, table.assign(value=[0.0, 6.0, 900.0, 2.0]), 50)["metrics"]
    assert found["lesion_sensitivity_pooled"]["value"] == table["lesions_found"].sum() / table["lesions"].sum()
    assert found["false_positive_lesions"]["value"] == pytest.approx(table["false_positive_lesions"][:3].mean())


def test_a_summary_holds_the_table_of_categories() -> None:
    table = pd.DataFrame({"patient_id": list("abc"), "value": [0.0, 5.0, 500.0], "predicted": [0.0, 50.0, 900.0]})
    found = summary(CAC, table, 20)["confusion"]
    assert found["categories"] == list(CAC.category_names)
    assert [line.index(1) for line in found["known_by_predicted"] if sum(line)] == [0, 2, 4]
    assert "confusion" not in summary(PMA, table, 20)
