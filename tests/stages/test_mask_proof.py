"""The mask proof: with every mask replaced by noise, candidates and weights of value-only methods are the same bytes."""

import nibabel as nib
import numpy as np
import pytest

from bioloc.files import md5, read_json, write_json
from bioloc.methods import get_method
from bioloc.params import read_params
from bioloc.project import Project
from bioloc.stages.data import make_candidates, make_cohort, make_masks
from bioloc.stages.raw import make_raw
from bioloc.stages.train import make_model
from bioloc.tasks import get_task


def prepare_and_train(project, params, task, methods):
    make_cohort(project, params, task)
    make_candidates(project, params, task)
    make_masks(project, params, task)
    write_json(project.validation(task.name), {"success": True})
    digests = {
        "cohort": md5(project.cohort(task.name)),
        "candidates": md5(project.candidates(task.name)),
        "masks": md5(project.masks(task.name)),
    }
    for name in methods:
        make_model(project, params, task, get_method(name))
        digests[name] = md5(project.model(task.name, name) / "package")
    return digests


def replace_masks_by_noise(folder):
    rng = np.random.default_rng(7)
    for path in sorted(folder.iterdir()):
        image = nib.load(path)
        nib.save(nib.Nifti1Image(rng.integers(0, 2, image.shape).astype(np.uint8), image.affine), path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pma", "cac", "liver"])
def test_masks_change_no_byte_of_value_only_methods(study, name):
    project = Project.find(study(name))
    params, task = read_params(project.root), get_task(name)
    make_raw(project, params, task)
    with_masks = prepare_and_train(project, params, task, ["localizer", "regressor-candidates", "segmenter"])
    replace_masks_by_noise(project.raw(name) / "masks")
    with_noise = prepare_and_train(project, params, task, ["localizer", "regressor-candidates", "segmenter"])
    for what in ("cohort", "candidates", "localizer", "regressor-candidates"):
        assert with_noise[what] == with_masks[what], what
    for what in ("masks", "segmenter"):  # the noise did reach what may see masks: the test can fail
        assert with_noise[what] != with_masks[what], what


def test_a_failed_validation_stops_training(study):
    from bioloc.errors import GateError

    project = Project.find(study("pma"))
    params, task = read_params(project.root), get_task("pma")
    for folder in (project.cohort("pma"), project.candidates("pma")):
        folder.mkdir(parents=True)
    (project.cohort("pma") / "samples.csv").write_text("case_id,split\na,train\nb,val\n")
    write_json(project.validation("pma"), {"success": False})
    with pytest.raises(GateError):
        make_model(project, params, task, get_method("localizer"))
    assert not (project.model("pma", "localizer") / "run.json").exists()
    assert read_json(project.validation("pma")) == {"success": False}
