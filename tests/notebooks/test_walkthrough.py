"""The walkthrough runs from its first cell to its last."""

import pytest


@pytest.mark.slow
def test_the_walkthrough_runs(run_notebook):
    printed = run_notebook("walkthrough")
    for name in ("pma", "sfa", "cac", "liver"):
        assert f"{name}: reference" in printed
