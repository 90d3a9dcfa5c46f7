from conftest_models import make_evaluation, make_model

from bioloc.files import read_json, write_json
from bioloc.project import Project
from bioloc.tracking.runs import record_run
from bioloc.tracking.store import open_store


def snapshot(root, run_id):
    run = open_store(root).get_run(run_id)
    return run.data.params, run.data.metrics, run.info.start_time, run.info.end_time, run.info.status


def test_nothing_trained_records_nothing(root):
    assert record_run(root, "liver", "localizer") is None


def test_a_run_holds_params_metrics_tags_and_data_once(root):
    run_key = make_model(root)
    run_id = record_run(root, "liver", "localizer")
    before = snapshot(root, run_id)
    assert record_run(root, "liver", "localizer") == run_id
    assert snapshot(root, run_id) == before
    client = open_store(root)
    run = client.get_run(run_id)
    assert len(client.search_runs([run.info.experiment_id])) == 1
    assert len(client.search_logged_models([run.info.experiment_id])) == 1
    assert run.info.run_name == "localizer"
    assert run.data.tags["bioloc.run_key"] == run_key
    assert run.data.tags["supervision"] == "value"
    assert run.data.params["training.augment.flip"] == "True"
    assert [metric.value for metric in client.get_metric_history(run_id, "val_value_error")] == [0.7, 0.5]
    assert run.inputs.dataset_inputs[0].dataset.digest == "a" * 32
    assert run.info.end_time - run.info.start_time == 12500


def test_an_evaluation_that_comes_later_is_added(root):
    run_key = make_model(root)
    run_id = record_run(root, "liver", "localizer")
    make_evaluation(root, "of another model")
    record_run(root, "liver", "localizer")
    client = open_store(root)
    assert "test_pearson_r" not in client.get_run(run_id).data.metrics
    make_evaluation(root, run_key)
    for _ in range(2):
        assert record_run(root, "liver", "localizer") == run_id
    assert client.get_run(run_id).data.metrics["test_pearson_r"] == 0.95
    assert "test_dice" not in client.get_run(run_id).data.metrics
    assert len(client.get_metric_history(run_id, "test_pearson_r")) == 1
    assert [file.path for file in client.list_artifacts(run_id, "figures")] == ["figures/scatter.png"]


def test_a_run_says_which_model_it_started_from(root):
    make_model(root)
    path = Project(root).model("liver", "localizer") / "run.json"
    start = {"uri": "models:/bioloc-liver/3", "run_key": "feed0123", "cohorts": ["c" * 32]}
    write_json(path, read_json(path) | {"started_from": start})
    run = open_store(root).get_run(record_run(root, "liver", "localizer"))
    assert run.data.tags["started_from"] == "models:/bioloc-liver/3"
    assert run.data.params["started_from.run_key"] == "feed0123"
    write_json(path, read_json(path) | {"started_from": None, "run_key": make_model(root, seed=1)})
    run = open_store(root).get_run(record_run(root, "liver", "localizer"))
    assert "started_from" not in run.data.tags
    assert not [name for name in run.data.params if name.startswith("started_from")]


def test_many_parameters_go_in_more_than_one_batch(root):
    make_model(root)
    path = Project(root).model("liver", "localizer") / "run.json"
    run = read_json(path)
    write_json(path, {**run, "params": {f"p{number}": number for number in range(150)}})
    run_id = record_run(root, "liver", "localizer")
    assert open_store(root).get_run(run_id).data.params["p149"] == "149"
