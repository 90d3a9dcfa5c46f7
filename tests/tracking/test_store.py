import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from conftest_models import PASSED, gate_table, make_model, open_fresh, start

from bioloc.tracking.address import resolve
from bioloc.tracking.journal import shelf
from bioloc.tracking.registry import promote, show
from bioloc.tracking.store import database, experiment, open_store


def test_the_environment_is_left_alone(root):
    open_store(root)
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert "MLFLOW_REGISTRY_URI" not in os.environ
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"]


def test_experiments_keep_their_artifacts_under_mlruns(root):
    client = open_store(root)
    number = experiment(client, root, "liver")
    assert experiment(client, root, "liver") == number
    assert client.get_experiment(number).artifact_location == str(root / "mlruns" / "bioloc-liver")
    client.delete_experiment(number)
    assert experiment(client, root, "liver") == number


def test_a_move_is_followed_once_and_nested(root):
    experiment(open_store(root), root, "liver")
    inner = root.parent / "aside"
    shutil.move(root, inner)
    root.mkdir()
    shutil.move(inner, root / "inside")
    for _ in range(2):
        client = open_store(root / "inside")
        (root / "inside" / "mlruns" / ".root").write_text("stale")
    assert client.get_experiment_by_name("bioloc-liver").artifact_location == str(root / "inside" / "mlruns" / "bioloc-liver")


@pytest.mark.slow
def test_two_processes_may_open_a_fresh_store_at_once(tmp_path):
    running = [start(open_fresh, tmp_path) for _ in range(2)]
    for process in running:
        process.join(timeout=90)
    assert [process.exitcode for process in running] == [0, 0]
    assert database(tmp_path).exists()


@pytest.fixture
def server(tmp_path, root, monkeypatch):
    """A real tracking server on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path / "server"
    shutil.copytree(root, home)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{home}/mlflow.db", "--artifacts-destination", str(home / "artifacts")]
    process = subprocess.Popen(command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    uri = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{uri}/health", timeout=1).close()  # noqa: S310  # our own loopback
            break
        except OSError:
            time.sleep(0.2)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    yield uri
    os.killpg(process.pid, 15)
    process.wait(timeout=20)


@pytest.mark.slow
def test_a_tracking_server_serves_as_well(root, server):
    import mlflow

    database(root).unlink()
    run_key = make_model(root, "sfa")
    answer = promote(root, "sfa", "localizer", PASSED, gate_table, 100)
    assert (answer["decision"], answer["version"]) == ("promoted", 1)
    assert not database(root).exists()
    assert show(root, "sfa")["champion"]["run_key"] == run_key
    hu = np.full((1, 40, 40), -50, np.float32)
    model = mlflow.pyfunc.load_model("models:/bioloc-sfa@champion")
    assert model.predict({"hu": hu, "spacing": np.ones(3)})["unit"] == "cm2"
    shutil.rmtree(shelf(root, "sfa", run_key))
    package, uri = resolve(root, "sfa")
    assert uri == "models:/bioloc-sfa/1"
    assert (package / "model.json").is_file()
