"""Where MLflow's interface shows a run."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from bioloc.tracking.store import RUN_KEY, database, open_store, server_uri

LOCAL_UI = "http://127.0.0.1:5000"
"""Where `make ui` and `mlflow ui` serve."""


def run_addresses(root: Path) -> dict[str, str]:
    """The address of every recorded run by its run key; empty where nothing is recorded yet, or the server is silent."""
    if server_uri() is None and not database(root).exists():
        return {}
    from mlflow.exceptions import MlflowException

    try:
        client = open_store(root)
        experiments = [found.experiment_id for found in client.search_experiments(filter_string="name LIKE 'bioloc-%'")]
        runs = (
            client.search_runs(experiments, filter_string=f"tags.`{RUN_KEY}` LIKE '%'", max_results=1000) if experiments else []
        )
    except MlflowException:
        return {}
    base = interface()
    return {run.data.tags[RUN_KEY]: f"{base}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}" for run in runs}


def interface() -> str:
    """The address of MLflow's interface: the server's without its credentials, or else the local one."""
    parts = urlsplit(server_uri() or "")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return LOCAL_UI
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"
