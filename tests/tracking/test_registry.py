import json
import shutil

import pytest
from conftest_models import PASSED, gate_table, make_evaluation, make_model

from bioloc.errors import GridError, RegistryError
from bioloc.project import Project
from bioloc.tracking.address import resolve
from bioloc.tracking.journal import logged_state, read_log, shelf
from bioloc.tracking.registry import listing, promote, rollback, show, sync
from bioloc.tracking.store import database, open_store


def aliases(root):
    client = open_store(root)
    named = client.get_registered_model("bioloc-liver").aliases
    return {alias: client.get_model_version("bioloc-liver", number).tags["bioloc.run_key"] for alias, number in named.items()}


@pytest.fixture
def two(root):
    """Two promotions; the second is better."""
    one = make_model(root, error=2.0)
    assert promote(root, "liver", "localizer", PASSED, gate_table, 200)["decision"] == "promoted"
    other = make_model(root, seed=1, error=1.0)
    assert promote(root, "liver", "localizer", PASSED, gate_table, 200)["decision"] == "promoted"
    return one, other


def test_an_empty_registry_says_what_to_do(root):
    with pytest.raises(RegistryError, match="no champion for liver yet: run `dvc repro promote@liver`"):
        resolve(root, "liver")
    with pytest.raises(RegistryError, match="no champion"):
        show(root, "liver")
    with pytest.raises(RegistryError, match="no previous champion"):
        rollback(root, "liver")
    assert sync(root)["versions"] == 0


def test_a_clone_with_the_log_but_no_package_says_what_to_do(root):
    make_model(root)
    assert promote(root, "liver", "localizer", PASSED, gate_table, 100)["decision"] == "promoted"
    for lost in (root / "mlruns", root / "models" / "liver" / "localizer" / "package"):
        shutil.rmtree(lost)
    for path in root.glob("mlflow.db*"):
        path.unlink()
    with pytest.raises(RegistryError, match="no champion for liver yet: run `dvc repro promote@liver`"):
        resolve(root, "liver")
    assert sync(root)["versions"] == 0


def test_that_a_lost_champion_was_not_compared_is_recorded(root):
    lost = make_model(root)
    promote(root, "liver", "localizer", PASSED, gate_table, 100)
    shutil.rmtree(root / "mlruns")
    make_model(root, seed=1, error=9.0)
    answer = promote(root, "liver", "localizer", PASSED, gate_table, 100)
    assert answer["decision"] == "promoted"
    assert answer["gates"][-1]["detail"] == f"not compared: the package of the champion {lost} is not here"


def test_a_champion_of_another_grid_is_not_compared(root):
    make_model(root)
    champion = promote(root, "liver", "localizer", PASSED, gate_table, 100)["run_key"]
    make_model(root, seed=1, error=9.0)
    candidate = Project(root).model("liver", "localizer") / "package"

    def of_one_grid(package):
        if package != candidate:
            raise GridError(f"{champion} lies on another grid")
        return gate_table(package)

    answer = promote(root, "liver", "localizer", PASSED, of_one_grid, 100)
    assert answer["decision"] == "promoted"
    assert answer["gates"][-1]["detail"] == f"not compared: {champion} lies on another grid"


def test_masks_and_failed_gates_are_refused(root):
    make_model(root, method="segmenter")
    answer = promote(root, "liver", "segmenter", PASSED, gate_table, 100)
    assert (answer["decision"], answer["version"]) == ("refused", None)
    assert "masks" in answer["message"]
    make_model(root)
    answer = promote(root, "liver", "localizer", [{"gate": "mae", "passed": False, "detail": ""}], gate_table, 100)
    assert answer["decision"] == "refused"
    assert "mae" in answer["message"]
    assert not read_log(root)


def test_the_better_model_wins_and_rollback_brings_the_other_back(root, two):
    one, other = two
    assert aliases(root) == {"champion": other, "previous": one}
    package, uri = resolve(root, "liver")
    assert package == shelf(root, "liver", other) / "package"
    assert uri == "models:/bioloc-liver/2"
    assert resolve(root, "liver", "models:/bioloc-liver/1")[0] == shelf(root, "liver", one) / "package"
    assert promote(root, "liver", "localizer", PASSED, gate_table, 100)["decision"] == "unchanged"
    make_model(root, seed=2, error=1.5)
    worse = promote(root, "liver", "localizer", PASSED, gate_table, 200)
    assert worse["decision"] == "refused"
    assert not worse["gates"][-1]["passed"]
    assert rollback(root, "liver")["champion"] == one
    assert aliases(root) == {"champion": one, "previous": other}
    assert [event["event"] for event in read_log(root)] == ["promote", "promote", "rollback"]
    assert {tuple(row["aliases"]) for row in listing(root)} == {("champion",), ("previous",)}
    assert show(root, "liver")["champion"]["run_key"] == one


def test_everything_works_after_the_repository_moved(root, two, tmp_path):
    import mlflow

    moved = tmp_path / "a place" / "elsewhere"
    moved.parent.mkdir()
    shutil.move(root, moved)
    assert resolve(moved, "liver")[0].is_relative_to(moved)
    assert rollback(moved, "liver")["champion"] == two[0]
    model = mlflow.pyfunc.load_model("models:/bioloc-liver@champion")
    assert model.metadata.metadata["run_key"] == two[0]
    client = open_store(moved)
    assert all(str(moved) in run.info.artifact_uri for run in client.search_runs(["1"]))


def test_sync_restores_what_the_database_held(root, two):
    one, other = two
    make_evaluation(root, other)
    rollback(root, "liver")
    database(root).unlink()
    for _ in range(2):
        result = sync(root)
        assert result == {"runs": 1, "versions": 2, "champions": {"liver": one}, "warnings": []}
    assert aliases(root) == {"champion": one, "previous": other}
    shutil.rmtree(shelf(root, "liver", one))
    database(root).unlink()
    assert "is not in" in sync(root)["warnings"][0]


def test_lost_packages_are_named_where_they_matter_and_counted_where_they_do_not(root, two):
    make_model(root, seed=2, error=0.5)
    assert promote(root, "liver", "localizer", PASSED, gate_table, 200)["decision"] == "promoted"
    state = logged_state(root, "liver")
    for lost in (root / "mlruns", root / "models" / "liver" / "localizer" / "package"):
        shutil.rmtree(lost)
    database(root).unlink()
    *_, previous, champion, earlier = sync(root)["warnings"]
    assert f"the champion, run {state.champion}" in champion
    assert f"the previous champion, run {state.previous}" in previous
    assert state.previous == two[1]
    assert earlier.endswith("not on this machine: 1")


def test_a_cut_off_log_line_is_passed_over(root, two):
    log = Project(root).registry_log
    log.write_text(log.read_text() + '{"event": "promo')
    assert sync(root)["champions"]["liver"] == two[1]
    rollback(root, "liver")
    assert json.loads(log.read_text().splitlines()[-1])["event"] == "rollback"
    assert read_log(root)[-1]["run_key"] == two[0]


def test_addresses(root, two):
    client = open_store(root)
    run = client.get_model_version("bioloc-liver", "2").run_id
    package, _ = resolve(root, "liver", f"runs:/{run}/model")
    assert (package / "weights.safetensors").is_file()
    folder = Project(root).model("liver", "localizer")
    assert resolve(root, "liver", str(folder))[0] == folder / "package"
    for wrong in ("models:/bioloc-liver/9", "models:/nothing@champion", "runs:/0/model", str(root)):
        with pytest.raises(RegistryError):
            resolve(root, "liver", wrong)
