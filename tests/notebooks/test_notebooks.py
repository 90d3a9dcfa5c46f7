"""The numbered notebooks run in a tiny study, and say what is there."""

import re

import pytest


@pytest.mark.slow
def test_candidate_regions(run_notebook, tiny_project):
    printed = run_notebook("01-candidate-regions", tiny_project)
    factors = {name: float(factor) for name, factor in re.findall(r"(\w+): \d+ candidates worth .*factor ([\d.]+)", printed)}
    assert set(factors) == {"pma", "sfa", "cac", "liver"}
    assert all(factor > 1 for factor in factors.values())


@pytest.mark.slow
def test_what_the_network_learnt(run_notebook, tiny_project):
    printed = run_notebook("02-what-the-network-learnt", tiny_project)
    assert len(re.findall(r"pma: known .* share inside 0\.\d\d", printed)) == 4
    assert len(re.findall(r"pma: .* mirrored", printed)) == 4
    assert "liver: no trained localizer in models/liver/localizer" in printed


@pytest.mark.slow
def test_comparing_runs(run_notebook, tiny_project):
    printed = run_notebook("03-comparing-runs", tiny_project)
    assert "2 runs" in printed
    assert re.search(r"pma +localizer +value +0\.50+ +0\.50+ +0\.50+", printed)
    assert "pma regressor: error on the validation values 0.875, 0.625" in printed
