"""`bioloc-cli cohort --dry-run`: what a source holds, and what would be skipped, before anything is done."""

from __future__ import annotations

import yaml
from source_trees import coca, msd, touch


def set_source(study, task, source):
    params = yaml.safe_load((study / "params.yaml").read_text())
    params["tasks"][task]["source"] = source
    (study / "params.yaml").write_text(yaml.safe_dump(params))


def test_a_source_is_tried_out(call, study, tmp_path):
    msd(tmp_path)
    done = call("cohort", "--task", "liver", "--dry-run", "--source", f"msd-liver:{tmp_path}")
    assert done.status == 0, done
    assert "3 patients, 3 scans, 12 samples" in done.out
    assert "values: 0 given, 12 measured from masks" in done.out
    assert "skipped liver_77.nii.gz: no label file of its number" in done.out
    assert not (study / "data").exists()


def test_the_sentence_is_json_too(call, study, tmp_path):
    coca(study / "sets")
    set_source(study, "cac", "coca-gated:sets")
    done = call("cohort", "--task", "cac", "--dry-run", "--json")
    assert done.status == 0, done
    content = done.json
    assert (content["task"], content["source"]) == ("cac", "coca-gated:sets")
    assert (content["n_patients"], content["n_scans"], content["n_samples"]) == (2, 2, 2)
    assert (content["values_given"], content["values_measured"], content["would_stop"]) == (0, 2, False)
    assert sum(content["splits"].values()) == 2
    reasons = {one["what"]: one["reason"] for one in content["skipped"]}
    assert set(reasons) == {"coca-2", "coca-4", "coca-5", "coca-6"}
    assert all(reasons.values())


def test_phantoms_are_counted(call, study):
    done = call("cohort", "--task", "pma", "--dry-run")
    assert done.status == 0
    assert "880 patients" in done.out


def test_most_scans_unusable_is_said(call, study, tmp_path):
    root = msd(tmp_path, (0, 1, 2))
    for number in (1, 2):
        touch(root / f"imagesTr/liver_{number}.nii.gz", "cut short")
    done = call("cohort", "--task", "liver", "--dry-run", "--source", f"msd-liver:{root}")
    assert done.status == 0
    assert "the stage would stop" in done.out
    set_source(study, "liver", f"msd-liver:{root}")
    call("phantom", "--task", "liver").one_sentence("2 of 3 scans cannot be used; the first is liver_1")


def test_skipped_scans_are_told_when_a_cohort_is_taken_over(call, study, tmp_path):
    set_source(study, "liver", f"msd-liver:{msd(tmp_path)}")
    done = call("phantom", "--task", "liver")
    assert done.status == 0
    assert done.out == ""
    assert "skipped liver_78.nii.gz: no scan of its number\n" in done.err


def test_mistakes_are_told_in_a_sentence(call, study, tmp_path):
    dry = ("cohort", "--task", "liver", "--dry-run", "--source")
    call(*dry, "lits:none").one_sentence("is no folder")
    call(*dry, "msd:x").one_sentence("NAME of manifest, msd-liver, lits")
    call(*dry, "saros:x").one_sentence("saros is for sfa")
    call(*dry, f"lits:{tmp_path}").one_sentence("no usable scan of lits")
    call("cohort", "--task", "liver", "--source", "lits:x").one_sentence("go with --dry-run")
    call("cohort", "--task", "liver", "--json").one_sentence("go with --dry-run")


def test_what_a_fresh_cohort_is_like_needs_a_folder_to_put_it(call):
    for option in (("--seed", 0), ("--patients", 3), ("--split", "shift")):
        call("phantom", "--task", "pma", *option).one_sentence("go with --output")
