"""Where MLflow keeps its records: SQLite beside the study, or the server that MLFLOW_TRACKING_URI names."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from filelock import FileLock

from bioloc.files import write_text
from bioloc.project import Project

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUN_KEY = "bioloc.run_key"
"""The tag that ties a run and a version to a package on disk."""
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_LOCATIONS = ("artifact_location", "artifact_uri", "source", "storage_location")
"""Columns, of whatever table, that hold absolute paths."""


def server_uri() -> str | None:
    """The tracking server that the environment names; None for the local store."""
    return os.environ.get("MLFLOW_TRACKING_URI") or None


def database(root: Path) -> Path:
    """The local store's file; `mlflow ui` without flags, started in `root`, reads it."""
    return root.resolve() / "mlflow.db"


def artifact_root(root: Path) -> Path:
    """The folder of the local store's artifacts."""
    return root.resolve() / "mlruns"


@contextmanager
def locked(root: Path, name: str = "registry") -> Iterator[None]:
    """One process at a time; the same process may enter again. A killed process lets go."""
    path = Project(root.resolve()).state / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path, is_singleton=True):
        yield


def open_store(root: Path) -> MlflowClient:
    """A client of the study's store, which is created when missing and follows a moved repository.

    MLflow's own global addresses are set too, for this process only: the environment stays as it was.
    """
    os.environ.update({name: value for name, value in _ENVIRONMENT.items() if name not in os.environ})
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    uri = server_uri()
    if uri is None:
        with locked(root, "mlflow"):
            _prepare(root)
        uri = f"sqlite:///{database(root)}"
    before = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")}
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)


def experiment(client: MlflowClient, root: Path, task: str) -> str:
    """Identifier of the task's experiment, which is created when missing."""
    name = f"bioloc-{task}"
    with locked(root, "mlflow"):
        found = client.get_experiment_by_name(name)
        if found is None:
            place = None if server_uri() else str(artifact_root(root) / name)
            return str(client.create_experiment(name, artifact_location=place))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _prepare(root: Path) -> None:
    """Create the database aside (a kill leaves none), or correct its paths after a move."""
    path, marker = database(root), artifact_root(root) / ".root"
    here = str(root.resolve())
    if path.exists():
        if not marker.exists() or marker.read_text(encoding="utf-8").strip() != here:
            _relocate(path, here)
            write_text(marker, here + "\n")
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    aside = Project(root.resolve()).state / "mlflow-new.db"
    aside.unlink(missing_ok=True)
    make_store: Any = SqlAlchemyStore  # mlflow leaves it untyped
    store = make_store(f"sqlite:///{aside}", str(artifact_root(root)))
    store.engine.dispose()
    write_text(marker, here + "\n")
    aside.replace(path)
    _forget_connections(f"sqlite:///{path}")


def _forget_connections(uri: str) -> None:
    """Close this process's connections to a database that was deleted: MLflow keeps them, to a file without a name."""
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

    for kind in (Tracking, Registry):
        engine = getattr(kind, "_engine_map", {}).get(uri)
        if engine is not None:
            engine.dispose()


def _relocate(path: Path, here: str) -> None:
    """Replace the root that the database was written under, in one transaction.

    That root is read from the experiments themselves, so that a move seen twice, or a kill before the marker
    is written, does no harm.
    """
    with closing(sqlite3.connect(path)) as connection, connection:
        old = {
            location.removeprefix("file://").removesuffix(f"/mlruns/{folder}")
            for name, number, location in connection.execute("SELECT name, experiment_id, artifact_location FROM experiments")
            for folder in (name, str(number))
            if location and location.endswith(f"/mlruns/{folder}")
        } - {here}
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = [
            (table, row[1])
            for table in tables
            for row in connection.execute(f'PRAGMA table_info("{table}")')
            if row[1] in _LOCATIONS
        ]
        for root in old:
            for before, after in ((root, here), (f"file://{quote(root)}", f"file://{quote(here)}")):
                for table, column in columns:
                    connection.execute(
                        f'UPDATE "{table}" SET "{column}" = ? || substr("{column}", ?) WHERE substr("{column}", 1, ?) = ?',  # noqa: S608  # names from the schema
                        (after, len(before) + 1, len(before) + 1, before + "/"),
                    )
