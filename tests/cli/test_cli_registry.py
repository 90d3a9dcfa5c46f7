"""What the registry's commands print; what they do is tested with `tracking`."""

from __future__ import annotations

import pytest

from bioloc.errors import GateError
from bioloc.tracking import registry


def version(number, *aliases):
    return {
        "task": "pma",
        "model": "bioloc-pma",
        "version": number,
        "aliases": list(aliases),
        "run_key": f"key{number}",
        "run_id": "0",
        "method": "localizer",
        "git_commit": None,
        "metrics": {},
    }


ROWS = [version(1, "previous"), version(2), version(3, "champion")]


@pytest.fixture
def filled(study, monkeypatch):
    shown = {"task": "pma", "model": "bioloc-pma", "champion": ROWS[2], "previous": None, "versions": ROWS, "log": [{}]}
    swapped = {"task": "pma", "champion": "key1", "previous": "key3", "version": 1}
    synced = {"runs": 4, "versions": 3, "champions": {"pma": "key3"}, "warnings": ["pma: a package is gone"]}
    for name, answer in (("listing", ROWS), ("show", shown), ("rollback", swapped), ("sync", synced)):
        monkeypatch.setattr(registry, name, lambda *_, answer=answer: answer)


def test_versions_are_listed_with_their_aliases(call, filled):
    assert call("registry", "list").out.splitlines() == [
        "bioloc-pma version 1 (previous): localizer, run key1",
        "bioloc-pma version 2: localizer, run key2",
        "bioloc-pma version 3 (champion): localizer, run key3",
    ]
    assert call("registry", "list", "--task", "pma", "--json").json == ROWS


def test_the_champion_is_shown(call, filled):
    name, first, second, third = call("registry", "show", "--task", "pma").out.splitlines()
    assert name == "pma:"
    assert first == "  champion: bioloc-pma version 3 (champion): localizer, run key3"
    assert second == "  previous: none"
    assert third.startswith("  3 versions, 1 promotions")
    assert call("registry", "show", "--task", "pma", "--json").json["champion"] == ROWS[2]
    every = call("registry", "show", "--json").json
    assert list(every) == ["pma", "sfa", "cac", "liver"]
    assert every["pma"]["champion"] == ROWS[2]


def test_a_rollback_names_the_champion(call, filled):
    done = call("registry", "rollback", "--task", "pma")
    assert (done.status, done.out) == (0, "")
    assert done.err == "pma: version 1 (run key1) is champion again\n"


def test_a_sync_says_what_there_is(call, filled):
    done = call("registry", "sync")
    assert done.status == 0
    *warnings, last = done.err.splitlines()
    assert warnings == ["warning: pma: a package is gone"]
    assert last == "runs: 4, versions: 3, champions: pma key3"


def test_a_refusal_by_the_gate_is_status_1(call, study, monkeypatch):
    def refuse(*_):
        raise GateError("rows c1, c2:\n  the unit is mm2")

    monkeypatch.setattr("bioloc.stages.validate.make_validation", refuse)
    done = call("validate", "--task", "pma")
    assert (done.status, done.out) == (1, "")
    assert done.err == "refused: rows c1, c2: the unit is mm2\n"


def test_a_full_disk_is_told_in_a_line(call, study, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "data/raw/pma/x.nii.gz")

    monkeypatch.setattr("bioloc.stages.raw.make_raw", full)
    call("phantom", "--task", "pma").one_sentence("data/raw/pma/x.nii.gz: No space left on device")


def test_an_interruption_is_told_without_a_traceback(call, study, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("bioloc.stages.raw.make_raw", stopped)
    done = call("phantom", "--task", "pma")
    assert done.status == 130
    assert "a rerun goes on from there" in done.err
