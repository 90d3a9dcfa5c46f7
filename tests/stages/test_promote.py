"""The absolute gates: what a model must be and must have reached before the registry compares it."""

import pandas as pd
import pytest

from bioloc.errors import DataError
from bioloc.files import md5, write_json
from bioloc.methods import METHODS
from bioloc.params import read_params
from bioloc.project import Project
from bioloc.stages.promote import check_gates
from bioloc.tasks import TASKS

VALUES = {"train": [10.0, 20.0, 30.0], "gate": [10.0, 30.0]}
"""The training mean is off by 10 on either gate case."""


@pytest.fixture
def gates(tmp_path):
    """Gates of a method of the liver that was evaluated with these metrics on the gate split, by name."""
    project = Project(tmp_path)
    params = read_params(Project.find().root)
    rows = [{"split": split, "value": value} for split, values in VALUES.items() for value in values]
    project.cohort("liver").mkdir(parents=True)
    pd.DataFrame(rows).to_csv(project.cohort("liver") / "samples.csv", index=False)
    write_json(project.validation("liver"), {"success": True})

    def check(name, metrics):
        folder = project.evaluation("liver", name)
        folder.mkdir(parents=True)
        splits = {"gate": {"metrics": {key: {"value": value} for key, value in metrics.items()}}} if metrics else {}
        package = project.model("liver", name) / "package"
        write_json(package / "model.json", {"of": name})
        write_json(folder / "metrics.json", {"splits": splits, "run_key": md5(package)[:16]})
        return {gate["gate"]: gate for gate in check_gates(project, params, TASKS["liver"], METHODS[name])}

    check.project, check.params = project, params
    return check


def passed(found):
    return {name for name, gate in found.items() if gate["passed"]}


def test_a_good_localizer_passes_every_gate(gates):
    found = gates("localizer", {"pearson_r": 0.95, "mae": 9.9})
    assert passed(found) == {
        "data validation",
        "supervision",
        "localization",
        "pearson_r >= 0.9",
        "mae below the training mean's",
    }
    assert found["mae below the training mean's"]["detail"] == "9.9 against 10 cm2 on the gate split"


@pytest.mark.parametrize(
    ("metrics", "failed"),
    [
        ({"pearson_r": 0.8999, "mae": 9.9}, "pearson_r >= 0.9"),
        ({"pearson_r": 0.95, "mae": 10.0}, "mae below the training mean's"),
    ],
)
def test_a_localizer_fails_where_it_has_not_reached_what_is_asked(gates, metrics, failed):
    found = gates("localizer", metrics)
    assert set(found) - passed(found) == {failed}


@pytest.mark.parametrize(("name", "refused"), [("regressor", "localization"), ("segmenter", "supervision")])
def test_what_cannot_be_champion_is_refused_though_it_was_not_evaluated_on_the_gate_split(gates, name, refused):
    found = gates(name, {})
    assert set(found) - passed(found) == {refused, "pearson_r >= 0.9", "mae below the training mean's"}
    assert found["pearson_r >= 0.9"]["detail"] == "not measured"


def test_data_that_failed_their_checks_let_nothing_through(gates):
    write_json(gates.project.validation("liver"), {"success": False})
    found = gates("localizer", {"pearson_r": 0.95, "mae": 1.0})
    assert set(found) - passed(found) == {"data validation"}


def test_a_method_that_was_not_evaluated_is_told_how(gates):
    with pytest.raises(DataError, match=r"dvc repro evaluate@liver-localizer"):
        check_gates(gates.project, gates.params, TASKS["liver"], METHODS["localizer"])


def test_an_evaluation_of_another_model_is_refused(gates):
    gates("localizer", {"pearson_r": 0.95, "mae": 9.9})
    write_json(gates.project.model("liver", "localizer") / "package" / "model.json", {"of": "a training since"})
    with pytest.raises(DataError, match="of another model than the present one: run `dvc repro evaluate@liver-localizer`"):
        check_gates(gates.project, gates.params, TASKS["liver"], METHODS["localizer"])
