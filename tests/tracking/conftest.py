"""A repository to promote in, its MLflow database copied from one that is migrated."""

import os
import shutil

import pytest

from bioloc.tracking.store import open_store


@pytest.fixture(autouse=True)
def _no_server(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "BIOLOC_KILL_AT"):
        monkeypatch.delenv(name, raising=False)
    yield
    leaked = {name for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI") if name in os.environ}
    assert not leaked or os.environ["MLFLOW_TRACKING_URI"].startswith("http")


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        open_store(root)
    return root


@pytest.fixture
def root(tmp_path, _prepared):
    """A repository whose database is ready, but holds no run."""
    place = tmp_path / "study"
    shutil.copytree(_prepared, place, ignore=shutil.ignore_patterns(".bioloc"))
    return place
