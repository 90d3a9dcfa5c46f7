"""Promotions that are killed between any two steps, and promotions at the same time."""

import pytest
from conftest_models import PASSED, gate_table, make_model, promote_killed_at, start

from bioloc.inference.package import load_package
from bioloc.tracking.address import resolve
from bioloc.tracking.journal import read_log
from bioloc.tracking.recovery import aliases, versions
from bioloc.tracking.registry import promote
from bioloc.tracking.store import open_store


def champion(root):
    client = open_store(root)
    keys = {str(version.version): key for key, version in versions(client, "liver").items()}
    return {alias: keys[number] for alias, number in aliases(client, "liver").items()}


@pytest.mark.slow
def test_a_kill_between_any_two_steps_leaves_a_champion(root):
    old = make_model(root, error=32.0)
    promote(root, "liver", "localizer", PASSED, gate_table, 100)
    for number, step in enumerate(("shelf", "version", "log", "previous", "champion")):
        new = make_model(root, seed=number + 1, error=16.0 / 2**number)
        process = start(promote_killed_at, root, "localizer", step)
        process.join(timeout=60)
        assert process.exitcode == -9
        assert champion(root)["champion"] in (old, new)
        load_package(resolve(root, "liver")[0])
        again = promote(root, "liver", "localizer", PASSED, gate_table, 100)
        assert again["decision"] == ("promoted" if step in ("shelf", "version") else "unchanged")
        assert champion(root) == {"champion": new, "previous": old}
        assert len(read_log(root, "liver")) == number + 2
        old = new


@pytest.mark.slow
def test_two_promotions_at_once_leave_one_champion(root):
    keys = {make_model(root, error=1.0), make_model(root, method="regressor", seed=1, error=1.0)}
    methods = ("localizer", "regressor")
    running = [start(promote_killed_at, root, method, "") for method in methods]
    for process in running:
        process.join(timeout=60)
    answers = [(root / f"{method}.answer").read_text() for method in methods]
    assert sorted(answers) == ["promoted", "refused"]
    assert champion(root).keys() == {"champion"}
    assert champion(root)["champion"] in keys
    assert len(read_log(root)) == 1
