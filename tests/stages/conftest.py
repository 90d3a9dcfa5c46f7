"""Fixtures of the stages' tests."""

import pytest
from conftest_study import make_study


@pytest.fixture
def study(tmp_path):
    """A maker of studies in this test's folder."""
    return lambda *tasks: make_study(tmp_path / "study", list(tasks))
