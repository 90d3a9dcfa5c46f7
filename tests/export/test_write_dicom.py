"""Mask, map and number come back from DICOM as they went in, at their place in the patient."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import dicom_files
import highdicom as hd
import numpy as np
import pytest
from export_series import FEET, SHAPE, SPACING, blob, of_object, of_volume, phantom, scan, write_all
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEG2000Lossless

from bioloc.ct import read_ct, read_mask
from bioloc.errors import ImageError
from bioloc.export.codes import CONCEPTS
from bioloc.tasks import TASKS

ORIENTATIONS = ["".join(codes) for axes in itertools.permutations(("LR", "AP", "SI")) for codes in itertools.product(*axes)]
FAR = 0.01  # mm


def same(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    assert np.abs(found[:, :3] - expected[:, :3]).max() < FAR
    assert np.array_equal(found[:, 3], expected[:, 3])


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_mask_and_map_lie_where_their_voxels_lie_whatever_the_instances_orientation(tmp_path: Path, codes: str) -> None:
    ct = scan(tmp_path / "ct", codes=codes, turn_deg=9)
    ct = replace(ct, acquisition=replace(ct.acquisition, files=tuple(sorted((tmp_path / "ct").iterdir()))))
    map_ = np.random.default_rng(1).random(SHAPE, np.float32) * blob(slice(0, 5))
    written = write_all(ct, tmp_path, blob(), map_)
    same(of_object(written.dataset("seg")), of_volume(ct, blob()))
    same(of_object(written.dataset("map")), of_volume(ct, map_))
    first, second = (frame.PlanePositionSequence[0] for frame in written.dataset("map").PerFrameFunctionalGroupsSequence[:2])
    apart = np.linalg.norm(np.subtract(second.ImagePositionPatient, first.ImagePositionPatient))
    measures = written.dataset("map").SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert float(measures.SpacingBetweenSlices) == pytest.approx(apart, abs=1e-6)


@settings(derandomize=True, deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 2**32 - 1), st.one_of(st.none(), st.integers(0, SHAPE[0] - 1)), st.sampled_from(["LPS", "RPS", "LAI", "PLS"])
)
def test_any_mask_comes_back_voxel_for_voxel(tmp_path_factory, seed: int, slice_number: int | None, codes: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    ct = scan(folder / "ct", codes=codes)
    rng = np.random.default_rng(seed)
    mask = rng.random(SHAPE) < rng.choice([0.0, 0.01, 0.3, 1.0])
    if slice_number is not None:
        mask[np.arange(SHAPE[0]) != slice_number] = False
    written = write_all(ct, folder, mask, slice_number=slice_number)
    assert np.array_equal(read_mask(written.paths["dicom_seg"], ct) == 1, mask)


def test_a_segmentation_read_by_highdicom_has_the_mask_and_names_what_it_is(tmp_path: Path) -> None:
    ct = scan(tmp_path / "ct")
    seg = hd.seg.segread(write_all(ct, tmp_path, blob(), task="liver", model="models:/bioloc-liver/3").paths["dicom_seg"])
    assert np.array_equal(seg.get_volume(combine_segments=True).array, blob()[3:0:-1])  # from the head
    segment = seg.get_segment_description(1)
    assert segment.algorithm_type == hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC
    assert segment.segmented_property_type == codes.SCT.Neoplasm
    assert segment.anatomic_regions == [codes.SCT.Liver]
    algorithm = segment.algorithm_identification
    assert (algorithm.name, algorithm.parameters) == ("bioloc", {"model": "models:/bioloc-liver/3"})
    assert seg.segmentation_type == hd.seg.SegmentationTypeValues.BINARY


def test_a_map_read_by_highdicom_has_the_values_and_no_unit(tmp_path: Path) -> None:
    ct = scan(tmp_path / "ct")
    map_ = np.random.default_rng(2).random(SHAPE, np.float32)
    image = hd.imread(write_all(ct, tmp_path, blob(), map_).paths["dicom_map"])
    assert np.array_equal(image.get_volume(dtype=np.float32).array, map_[::-1])  # from the head
    mapping = image.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1, 0)
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "1"


@pytest.mark.parametrize(("task", "value"), [("pma", 41.0625), ("sfa", 1 / 3), ("cac", 1234.56789), ("liver", 0.0)])
def test_the_report_has_the_number_its_unit_and_what_it_was_measured_on(tmp_path: Path, task: str, value: float) -> None:
    ct = scan(tmp_path / "ct")
    written = write_all(ct, tmp_path, blob(), task=task, value=value)
    (group,) = hd.sr.srread(written.paths["dicom_report"]).content.get_volumetric_roi_measurement_groups()
    (measurement,) = group.get_measurements()
    assert measurement.value == pytest.approx(value, rel=1e-12)
    assert measurement.unit.value == {"cm2": "cm2", "points": "1"}[TASKS[task].unit]
    assert measurement.method == CONCEPTS[task].method
    assert measurement.name == CONCEPTS[task].measure
    segment = group.referenced_segment
    assert segment.referenced_sop_instance_uid == written.dataset("seg").SOPInstanceUID
    assert {str(image.referenced_sop_instance_uid) for image in segment.source_images_for_segmentation} == {
        str(reference.ReferencedSOPInstanceUID) for reference in written.dataset("seg").SourceImageSequence
    }
    assert [site.value for site in group.finding_sites] == list(CONCEPTS[task].sites)


def test_every_task_has_its_coded_concepts_in_its_unit() -> None:
    assert set(CONCEPTS) == set(TASKS)
    for name, task in TASKS.items():
        assert CONCEPTS[name].unit.value == {"cm2": "cm2", "points": "1"}[task.unit]


def test_codes_that_the_dictionary_knows_mean_what_it_says() -> None:
    agatston, area, score = codes.DCM.AgatstonScoringMethod, codes.SCT.AreaOfDefinedRegion, CONCEPTS["cac"]
    assert (score.method, CONCEPTS["sfa"].measure) == (agatston, area)
    assert CONCEPTS["cac"].sites == (codes.SCT.CoronaryArtery,)


@pytest.mark.parametrize("slice_number", [0, 3])
def test_a_single_slice_has_one_frame_that_refers_to_its_instance(tmp_path: Path, slice_number: int) -> None:
    ct = scan(tmp_path / "ct", codes="LPI")
    mask = blob(slice(slice_number, slice_number + 1))
    written = write_all(ct, tmp_path, mask, slice_number=slice_number)
    for name in ("seg", "map"):
        data = written.dataset(name)
        assert data.NumberOfFrames == 1
        frame = data.PerFrameFunctionalGroupsSequence[0]
        height = float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
        assert height == pytest.approx(FEET + slice_number * SPACING[0])
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        (reference,) = data.ReferencedSeriesSequence[0].ReferencedInstanceSequence
        assert reference.ReferencedSOPInstanceUID == source
        assert float(data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices) == SPACING[0]
    same(of_object(written.dataset("seg")), of_volume(ct, mask))


@pytest.mark.parametrize(("slice_number", "shown"), [(None, 2), (4, 4)])
def test_an_empty_mask_is_one_empty_frame_of_the_slice_that_was_looked_at(
    tmp_path: Path, slice_number: int | None, shown: int
) -> None:
    ct = scan(tmp_path / "ct")
    written = write_all(ct, tmp_path, np.zeros(SHAPE, bool), task="cac", value=0.0, slice_number=slice_number)
    for name in ("seg", "map"):
        data = written.dataset(name)
        assert data.NumberOfFrames == 1
        assert not data.pixel_array.any()
        height = data.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient[2]
        assert float(height) == pytest.approx(FEET + shown * SPACING[0])
    (group,) = hd.sr.srread(written.paths["dicom_report"]).content.get_volumetric_roi_measurement_groups()
    assert group.get_measurements()[0].value == 0


def test_frames_go_from_the_first_to_the_last_slice_in_use(tmp_path: Path) -> None:
    ct = scan(tmp_path / "ct")
    map_ = np.zeros(SHAPE, np.float32)
    map_[1, 3, 3] = map_[3, 4, 4] = 0.01
    written = write_all(ct, tmp_path, np.zeros(SHAPE, bool), map_)
    assert [written.dataset(name).NumberOfFrames for name in ("seg", "map")] == [3, 3]


def test_a_rerun_makes_the_same_objects_and_another_result_others(tmp_path: Path) -> None:
    ct = scan(tmp_path / "ct")

    def uids(folder: str, **how: object) -> list[str]:
        written = write_all(ct, tmp_path / folder, **{"mask": blob(), **how})
        return [
            str(written.dataset(name)[tag].value)
            for name in ("seg", "map", "report")
            for tag in ("SOPInstanceUID", "SeriesInstanceUID")
        ]

    first = uids("a")
    assert len(set(first)) == 6
    assert uids("b") == first
    for other in ({"value": 12.500001}, {"model": "models:/bioloc-sfa/8"}, {"mask": blob(slice(0, 3))}, {"task": "pma"}):
        assert not set(uids("c", **other)) & set(first)


def test_instances_that_lie_elsewhere_than_the_volume_are_refused_in_a_sentence(tmp_path: Path) -> None:
    ct = scan(tmp_path / "ct")
    lacking = replace(ct, acquisition=replace(ct.acquisition, files=ct.acquisition.files[:-1]))
    turned = replace(ct, acquisition=scan(tmp_path / "turned", turn_deg=9).acquisition)
    shifted = replace(ct, affine=ct.affine + np.outer([0, 0, 2.0, 0], [0, 0, 0, 1]))
    for other in (lacking, turned, shifted):
        with pytest.raises(ImageError, match=r"no DICOM objects can be made for this series: its \w+"):
            write_all(other, tmp_path / "out", blob())
    assert not (tmp_path / "out").exists()


def test_a_failed_write_leaves_no_part_of_a_file(tmp_path: Path, monkeypatch) -> None:
    def cut_short(self, path: Path, **_: object) -> None:
        path.write_bytes(b"DICM")
        raise OSError("disk full")

    monkeypatch.setattr(hd.sr.EnhancedSR, "save_as", cut_short)
    ct = scan(tmp_path / "ct")
    with pytest.raises(OSError, match="disk full"):
        write_all(ct, tmp_path / "out", blob())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["case_dicom_map.dcm", "case_dicom_seg.dcm"]


@pytest.mark.parametrize(("slice_number", "own_geometry"), [(None, False), (2, False), (2, True)])
def test_a_multi_frame_scan_keeps_all_its_frames(tmp_path: Path, slice_number: int | None, own_geometry: bool) -> None:
    hu = phantom()
    data = dicom_files.enhanced_ct(hu, spacing=SPACING)
    if own_geometry:
        shared = data.SharedFunctionalGroupsSequence[0]
        groups = [shared.pop(name) for name in ("PlaneOrientationSequence", "PixelMeasuresSequence")]
        for frame in data.PerFrameFunctionalGroupsSequence:
            frame.update({group.tag: group for group in groups})
    data.PerFrameFunctionalGroupsSequence = data.PerFrameFunctionalGroupsSequence[::-1]
    data.PixelData = b"".join((plane + 1024).astype("<u2").tobytes() for plane in hu[::-1])
    ct = read_ct(dicom_files.save(data, tmp_path / "ct.dcm"))
    mask = blob(slice(2, 3))
    written = write_all(ct, tmp_path, mask, slice_number=slice_number)
    for name in ("seg", "map"):
        same(of_object(written.dataset(name)), of_volume(ct, mask))
        assert written.dataset(name).NumberOfFrames == SHAPE[0]


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, ExplicitVRBigEndian, ImplicitVRLittleEndian])
def test_a_source_may_have_any_transfer_syntax(tmp_path: Path, syntax: str) -> None:
    hu, packed = dicom_files.small_hu(3, size=(32, 40)), syntax == JPEG2000Lossless
    folder = dicom_files.write_series(tmp_path / "ct", hu, **({} if packed else {"syntax": syntax}))
    ct = read_ct(dicom_files.compress(folder, syntax) if packed else folder)
    assert np.array_equal(ct.hu, hu)
    same(of_object(write_all(ct, tmp_path, hu > 0).dataset("seg")), of_volume(ct, hu > 0))
