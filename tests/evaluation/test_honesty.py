"""The rows without a network: which of them there are, and of which cases."""

import numpy as np
import pandas as pd
import pytest

from bioloc.evaluation import honesty


class FewCases:
    """A cohort of three, with what the rows are made of."""

    table = pd.DataFrame(
        {
            "case_id": ["a", "b", "c"],
            "patient_id": ["p", "q", "r"],
            "split": "test",
            "value": [1.0, 2.0, 3.0],
            "body_cm2": [400.0, 500.0, 600.0],
            "total": [2.0, 4.0, 6.0],
        }
    )
    values = table["value"].to_numpy()

    def __len__(self):
        return len(self.table)


@pytest.fixture
def rows(monkeypatch):
    """The rows, where these cases have a reference; it is found as it is."""

    def made(*cases):
        def oracle(cohort, number, masks):
            row = cohort.table.iloc[number]
            there = row["case_id"] in masks
            return (
                {"value": row["value"], "dice": 1.0, "dice_all": 0.5}
                if there
                else dict.fromkeys(("value", "dice", "dice_all"), np.nan)
            )

        monkeypatch.setattr(honesty, "_oracle", oracle)
        return honesty.honesty_rows(FewCases(), FewCases(), cases)

    return made


def test_every_row_is_of_all_cases_where_all_have_a_reference(rows):
    found = rows("a", "b", "c")
    assert list(found) == list(honesty.ROWS)
    assert {len(table) for table in found.values()} == {3}
    assert found["all-candidates"]["predicted"].tolist() == pytest.approx([1.0, 2.0, 3.0])


def test_the_oracle_is_of_the_cases_with_a_reference(rows):
    """A missing one is no prediction of nothing: it would make the oracle's correlation 0 and the grid look too coarse."""
    oracle = rows("a", "c")["oracle"]
    assert oracle["case_id"].tolist() == ["a", "c"]
    assert oracle["predicted"].tolist() == [1.0, 3.0]


def test_without_references_there_is_no_oracle(rows):
    found = rows()
    assert "oracle" not in found
    assert len(found["linear"]) == 3
