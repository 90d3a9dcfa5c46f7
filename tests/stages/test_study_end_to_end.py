"""A real `make study` of a few rows, at both profiles: DVC runs the grid's own stages, on data and models of toy size."""

import json

import pytest
import yaml
from conftest_study import REPOSITORY, make_study, run, small_params

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("repro")]
DATA = ("phantom", "cohort", "masks", "candidates", "validate")
METHODS = ["localizer", "regressor"]
DEFAULT = {
    "structures-as-trained": {"method": METHODS, "variant": ["own"]},
    "seeds": {"method": ["localizer"], "variant": ["seed-1"]},
    "regions": {"method": ["localizer"], "variant": ["as-it-is", "shrunk-3mm"]},
}
PAPER = {"structures": {"method": METHODS, "variant": ["own"]}, "label-noise": {"method": ["localizer"], "variant": ["noise-20"]}}


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A study of liver with both grids, cut to a few rows."""
    root = make_study(tmp_path_factory.mktemp("grid") / "study", ["liver"])
    (root / "study" / "paper").mkdir(parents=True)
    variants = yaml.safe_load((REPOSITORY / "study/variants.yaml").read_text())["variants"]
    variants["own"] = {"study": "structures", "training": {"encoder": "test_resnet"}}
    (root / "study/variants.yaml").write_text(yaml.safe_dump({"variants": variants}))
    for path, parts in (("study/dvc.yaml", DEFAULT), ("study/paper/dvc.yaml", PAPER)):
        (root / path).write_text(yaml.safe_dump(cut(path, parts), sort_keys=False))
    (root / "study/paper/params.yaml").write_text(yaml.safe_dump(small_params(["liver"]) | {"seed": 7}))
    run(root, "git", "init", "-q")
    run(root, "dvc", "init", "-q")
    return root


def cut(path, parts):
    """The repository's graph at `path` with only liver's rows of `parts`, and the stages of the data where it has its own."""
    content = yaml.safe_load((REPOSITORY / path).read_text())["stages"]
    stages = {name: {**content[name], "foreach": ["liver"]} for name in DATA if name in content}
    return {"stages": stages | {name: {**content[name], "matrix": {"task": ["liver"], **part}} for name, part in parts.items()}}


def study(root, profile):
    return run(root, "bioloc-cli", "study", "run", "--profile", profile).stdout


def rows_of(root, document):
    rows = json.loads((root / "reports/study" / document).read_text())["rows"]
    return {(row["study"], row["method"], row["variant"]): row for row in rows}


def test_the_grid_takes_the_trained_models_and_trains_what_is_changed(repository):
    printed = study(repository, "default")
    trained = [line.partition("train@")[2].rstrip("':") for line in printed.splitlines() if "Running stage 'train@" in line]
    assert sorted(trained) == ["liver-localizer", "liver-regressor"]
    rows = rows_of(repository, "results.json")
    made = {(part, method, name) for part, names in DEFAULT.items() for method in names["method"] for name in names["variant"]}
    assert {(part.removesuffix("-as-trained"), *rest) for part, *rest in made} <= set(rows)
    own = rows["structures", "localizer", "own"]["metrics"]
    assert own["mae"] == pytest.approx(rows["regions", "localizer", "as-it-is"]["metrics"]["mae"])
    assert own["mae"] != rows["seeds", "localizer", "seed-1"]["metrics"]["mae"]
    assert rows["seeds", "localizer", "default"]["metrics"] == own
    assert "  liver-localizer-seed-1" in printed  # in the table of time
    assert "Running stage" not in study(repository, "default")


def test_the_papers_grid_has_data_of_its_own(repository):
    study(repository, "paper")
    rows = rows_of(repository, "paper.json")
    assert {row for row in rows if row[2] != "default"} >= {
        ("structures", "localizer", "own"),
        ("structures", "regressor", "own"),
        ("label-noise", "localizer", "noise-20"),
    }
    assert rows["structures", "localizer", "own"]["seed"] == 7
    run(repository, "dvc", "repro", "cohort@liver")
    ours, theirs = (repository / below / "data/cohorts/liver/samples.csv" for below in (".", "study/paper"))
    assert ours.read_text() != theirs.read_text()
