"""A package's threshold, intervals and novelty are of values and images, and a segmenter's of what its mask measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import sem

from bioloc.biomarkers.candidates import Candidates
from bioloc.calibration import features_of, fit_interval, fit_novelty
from bioloc.cohorts.build import Scan, place_scan
from bioloc.cohorts.grid import Placement
from bioloc.cohorts.load import Sample
from bioloc.ct.depth import depths_mm
from bioloc.inference.binarise import THRESHOLDS, binarise
from bioloc.inference.maps import predict_sample
from bioloc.inference.package import load_package, save_package
from bioloc.networks.network import Network, Spec
from bioloc.params import Grid
from bioloc.tasks import get_task
from bioloc.training.finish import finish

GRID = Grid(size=32, pixel_mm=3.0)
SPACING = (3.0, 2.0, 2.0)
FACTS: dict[str, Any] = {"cohort_md5": "abc", "images": 3}


class Cases:
    """A cohort in memory, without any mask: bodies with blobs of candidates, of which a part makes the value."""

    def __init__(self, name: str, count: int, seed: int) -> None:
        self.task = get_task(name)
        self.scans: list[Scan] = []
        self.values = np.zeros(count)
        y, x = np.mgrid[:40, :40] - 19.5
        for number in range(count):
            rng = np.random.default_rng([seed, number])
            hu = np.where(np.hypot(y, x) < 18, rng.normal(-100, 20, (2 if self.task.volume else 1, 40, 40)), -1000)
            for _ in range(int(rng.integers(1, 6))):
                row, column = rng.integers(10, 26, 2)
                hu[:, row : row + 4, column : column + 4] = rng.normal(300 if self.task.volume else 40, 15, (len(hu), 4, 4))
            self.scans.append(place_scan(self.task, GRID, hu.astype(np.int16), SPACING, None))
            self.values[number] = self.candidates(number).total() * rng.uniform(0.3, 0.7)

    def __len__(self) -> int:
        return len(self.scans)

    def sample(self, number: int) -> Sample:
        placement, candidates = self.placement(number), self.candidates(number)
        hu = placement.pool(self.scans[number].hu)
        worth = placement.pool_worth(candidates.factor * np.float32(candidates.unit_worth))
        return Sample(str(number), hu, worth, self.values[number], depths_mm(hu, GRID.pixel_mm) if self.task.depth else None)

    def placement(self, number: int) -> Placement:
        return self.scans[number].placement

    def candidates(self, number: int) -> Candidates:
        return self.scans[number].candidates(self.task)


def make_network(name: str, method: str, **changes: Any) -> Network:
    torch.manual_seed(1)
    network = Network(Spec(name, method, "test_resnet", (8,) * 5, GRID.size, GRID.pixel_mm, 0, prior=0.4, **changes)).eval()
    if network.method.output == "map":  # maps that are not the same everywhere
        with torch.no_grad():
            last = network.head[-1]
            last.weight.mul_(8)
    return network


def values_of(network: Network, cohort: Cases, *thresholds: float) -> NDArray[np.float64]:
    """(N, 1 + T) each case's value, and that of its mask at each threshold."""
    values = []
    for number in range(len(cohort)):
        value, grid_map = predict_sample(network, cohort.sample(number))
        candidates = cohort.candidates(number)
        native = cohort.placement(number).upsample(grid_map)
        values.append([value, *(candidates.value(binarise(native, candidates, threshold)) for threshold in thresholds)])
    return np.array(values)


@pytest.mark.parametrize(
    ("name", "method", "whole_lesions"),
    [
        *(
            (name, method, False)
            for name in ("pma", "cac")
            for method in ("localizer", "localizer-paper", "segmenter", "regressor")
        ),
        ("cac", "localizer", True),
    ],
)
def test_the_interval_is_of_what_the_method_reports(name: str, method: str, whole_lesions: bool) -> None:
    network, train, val = make_network(name, method, whole_lesions=whole_lesions), Cases(name, 12, 0), Cases(name, 21, 1)
    package = finish(network, train, val, FACTS)
    of_maps, of_masks = values_of(network, val, package.threshold).T
    assert not np.allclose(of_masks, of_maps, rtol=1e-3)
    reported = of_masks if method == "segmenter" or whole_lesions else of_maps
    expected, found = fit_interval(val.task, val.values, reported, "abc"), package.calibration.interval
    assert expected is not None
    assert found is not None
    assert found.cases == expected.cases
    assert found.cohort_md5 == "abc"
    bounds = (np.concatenate(interval.bounds(reported)) for interval in (found, expected))
    assert next(bounds) == pytest.approx(next(bounds), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("name", ["pma", "cac"])
def test_masks_at_the_threshold_fit_validation_values_within_a_standard_error_of_the_best(name: str) -> None:
    network, val = make_network(name, "localizer"), Cases(name, 10, 2)
    found = finish(network, Cases(name, 3, 3), val, FACTS).threshold
    space = np.log1p if name == "cac" else np.asarray
    of_masks = values_of(network, val, *THRESHOLDS).T[1:]
    errors = dict(zip(THRESHOLDS, np.abs(space(of_masks) - space(val.values)), strict=True))
    best = min(errors.values(), key=np.mean)
    excess = errors[found] - best
    assert excess.mean() <= sem(excess) + 1e-6
    assert errors[found].mean() < max(map(np.mean, errors.values()))


def test_the_novelty_is_of_both_splits_images() -> None:
    train, val = Cases("pma", 9, 0), Cases("pma", 5, 1)
    package = finish(make_network("pma", "localizer"), train, val, FACTS)
    novelty = package.calibration.novelty
    assert novelty is not None
    assert (novelty.cases, novelty.cohort_md5) == (14, "abc")
    features = np.array(
        [features_of(train.task, cohort.sample(number)) for cohort in (train, val) for number in range(len(cohort))]
    )
    expected = fit_novelty(features, "abc")
    assert expected is not None
    assert novelty.limit == expected.limit
    assert np.array_equal(novelty.center, expected.center)


@pytest.mark.parametrize(
    ("train", "val", "interval", "novelty"), [(3, 9, False, True), (3, 3, False, False), (1, 10, True, True)]
)
def test_too_few_cases_give_no_interval_or_novelty_but_a_package(train: int, val: int, interval: bool, novelty: bool) -> None:
    package = finish(make_network("pma", "localizer"), Cases("pma", train, 0), Cases("pma", val, 1), FACTS)
    assert (package.calibration.interval is not None) == interval
    assert (package.calibration.novelty is not None) == novelty
    assert package.facts == FACTS


def test_many_cases_go_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    from bioloc.training import finish as module

    network, train, val = make_network("pma", "localizer"), Cases("pma", 2, 0), Cases("pma", 11, 1)
    whole = finish(network, train, val, FACTS)
    monkeypatch.setattr(module, "_AT_ONCE", 4)
    parts = finish(network, train, val, FACTS)
    assert parts.threshold == whole.threshold
    assert parts.calibration.interval is not None
    assert whole.calibration.interval is not None
    assert parts.calibration.interval.quantile == pytest.approx(whole.calibration.interval.quantile, rel=1e-4)


def test_what_is_finished_is_saved_whole(tmp_path: Any) -> None:
    network = make_network("pma", "localizer", depth=True, fat_depth=True, folded=True, sharpness=2.0, subpixels=2)
    package = finish(network, Cases("pma", 4, 0), Cases("pma", 12, 1), FACTS)
    save_package(package, tmp_path / "model")
    again = load_package(tmp_path / "model")
    assert again.calibration.to_dict() == package.calibration.to_dict()
    assert (again.spec, again.threshold) == (package.spec, package.threshold)
    sample = Cases("pma", 1, 5).sample(0)
    assert predict_sample(again.network, sample)[0] == pytest.approx(predict_sample(network, sample)[0], rel=1e-5)
