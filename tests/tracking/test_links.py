import pytest
from conftest_models import PASSED, gate_table, make_model

from bioloc.files import write_text
from bioloc.project import Project
from bioloc.tracking.links import LOCAL_UI, interface, run_addresses
from bioloc.tracking.recovery import versions
from bioloc.tracking.registry import promote, sync
from bioloc.tracking.runs import record_run
from bioloc.tracking.store import open_store


def test_every_run_has_its_address(root):
    assert run_addresses(root / "nowhere") == {}
    assert run_addresses(root) == {}
    keys = [make_model(root, method=method) for method in ("localizer", "segmenter")]
    ids = [record_run(root, "liver", method) for method in ("localizer", "segmenter")]
    found = run_addresses(root)
    assert {key: address.rpartition("/")[2] for key, address in found.items()} == dict(zip(keys, ids, strict=True))
    assert all(address.startswith(f"{LOCAL_UI}/#/experiments/") for address in found.values())


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("https://anna:secret@mlflow.example.org:8443/base/", "https://mlflow.example.org:8443/base"),
        ("sqlite:///somewhere.db", LOCAL_UI),
        ("", LOCAL_UI),
    ],
)
def test_credentials_do_not_reach_the_page(monkeypatch, uri, wanted):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert interface() == wanted
    monkeypatch.delenv("MLFLOW_TRACKING_URI")


def test_the_champions_version_carries_its_card(root):
    run_key = make_model(root)
    promote(root, "liver", "localizer", PASSED, gate_table, 100)

    def description():
        return versions(open_store(root), "liver")[run_key].description

    write_text(Project(root).card("liver"), "of another model\n")
    sync(root)
    assert not description()
    write_text(Project(root).card("liver"), f"# Card of {run_key}\n")
    sync(root)
    assert description() == f"# Card of {run_key}\n"
    write_text(Project(root).card("liver"), f"# Longer card of {run_key}\n" + "a line\n" * 1000)
    sync(root)
    assert len(description()) < 5000
    assert description().endswith("a line\n\nThe rest is in reports/cards/liver.md.")
