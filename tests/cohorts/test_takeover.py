"""A source's scans are opened, measured and taken over into data/raw, and the cohort is built of them."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from source_trees import (
    LESION_SCORE,
    PIXEL_CM2,
    abdomen,
    coca,
    coca_nongated,
    lits,
    msd,
    nifti,
    nlst,
    orcascore,
    saros,
    totalsegmentator,
    touch,
)

from bioloc.cohorts.load import Cohort, ReferenceMasks
from bioloc.cohorts.manifest import SPLITS, Case, read_manifest
from bioloc.errors import DataError
from bioloc.params import Grid, Params, read_params
from bioloc.project import Project
from bioloc.stages.data import make_candidates, make_cohort, make_masks
from bioloc.stages.raw import make_raw, survey_raw
from bioloc.tasks import get_task

REPOSITORY = Path(__file__).parents[2]
TUMOUR_CM2 = 30 * PIXEL_CM2


def study(folder: Path, task: str, source: str) -> tuple[Project, Params]:
    params = read_params(REPOSITORY)
    section = params.task(task).model_copy(update={"source": source, "grid": Grid(size=48, pixel_mm=3.6)})
    return Project(folder / "study"), params.model_copy(update={"tasks": {task: section}})


def taken(folder: Path, task: str, source: str) -> tuple[list[Case], dict[str, str], Project]:
    """Cases of data/raw, and what was skipped."""
    project, params = study(folder, task, source)
    skipped = make_raw(project, params, get_task(task))
    raw = project.raw(task)
    assert pd.read_csv(raw / "skipped.csv").to_dict("records") == [{"what": one.what, "reason": one.reason} for one in skipped]
    return read_manifest(raw / "manifest.csv", get_task(task)), {one.what: one.reason for one in skipped}, project


def built(folder: Path, task: str, source: str) -> tuple[Cohort, ReferenceMasks]:
    project, params = study(folder, task, source)
    for stage in (make_cohort, make_candidates, make_masks):
        stage(project, params, get_task(task))
    cohort = Cohort(get_task(task), params.task(task).grid, project.cohort(task), project.candidates(task), SPLITS)
    return cohort, ReferenceMasks(project.masks(task))


def test_the_liver_from_its_archive_to_the_cohort(tmp_path: Path) -> None:
    source = f"msd-liver:{msd(tmp_path)}"
    cases, skipped, project = taken(tmp_path, "liver", source)
    assert [case.case_id for case in cases] == [f"liver_{n}-z{z:03d}" for n in (0, 1, 10) for z in (3, 7, 11, 15)]
    assert {case.patient_id for case in cases} == {"liver_0", "liver_1", "liver_10"}
    assert set(skipped) == {"liver_77.nii.gz", "liver_78.nii.gz", "imagesTs"}
    assert sorted(path.name for path in project.raw("liver").glob("*/*")) == sorted([f"liver_{n}.nii.gz" for n in (0, 1, 10)] * 3)
    cohort, masks = built(tmp_path, "liver", source)
    assert cohort.table["slice"].tolist() == [3, 7, 11, 15] * 3
    assert cohort.table["file_slices"].tolist() == [20] * 12
    for number in range(12):
        reference = masks.mask(cohort.table["case_id"][number], cohort.shape(number))
        candidates = cohort.candidates(number)
        assert reference is not None
        assert candidates.value(reference) == pytest.approx(cohort.values[number], abs=1e-6)
        assert candidates.mask.sum() == 18 * 18


def test_values_are_measured_on_their_slice(tmp_path: Path) -> None:
    hu, labels = abdomen()
    labels[7, 14:20, 12:15] = 2  # 18 pixels
    nifti(tmp_path / "imagesTr/liver_0.nii.gz", hu)
    nifti(tmp_path / "labelsTr/liver_0.nii.gz", labels)
    cases, _, _ = taken(tmp_path, "liver", f"msd-liver:{tmp_path}")
    assert [case.value for case in cases] == pytest.approx([0, 18 * PIXEL_CM2, 0, 0])


def test_a_region_in_data_raw_tells_nothing_of_the_tumour(tmp_path: Path) -> None:
    cases, _, _ = taken(tmp_path, "liver", f"lits:{lits(tmp_path)}")
    assert cases[0].region is not None
    region = np.asanyarray(nib.load(cases[0].region).dataobj)
    assert set(np.unique(region)) == {0, 1}
    assert np.array_equal(region.transpose(2, 1, 0) == 1, abdomen()[1] > 0)
    assert cases[0].region_labels == ()


def test_gated_hearts_from_outlines_to_the_cohort(tmp_path: Path) -> None:
    coca(tmp_path)
    source = f"coca-gated:{tmp_path}"
    cases, skipped, project = taken(tmp_path, "cac", source)
    assert [(case.case_id, case.value) for case in cases] == [("coca-1", pytest.approx(LESION_SCORE)), ("coca-3", 0)]
    assert set(skipped) == {"coca-2", "coca-4", "coca-5", "coca-6"}
    assert "above or below" in skipped["coca-4"]
    assert "none below 0" in skipped["coca-5"]
    assert sorted(path.name for path in (project.raw("cac") / "images/coca-1").iterdir()) == [
        f"{n:03d}.dcm" for n in range(1, 11)
    ]
    assert cases[0].mask == project.raw("cac") / "masks/coca-1.xml"
    cohort, masks = built(tmp_path, "cac", source)
    reference = masks.mask("coca-1", cohort.shape(0))
    assert reference is not None
    assert cohort.candidates(0).value(reference) == pytest.approx(LESION_SCORE)
    assert cohort.candidates(0).total() == pytest.approx(LESION_SCORE)
    assert masks.mask("coca-3", cohort.shape(1)) is not None


def test_scores_of_a_table_are_kept(tmp_path: Path) -> None:
    coca_nongated(tmp_path / "coca")
    cases, _, _ = taken(tmp_path / "a", "cac", f"coca-nongated:{tmp_path / 'coca'}")
    assert [(case.value, case.mask) for case in cases] == [(12.5, None), (0.0, None)]
    cases, _, _ = taken(tmp_path / "b", "cac", f"nlst:{nlst(tmp_path / 'nlst')}")
    assert [case.value for case in cases] == [178.772]


def test_headers_with_voxels_elsewhere_become_one_file(tmp_path: Path) -> None:
    cases, skipped, _ = taken(tmp_path, "cac", f"orcascore:{orcascore(tmp_path / 'data')}")
    assert [case.value for case in cases] == pytest.approx([LESION_SCORE] * 2)
    assert [case.image.name for case in cases] == ["orcascore-TRV1P1.mha", "orcascore-TRV1P2.mha"]
    assert set(skipped) == {"TRV1P1CTAI.mhd", "TRV1P3CTI.mhd"}
    cohort, masks = built(tmp_path, "cac", f"orcascore:{tmp_path / 'data'}")
    reference = masks.mask("orcascore-TRV1P1", cohort.shape(0))
    assert reference is not None
    assert cohort.candidates(0).value(reference) == pytest.approx(LESION_SCORE)


def test_fat_is_measured_on_an_annotated_slice(tmp_path: Path) -> None:
    cases, _, _ = taken(tmp_path, "sfa", f"saros:{saros(tmp_path)}")
    ring = 30 * 38 - 24 * 32 - 38  # labelled 1, but for the row that is no fat by its HU
    assert [(case.case_id, case.slice_number) for case in cases] == [(f"case_{n:03d}", 30) for n in (0, 1, 2)]
    assert [case.value for case in cases] == pytest.approx([ring * PIXEL_CM2] * 3)


def test_a_slice_that_is_to_be_found_is_in_the_manifest(tmp_path: Path) -> None:
    cases, skipped, _ = taken(tmp_path, "liver", f"totalsegmentator:{totalsegmentator(tmp_path)}")
    assert [(case.slice_number, case.slice_auto) for case in cases] == [
        (8, False),
        (3, False),
    ]  # the largest region, first of equals
    assert set(skipped) == {"s0002", "s0003", "s9999"}


def own(
    folder: Path, rows: list[str], columns: str = "case_id,patient_id,image,value,unit,mask,slice,mask_label,roi,region_label"
) -> str:
    hu, labels = abdomen()
    nifti(folder / "a.nii.gz", hu)
    nifti(folder / "labels.nii.gz", labels)
    touch(folder / "m.csv", "\n".join([columns, *rows]) + "\n")
    return str(folder / "m.csv")


def test_an_own_manifest_names_labels_slices_and_missing_values(tmp_path: Path) -> None:
    rows = [
        "a8,p,a.nii.gz,,cm2,labels.nii.gz,8,2,labels.nii.gz,1 2",
        "a5,p,a.nii.gz,,cm2,labels.nii.gz,5,2,labels.nii.gz,1 2",
        "b,q,a.nii.gz,3.25,cm2,,auto,,labels.nii.gz,",
    ]
    cases, skipped, project = taken(tmp_path, "liver", own(tmp_path / "own", rows))
    assert [case.value for case in cases] == pytest.approx([TUMOUR_CM2, 0, 3.25])
    assert [case.slice_number for case in cases] == [8, 5, 3]
    assert skipped == {}
    assert [path.name for path in (project.raw("liver") / "images").iterdir()] == ["a8.nii.gz"]  # one scan, one file


def test_files_are_copied_since_dvc_protects_what_it_links(tmp_path: Path) -> None:
    source = own(tmp_path / "own", ["a,p,a.nii.gz,1,cm2,labels.nii.gz,8,2,labels.nii.gz,"])
    (case,), _, _ = taken(tmp_path, "liver", source)
    assert case.mask is not None
    for taken_over, theirs in ((case.image, "a.nii.gz"), (case.mask, "labels.nii.gz")):
        assert not taken_over.samefile(tmp_path / "own" / theirs)
        assert taken_over.read_bytes() == (tmp_path / "own" / theirs).read_bytes()


def test_a_parquet_manifest_is_the_same(tmp_path: Path) -> None:
    source = own(tmp_path / "own", ["007,NA,a.nii.gz,,cm2,labels.nii.gz,8,2,labels.nii.gz,1 2"])
    table = pd.read_csv(source, dtype={"case_id": str, "patient_id": str}, keep_default_na=False, na_values={"value": [""]})
    table.to_parquet(tmp_path / "own/m.parquet")
    (case,), _, _ = taken(tmp_path, "liver", str(tmp_path / "own/m.parquet"))
    assert (case.case_id, case.patient_id, case.slice_number) == ("007", "NA", 8)
    assert case.value == pytest.approx(TUMOUR_CM2)


def test_one_bad_scan_is_skipped_with_its_reason(tmp_path: Path) -> None:
    ending = "cm2,labels.nii.gz,8,2,labels.nii.gz,"
    source = own(tmp_path / "own", [f"{name},{name},{name}.nii.gz,1,{ending}" for name in ("a", "gone", "cut", "c", "d")])
    for name in ("c", "d"):
        nifti(tmp_path / f"own/{name}.nii.gz", abdomen()[0])
    touch(tmp_path / "own/cut.nii.gz", "no image")
    cases, skipped, _ = taken(tmp_path, "liver", source)
    assert [case.case_id for case in cases] == ["a", "c", "d"]
    assert "no such file" in skipped["gone"]
    assert "cannot be read" in skipped["cut"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("x,x,a.nii.gz,1,cm2,,0,,labels.nii.gz,", "region of interest is empty on slice 0"),
        ("x,x,a.nii.gz,1,cm2,,40,,labels.nii.gz,", "no slice 40"),
        ("x,x,a.nii.gz,1,cm2,,,,labels.nii.gz,", "measured on one slice"),
        ("x,x,a.nii.gz,1,cm2,,8,,labels.nii.gz,9", "region of interest is empty"),
        ("x,x,a.nii.gz,1,cm2,gone.nii.gz,8,,labels.nii.gz,", "no such file"),
        ("x,x,a.nii.gz,,cm2,small.nii.gz,8,,labels.nii.gz,", "the mask has"),
    ],
)
def test_what_a_later_stage_would_refuse_is_skipped_here(tmp_path: Path, row: str, words: str) -> None:
    source = own(tmp_path / "own", ["a,p,a.nii.gz,1,cm2,,8,,labels.nii.gz,", row])
    nifti(tmp_path / "own/small.nii.gz", abdomen()[1][:, :30])
    cases, skipped, _ = taken(tmp_path, "liver", source)
    assert [case.case_id for case in cases] == ["a"]
    assert words in skipped["x"]


def test_more_than_half_unusable_stops_and_leaves_nothing(tmp_path: Path) -> None:
    rows = [f"{name},{name},{name}.nii.gz,1,cm2,,8,,labels.nii.gz," for name in ("a", "b", "c")]
    project, params = study(tmp_path, "liver", own(tmp_path / "own", rows))
    with pytest.raises(DataError, match=r"2 of 3 scans cannot be used; the first is b: .*b\.nii\.gz"):
        make_raw(project, params, get_task("liver"))
    assert list(project.raw("liver").parent.iterdir()) == []


def test_a_survey_says_what_will_be_and_changes_nothing(tmp_path: Path) -> None:
    coca(tmp_path)
    project, params = study(tmp_path, "cac", f"coca-gated:{tmp_path}")
    before = sorted(tmp_path.rglob("*"))
    content = survey_raw(project, params, get_task("cac"))
    assert sorted(tmp_path.rglob("*")) == before
    assert {key: content[key] for key in ("n_patients", "n_scans", "n_samples", "values_given", "values_measured")} == {
        "n_patients": 2,
        "n_scans": 2,
        "n_samples": 2,
        "values_given": 0,
        "values_measured": 2,
    }
    cases, skipped, _ = taken(tmp_path, "cac", f"coca-gated:{tmp_path}")
    assert content["splits"] == {split: [case.split for case in cases].count(split) for split in {case.split for case in cases}}
    assert {one["what"]: one["reason"] for one in content["skipped"]} == skipped
    assert content["would_stop"] is False


def test_a_survey_of_phantoms_counts_them(tmp_path: Path) -> None:
    project, params = study(tmp_path, "pma", "phantom")
    content = survey_raw(project, params, get_task("pma"))
    assert content["n_patients"] == sum(params.task("pma").patients.model_dump().values())
    assert content["skipped"] == []


def test_a_survey_without_a_usable_scan_is_an_error(tmp_path: Path) -> None:
    project, params = study(tmp_path, "liver", own(tmp_path / "own", ["b,b,b.nii.gz,1,cm2,,8,,labels.nii.gz,"]))
    with pytest.raises(DataError, match=r"none of 1 scans can be used \(b: .*no such file"):
        survey_raw(project, params, get_task("liver"))
