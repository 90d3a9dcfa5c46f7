"""Fixtures of the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_ct() -> Path:
    """The folder of real scans; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("BIOLOC_REAL_CT") or ROOT.parent / "shared" / "real_ct")
    if not folder.is_dir():
        pytest.skip(f"no real scans at {folder}: set BIOLOC_REAL_CT")
    return folder
