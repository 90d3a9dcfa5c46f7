"""From a model's URI to the folder of its package."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bioloc.errors import RegistryError
from bioloc.files import folder_written_aside
from bioloc.project import Project
from bioloc.tasks import get_task
from bioloc.tracking.journal import on_shelf, read_log, shelf
from bioloc.tracking.recovery import model_name, recover, versions
from bioloc.tracking.store import RUN_KEY, artifact_root, database, locked, open_store, server_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

_CHAMPION = """
SELECT aliases.version, tags.value FROM registered_model_aliases AS aliases
JOIN model_version_tags AS tags ON tags.name = aliases.name AND tags.version = aliases.version
WHERE aliases.name = ? AND aliases.alias = ? AND tags.key = ?
"""


def resolve(root: Path, task: str, uri: str | None = None) -> tuple[Path, str]:
    """Folder of a model's package, and the URI that names this very version.

    Args:
        root: The repository.
        task: The biomarker.
        uri: `models:/name@alias`, `models:/name/version`, `runs:/id/model`, or a folder; None for the champion.

    Raises:
        RegistryError: There is no such model.
    """
    get_task(task)
    champion = f"models:/{model_name(task)}@champion"
    uri = uri or champion
    if ":/" not in uri:
        return _folder(Path(uri)), uri
    if uri.startswith(f"models:/{model_name(task)}@") and (quick := _from_database(root, task, uri.rpartition("@")[2])):
        return quick
    if uri == champion and not (server_uri() or database(root).exists() or read_log(root)):
        raise RegistryError(nothing_yet(task))
    with locked(root):
        client = open_store(root)
        recover(client, root, task)
        return _from_mlflow(client, root, task, uri)


def champion_package(client: MlflowClient, root: Path, task: str, run_key: str | None) -> Path | None:
    """Folder of a registered run's package: the shelf's, or what MLflow has; None where it is lost."""
    if run_key is None:
        return None
    if on_shelf(root, task, run_key):
        return shelf(root, task, run_key) / "package"
    version = versions(client, task).get(run_key)
    try:
        return None if version is None else _fetch(client, root, f"models:/{version.name}/{version.version}", run_key)
    except RegistryError:
        return None


def _folder(path: Path) -> Path:
    for folder in (path, path / "package", path / "artifacts" / "package"):
        if (folder / "model.json").is_file():
            return folder.resolve()
    raise RegistryError(f"{path}: no model in this folder (model.json is missing): name a package's folder, or a models:/ URI")


def _from_database(root: Path, task: str, alias: str) -> tuple[Path, str] | None:
    """The alias read without MLflow, whose import takes seconds; None where MLflow must be asked."""
    path, marker = database(root), artifact_root(root) / ".root"
    if server_uri() or not path.exists() or not marker.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute(_CHAMPION, (model_name(task), alias, RUN_KEY)).fetchone()
    except sqlite3.Error:
        return None
    if row is None or not on_shelf(root, task, row[1]):
        return None
    return shelf(root, task, row[1]) / "package", f"models:/{model_name(task)}/{row[0]}"


def _from_mlflow(client: MlflowClient, root: Path, task: str, uri: str) -> tuple[Path, str]:
    from mlflow.exceptions import MlflowException

    name, _, alias = uri.removeprefix("models:/").partition("@")
    try:
        if alias and uri.startswith("models:/"):
            version = client.get_model_version_by_alias(name, alias)
            uri = f"models:/{name}/{version.version}"
        elif uri.startswith("models:/") and name.count("/") == 1:
            version = client.get_model_version(*name.split("/"))
        else:
            version = None
    except MlflowException as error:
        if alias == "champion" and name == model_name(task):
            raise RegistryError(nothing_yet(task)) from error
        raise RegistryError(f"the registry has no model {uri}: `bioloc-cli registry list` shows what there is") from error
    run_key = None if version is None else version.tags.get(RUN_KEY)
    if run_key and on_shelf(root, task, run_key):
        return shelf(root, task, run_key) / "package", uri
    return _fetch(client, root, uri, run_key), uri


def _fetch(client: MlflowClient, root: Path, uri: str, run_key: str | None) -> Path:
    """The package inside a logged model, downloaded once."""
    import mlflow.artifacts

    kept = None if run_key is None else Project(root.resolve()).state / "packages" / run_key
    if kept is not None and (kept / "model.json").is_file():
        return kept
    try:
        with tempfile.TemporaryDirectory() as aside:
            found = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, tracking_uri=client.tracking_uri, dst_path=aside))
            package = _folder(found)
            kept = kept or Project(root.resolve()).state / "packages" / _name_of(uri)
            with folder_written_aside(kept) as copy:
                shutil.copytree(package, copy, dirs_exist_ok=True)
    except RegistryError:
        raise
    except Exception as error:  # MLflow, its storage or the network: whatever they raise, the model is not to be had
        raise RegistryError(f"{uri} cannot be fetched ({type(error).__name__}: {str(error).splitlines()[0][:200]})") from error
    return kept


def _name_of(uri: str) -> str:
    return uri.replace(":", "").replace("/", "-").replace("@", "-")


def nothing_yet(task: str) -> str:
    """What to tell someone who asks for a champion before there is one."""
    return f"no champion for {task} yet: run `dvc repro promote@{task}`, or `bioloc-cli registry sync` after a fresh checkout"
