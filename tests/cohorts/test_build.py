"""A tiny cohort goes to the working grid and comes back, and its masks are nowhere in it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bioloc.biomarkers import find_candidates
from bioloc.cohorts import workers
from bioloc.cohorts.build import build_cohort, open_case
from bioloc.cohorts.candidates import build_candidates
from bioloc.cohorts.load import Cohort, ReferenceMasks
from bioloc.cohorts.manifest import SPLITS, Case, read_manifest, write_manifest
from bioloc.cohorts.masks import build_masks
from bioloc.ct.depth import depths_mm
from bioloc.ct.read import read_ct, read_mask
from bioloc.ct.write import axial_affine, write_array
from bioloc.errors import DataError, ImageError
from bioloc.params import Grid
from bioloc.tasks import TASKS, get_task

GRID = Grid(size=40, pixel_mm=3.0)  # 120 mm: covers 64 pixels of up to 1.8 mm
IDS = ("007", "b", "NA", "d")  # ids that look like numbers or like nothing stay ids
SPLIT = ("train", "train", "val", "test")
SPACING = (2.5, 1.5, 1.7)


def make_cohort(folder: Path, name: str, seed: int = 3) -> list[Case]:
    """Four 64 x 64 cases: an elliptic body of noise with dense spots; the last has no mask."""
    task, rng, rows = get_task(name), np.random.default_rng(seed), []
    y, x = np.mgrid[:64, :64] - 31.5
    for number, case_id in enumerate(IDS):
        body = (y / 24) ** 2 + (x / (20 + number)) ** 2 < 1
        slices = 3 if task.volume or number == 1 else 1
        hu = np.where(body, rng.integers(-150, 150, (slices, 64, 64)), -1000).astype(np.int16)
        hu[:, 25:29, 20 + number : 26 + number] = 420
        region = np.broadcast_to((y + 2) ** 2 + x**2 < 14**2, hu.shape).astype(np.uint8)
        mask = (rng.random(hu.shape) < 0.3).astype(np.uint8)
        row = {"case_id": case_id, "patient_id": f"p{number}", "image": f"images/{number}.nii.gz"}
        row |= {
            "value": 5.0 + number,
            "unit": task.unit,
            "split": SPLIT[number],
            "slice": 2 if slices > 1 and not task.volume else 0,
        }
        for kind, array in (("image", hu), ("region", region), ("mask", mask)):
            if kind == "mask" and number == 3:
                continue
            row[kind] = f"{kind}s/{number}.nii.gz"
            write_array(folder / row[kind], array.transpose(2, 1, 0), axial_affine(SPACING))
        rows.append(row)
    write_manifest(folder / "manifest.csv", rows)
    return read_manifest(folder / "manifest.csv", task)


def digests(*folders: Path) -> dict[str, str]:
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    return {f"{file.parent.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def build(cases: list[Case], name: str, folder: Path, processes: int = 1) -> Cohort:
    task = get_task(name)
    build_cohort(cases, task, GRID, folder / "cohort", processes)
    build_candidates(cases, task, GRID, folder / "candidates", processes)
    return Cohort(task, GRID, folder / "cohort", folder / "candidates", SPLITS)


@pytest.mark.parametrize("name", TASKS)
def test_a_cohort_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    task, cases = get_task(name), make_cohort(tmp_path, name)
    cohort = build(cases, name, tmp_path / "out")
    assert len(cohort) == 4
    assert cohort.table["case_id"].tolist() == list(IDS)
    assert cohort.values.tolist() == [5, 6, 7, 8]
    total_slices = sum(cohort.shape(number)[0] for number in range(4))
    images = np.load(tmp_path / "out" / "cohort" / "images.npy")
    assert (images.shape, images.dtype) == ((total_slices, 40, 40), np.int16)
    regions = tmp_path / "out" / "cohort" / "regions.npy"
    assert regions.exists() == (task.region != "none")
    if task.region != "none":
        packed = np.load(regions)
        assert (packed.shape, packed.dtype) == ((total_slices, 40, 5), np.uint8)
        at_grid = np.unpackbits(packed, axis=-1, count=40).astype(bool)
        known = total_slices * np.pi * 14**2 * SPACING[1] * SPACING[2]  # a disc of 14 pixels
        assert at_grid.sum() * GRID.pixel_mm**2 == pytest.approx(known, rel=0.03)
        assert at_grid[:, 17:22, 18:22].all()
        assert not at_grid[:, 0].any()
    for number, case in enumerate(cases):
        sample, scan = cohort.sample(number), open_case(case, task, GRID)[0]
        assert sample.hu.shape == sample.worth.shape == (len(scan.hu), 40, 40)
        assert np.array_equal(sample.hu, scan.placement.pool(scan.hu))
        assert (sample.depth is not None) == task.depth
        if sample.depth is not None:
            assert np.array_equal(sample.depth, depths_mm(sample.hu, GRID.pixel_mm))
            assert sample.depth.any()
        assert cohort.placement(number) == scan.placement
        assert cohort.spacing_mm(number) == scan.spacing_mm
        found, again = cohort.candidates(number), scan.candidates(task)
        assert np.array_equal(found.factor, again.factor)
        assert (found.lesions is None) == (again.lesions is None)
        if found.lesions is not None:
            assert np.array_equal(found.lesions, again.lesions)
        assert found.total() > 0
        assert sample.worth.sum(dtype=float) == pytest.approx(found.total(), rel=1e-4)
        row = cohort.table.iloc[number]
        assert row["total"] == pytest.approx(found.total())
        assert row["most"] == pytest.approx(again.most())
        assert (found.skin is None) == (task.skin_mm == 0) == (row["most"] == row["total"])
        assert np.array_equal(found.countable, again.countable)
        assert row["on_grid"] == pytest.approx(found.total(), rel=1e-4)


def test_the_candidates_are_those_of_the_file(tmp_path: Path) -> None:
    task, cases = get_task("cac"), make_cohort(tmp_path, "cac")
    cohort = build(cases, "cac", tmp_path / "out")
    ct = read_ct(cases[0].image)
    region = read_mask(cases[0].region or Path(), ct) > 0
    assert cohort.candidates(0).total() == pytest.approx(find_candidates(task, ct.hu, ct.spacing_mm, region).total())


def test_only_the_asked_splits_are_there(tmp_path: Path) -> None:
    build(make_cohort(tmp_path, "pma"), "pma", tmp_path / "out")
    part = Cohort(get_task("pma"), GRID, tmp_path / "out" / "cohort", tmp_path / "out" / "candidates", ["val", "test"])
    assert part.table["case_id"].tolist() == ["NA", "d"]
    assert part.sample(0).case_id == "NA"


def test_the_slice_of_the_manifest_is_measured(tmp_path: Path) -> None:
    cases = make_cohort(tmp_path, "pma")
    cohort = build(cases, "pma", tmp_path / "out")
    scan, ct = open_case(cases[1], get_task("pma"), GRID)
    assert np.array_equal(scan.hu[0], ct.hu[2])
    assert (cohort.table.loc[1, "slice"], cohort.table.loc[1, "file_slices"], cohort.shape(1)) == (2, 3, (1, 64, 64))


def test_a_rerun_gives_the_same_bytes(tmp_path: Path) -> None:
    cases = make_cohort(tmp_path, "cac")
    build(cases, "cac", tmp_path / "out")
    first = digests(tmp_path / "out")
    build(cases, "cac", tmp_path / "out")
    build(cases, "cac", tmp_path / "other")
    assert digests(tmp_path / "out") == digests(tmp_path / "other") == first


@pytest.mark.slow
def test_the_number_of_workers_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = make_cohort(tmp_path, "cac")
    build_candidates(cases, get_task("cac"), GRID, tmp_path / "one" / "candidates", 1)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(workers, "_START_SECONDS", 0.0)
    monkeypatch.setattr(workers, "_TRIED", 1)
    build_candidates(cases, get_task("cac"), GRID, tmp_path / "two" / "candidates", 2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_reference_masks_come_back(tmp_path: Path) -> None:
    for name in ("pma", "cac"):
        cases = make_cohort(tmp_path / name, name)
        cohort = build(cases, name, tmp_path / name / "out")
        build_masks(cases, get_task(name), tmp_path / name / "out" / "masks", 1)
        masks = ReferenceMasks(tmp_path / name / "out" / "masks")
        for number, case in enumerate(cases):
            found = masks.mask(case.case_id, cohort.shape(number))
            if case.mask is None:
                assert found is None
                continue
            whole = read_mask(case.mask, read_ct(case.image)) > 0
            wanted = whole if name == "cac" else whole[[case.slice_number or 0]]
            assert found is not None
            assert np.array_equal(found, wanted)


@pytest.mark.parametrize("name", ["cac", "liver"])
def test_masks_erased_or_replaced_change_no_byte_of_the_candidates(tmp_path: Path, name: str) -> None:
    cases = make_cohort(tmp_path, name)
    build(cases, name, tmp_path / "out")
    before = digests(tmp_path / "out")
    for case in cases:
        if case.mask is not None:
            case.mask.write_bytes(b"noise")
    build(cases, name, tmp_path / "out")
    assert digests(tmp_path / "out") == before
    for case in cases:
        if case.mask is not None:
            case.mask.unlink()
    table = pd.read_csv(tmp_path / "manifest.csv", dtype=str, keep_default_na=False).drop(columns="mask")
    table.to_csv(tmp_path / "manifest.csv", index=False)
    build(read_manifest(tmp_path / "manifest.csv", get_task(name)), name, tmp_path / "out")
    assert digests(tmp_path / "out") == before


def test_a_missing_stage_and_mixed_cohorts_are_told(tmp_path: Path) -> None:
    cases, task = make_cohort(tmp_path, "pma"), get_task("pma")
    with pytest.raises(DataError, match="is missing: run the stages"):
        Cohort(task, GRID, tmp_path / "none", tmp_path / "none", SPLITS)
    with pytest.raises(DataError, match="is missing: run the stage masks"):
        ReferenceMasks(tmp_path / "none")
    build_cohort(cases, task, GRID, tmp_path / "cohort", 1)
    build_candidates(cases[:3], task, GRID, tmp_path / "candidates", 1)
    with pytest.raises(DataError, match="different cases"):
        Cohort(task, GRID, tmp_path / "cohort", tmp_path / "candidates", SPLITS)


def test_a_bad_scan_stops_the_build_and_leaves_nothing(tmp_path: Path) -> None:
    cases = make_cohort(tmp_path, "liver")
    cases[2].image.write_bytes(b"x")
    with pytest.raises(ImageError, match=r"2\.nii\.gz"):
        build_cohort(cases, get_task("liver"), GRID, tmp_path / "out" / "cohort", 1)
    assert list((tmp_path / "out").iterdir()) == []
