"""What the study varies of the data: patients left out, noise on values, and worth without candidates."""

import numpy as np
import pandas as pd
import pytest
from conftest_study import prepare

from bioloc.errors import UsageError
from bioloc.params import read_params
from bioloc.stages.study_cohorts import fewer_patients, noisy_values, varied_opener
from bioloc.stages.study_variants import Variant
from bioloc.tasks import get_task


def table(train=40, others=5):
    splits = ["train"] * train + ["val"] * others + ["test"] * others
    names = [f"case-{number}" for number in range(len(splits))]
    patients = [
        f"patient-{number // 2}" if split == "train" else name
        for number, (split, name) in enumerate(zip(splits, names, strict=True))
    ]
    return pd.DataFrame({"case_id": names, "patient_id": patients, "split": splits, "value": np.arange(len(splits)) * 1.0})


def test_fewer_patients_keep_all_their_cases_and_are_among_the_more():
    whole = table()
    few, more = fewer_patients(whole, 5, seed=1), fewer_patients(whole, 12, seed=1)
    for part, count in ((few, 5), (more, 12)):
        train = part[part["split"] == "train"]
        assert train["patient_id"].nunique() == count
        assert len(train) == 2 * count
        assert (part["split"] != "train").sum() == 10
        assert part.index.tolist() == list(range(len(part)))
    assert set(few["case_id"]) < set(more["case_id"])
    assert set(fewer_patients(whole, 5, seed=2)["case_id"]) != set(few["case_id"])


def test_more_patients_than_there_are_is_an_error_only_where_training_looks():
    with pytest.raises(UsageError, match="21 training patients, and the cohort has 20"):
        fewer_patients(table(), 21, seed=1)
    test = table().query("split == 'test'")
    assert fewer_patients(test, 21, seed=1)["case_id"].tolist() == test["case_id"].tolist()


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_noise_has_its_share_as_deviation_and_no_bias(share):
    whole = table(train=4000)
    factor = (noisy_values(whole, share, 3)["value"] / whole["value"])[whole["split"] == "train"].iloc[1:]
    assert factor.std() == pytest.approx(share, rel=0.06)
    assert factor.mean() == pytest.approx(1, abs=4 * share / np.sqrt(4000))
    assert (factor > 0).all()


def test_noise_is_seen_by_training_only_and_is_of_the_case():
    whole = table()
    one, shuffled = noisy_values(whole, 0.2, 3), noisy_values(whole.iloc[::-1], 0.2, 3).iloc[::-1]
    assert one["value"].tolist() == shuffled["value"].tolist()
    assert one.loc[one["split"] == "test", "value"].tolist() == whole.loc[whole["split"] == "test", "value"].tolist()
    assert (one.loc[one["split"] == "val", "value"] != whole.loc[whole["split"] == "val", "value"]).all()
    assert one["value"].iloc[0] == 0  # the first case has nothing to measure, noise or not
    assert noisy_values(whole, 0.2, 4)["value"].tolist() != one["value"].tolist()
    up = [noisy_values(whole, share, 3)["value"].iloc[1:40] > whole["value"].iloc[1:40] * 1.05 for share in (0.1, 0.3)]
    assert (up[0] <= up[1]).all()  # whom a little noise pushes up, much pushes up too


def test_with_the_skin_all_that_a_reader_may_count_is_a_candidate(tmp_path):
    project = prepare(tmp_path, "sfa", {"train": 1, "val": 1, "gate": 1, "test": 2, "shift": 0})
    params, task = read_params(project.root), get_task("sfa")
    own = varied_opener(project, params, task, Variant(study="ablation"))(["test"])
    with_skin = varied_opener(project, params, task, Variant(study="ablation", candidates="skin-too"))(["test"])
    for number in range(2):
        found, more = own.candidates(number), with_skin.candidates(number)
        assert np.array_equal(more.mask, found.countable)
        assert more.skin is None
        assert more.total() == pytest.approx(found.most()) == pytest.approx(own.table["most"].iloc[number])
        assert more.total() > 1.02 * found.total()  # a millimetre of rim is more than a fiftieth of what fat there is
        pooled = with_skin.placement(number).pool_worth(found.countable * np.float32(found.unit_worth))
        assert np.array_equal(with_skin.sample(number).worth, pooled)
        assert own.sample(number).worth.sum() < pooled.sum()
