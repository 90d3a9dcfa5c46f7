"""The registered model, as MLflow loads it, against bioloc's own prediction."""

import ast
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import packages_distributions

import numpy as np
import pytest
from conftest_models import PASSED, gate_table, make_evaluation, make_model
from import_closure import closure

from bioloc.calibration import FEATURES, Calibration, fit_interval, fit_novelty
from bioloc.cohorts.build import place_scan
from bioloc.errors import ImageError
from bioloc.files import md5, read_json, write_json
from bioloc.inference.package import load_package, save_package
from bioloc.inference.scan import grid_of, predict_scan
from bioloc.project import Project
from bioloc.tasks import TASKS
from bioloc.tracking.pyfunc import requirements
from bioloc.tracking.registry import promote
from bioloc.tracking.runs import record_run
from bioloc.tracking.store import open_store

SPACING = (3.0, 4.0, 4.0)
NOTHING_KNOWN = dict.fromkeys(("interval_low", "interval_high", "interval_level", "unlike_training", "novelty"))


def make_scan(slices):
    draw = np.random.default_rng(0)
    hu = np.full((slices, 48, 50), -1000, np.float32)
    hu[:, 8:40, 8:42] = 50 + draw.integers(-20, 20, (slices, 32, 34))
    hu[:, 20:23, 20:24] = 300
    region = np.zeros(hu.shape, np.float32)
    region[:, 14:30, 14:30] = 1
    return hu, region


def own(root, task, method, hu, region):
    package = load_package(Project(root).model(task, method) / "package")
    inside = None if region is None else region > 0
    scan = place_scan(package.network.task, grid_of(package), hu.astype(np.int16), SPACING, inside)
    return predict_scan(package, scan)


def load(root, task, method):
    import mlflow

    run_id = record_run(root, task, method)
    return mlflow.pyfunc.load_model(f"runs:/{run_id}/model")


@pytest.mark.parametrize(
    ("task", "method", "slices"),
    [("sfa", "localizer", 1), ("liver", "segmenter", 1), ("pma", "regressor", 1), ("cac", "localizer", 3)],
)
def test_the_registered_model_predicts_the_same(root, task, method, slices):
    make_model(root, task, method)
    model = load(root, task, method)
    hu, region = make_scan(slices)
    given = {"hu": hu, "spacing": np.asarray(SPACING)}
    cases = {"liver": [region], "cac": [None, region]}.get(task, [None])
    values = []
    for inside in cases:
        found = model.predict(given if inside is None else {**given, "region": inside})
        wanted = own(root, task, method, hu, inside)
        assert found["value"] == pytest.approx(wanted.value, rel=1e-4)
        assert found["unit"] == wanted.unit
        assert found["map"].shape == hu.shape
        assert found["map"].dtype == np.float32
        np.testing.assert_allclose(found["map"], wanted.map, atol=1e-4)
        assert {name: found[name] for name in NOTHING_KNOWN} == NOTHING_KNOWN
        values.append(found["value"])
    if task == "cac":
        assert values[0] > 0


def test_a_calibrated_model_says_how_sure_it_is(root):
    make_model(root, "sfa")
    folder = Project(root).model("sfa", "localizer") / "package"
    rng = np.random.default_rng(0)
    interval = fit_interval(TASKS["sfa"], np.arange(20.0), np.arange(20.0) + rng.normal(0, 1, 20), None)
    novelty = fit_novelty(rng.normal(0, 1, (20, len(FEATURES))), None)
    save_package(replace(load_package(folder), calibration=Calibration(interval, novelty)), folder)
    write_json(folder.parent / "run.json", {**read_json(folder.parent / "run.json"), "run_key": md5(folder)[:16]})
    hu, _ = make_scan(1)
    wanted = own(root, "sfa", "localizer", hu, None)
    found = load(root, "sfa", "localizer").predict({"hu": hu, "spacing": np.asarray(SPACING)})
    assert found["interval_low"] <= found["value"] <= found["interval_high"]
    assert {name: found[name] for name in NOTHING_KNOWN} == pytest.approx(wanted.uncertainty.row(), rel=1e-4)
    assert found["unlike_training"] is True


@pytest.mark.parametrize(("task", "slices"), [("pma", 1), ("cac", 3), ("liver", 1)])
def test_hu_spacing_and_region_may_have_any_type_of_number(root, task, slices):
    make_model(root, task)
    model = load(root, task, "localizer")
    hu, region = make_scan(slices)
    hu = np.rint(hu)
    given = {"hu": hu.astype(np.float32), "spacing": np.asarray(SPACING), "region": region}
    wanted = model.predict(given)["value"]
    for kind, spacing in ((np.int16, tuple(SPACING)), (np.float64, np.asarray(SPACING, np.float32))):
        other = {"hu": hu.astype(kind), "spacing": spacing, "region": (region > 0)}
        assert model.predict(other)["value"] == pytest.approx(wanted, rel=1e-5)


def test_inputs_are_checked(root):
    make_model(root, "cac")
    model = load(root, "cac", "localizer")
    hu, region = make_scan(2)
    with pytest.raises(ImageError, match="lacks spacing"):
        model.predict({"hu": hu})
    with pytest.raises(ImageError, match="no scan"):
        model.predict({"hu": hu[0], "spacing": np.asarray(SPACING)})
    with pytest.raises(ImageError, match="region's shape"):
        model.predict({"hu": hu, "spacing": np.asarray(SPACING), "region": region[:1]})


def test_padding_is_air_as_for_predict_and_the_input_stays(root):
    make_model(root, "sfa")
    model = load(root, "sfa", "localizer")
    hu, _ = make_scan(1)
    values = []
    for outside in (-1024, -3024, np.nan):
        given = hu.copy()
        given[:, :6] = outside
        kept = given.copy()
        values.append(model.predict({"hu": given, "spacing": np.asarray(SPACING)})["value"])
        np.testing.assert_array_equal(given, kept)
    assert values == [values[0]] * 3


def test_several_slices_of_a_one_slice_task_are_refused(root):
    make_model(root, "sfa")
    hu, _ = make_scan(2)
    with pytest.raises(ImageError, match=r"measured on one slice, hu has 2"):
        load(root, "sfa", "localizer").predict({"hu": hu, "spacing": np.asarray(SPACING)})


def test_everything_that_its_code_imports_is_required():
    """Read from the imports of all that the model's own file reaches: a clean environment has nothing else."""
    named = {line.partition("==")[0] for line in requirements()}
    of_module = packages_distributions()
    for path in closure("bioloc.tracking.pyfunc_model"):
        for node in ast.parse(path.read_text()).body:  # at the top: what is imported when the model is loaded
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for module in {name.partition(".")[0] for name in modules} - {"bioloc"} - sys.stdlib_module_names:
                assert named & {name.lower() for name in of_module[module]}, f"{path.name} imports {module}"


def test_requirements_are_pinned_without_local_builds():
    assert all("==" in line and "+" not in line for line in requirements())


@pytest.mark.slow
def test_it_loads_from_its_own_code(root, tmp_path):
    """In a process that does not see this repository's sources."""
    make_model(root, "sfa")
    run_id = record_run(root, "sfa", "localizer")
    hu, _ = make_scan(1)
    np.save(tmp_path / "hu.npy", hu)
    script = """
import sys
sys.path[:] = [p for p in sys.path if not p.rstrip("/").endswith("main/src")]
sys.meta_path[:] = [finder for finder in sys.meta_path if "__editable__" not in getattr(finder, "__module__", "")]
import mlflow, numpy as np
model = mlflow.pyfunc.load_model(sys.argv[1])
import bioloc
assert "/code/" in bioloc.__file__.replace("\\\\", "/"), bioloc.__file__
print(model.predict({"hu": np.load(sys.argv[2]), "spacing": np.array([3.0, 4.0, 4.0])})["value"])
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{root}/mlflow.db"
    command = [sys.executable, "-c", script, f"runs:/{run_id}/model", str(tmp_path / "hu.npy")]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout) == pytest.approx(own(root, "sfa", "localizer", hu, None).value, rel=1e-4)


def test_nothing_is_printed(root, capfd):
    run_key = make_model(root)
    make_evaluation(root, run_key)
    promote(root, "liver", "localizer", PASSED, gate_table, 100)
    open_store(root)
    assert capfd.readouterr().out == ""
