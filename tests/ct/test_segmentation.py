"""A DICOM SEG is read as a mask on the scan's grid."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
from dicom_files import small_hu, write_series
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid
from refusals import refused

from bioloc.ct import CT, read_ct, read_mask
from bioloc.ct.write import write_array

HU = small_hu(5)


def write_seg(path: Path, ct: CT, masks: list[np.ndarray]) -> Path:
    """One segment per (S, R, C) mask; slices without any are left out, as tools do."""
    described = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=f"s{number}",
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=codes.SCT.Liver,
            algorithm_type="MANUAL",
        )
        for number in range(1, len(masks) + 1)
    ]
    hd.seg.Segmentation(
        source_images=[pydicom.dcmread(file) for file in ct.acquisition.files],
        pixel_array=np.stack(masks, axis=-1).astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=described,
        series_instance_uid=generate_uid(),
        series_number=9,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="bioloc",
        manufacturer_model_name="test",
        software_versions="0",
        device_serial_number="0",
    ).save_as(path)
    return path


def two_segments() -> np.ndarray:
    labels = np.zeros(HU.shape, np.uint16)
    labels[2, 1:3, 1:4], labels[3, 0, :] = 1, 2
    return labels


def test_a_seg_reads_back_on_the_dicom_scan_and_on_its_nifti(tmp_path: Path) -> None:
    ct = read_ct(write_series(tmp_path / "scan", HU))
    labels = two_segments()
    path = write_seg(tmp_path / "seg.dcm", ct, [labels == 1, labels == 2])
    assert np.array_equal(read_mask(path, ct), labels)
    turn = np.diag([-1.0, -1.0, 1.0, 1.0])
    turn[:2, 3] = HU.shape[2] - 1, HU.shape[1] - 1
    write_array(tmp_path / "ct.nii", ct.to_file_axes(ct.hu)[::-1, ::-1], ct.affine @ turn)
    assert np.array_equal(read_mask(path, read_ct(tmp_path / "ct.nii")), labels)


def test_a_seg_of_one_slice_reads(tmp_path: Path) -> None:
    ct = read_ct(write_series(tmp_path / "scan", HU))
    labels = np.zeros(HU.shape, np.uint16)
    labels[1, 2, 3] = 1
    assert np.array_equal(read_mask(write_seg(tmp_path / "seg.dcm", ct, [labels]), ct), labels)


def test_overlapping_segments_are_told(tmp_path: Path) -> None:
    ct = read_ct(write_series(tmp_path / "scan", HU))
    path = write_seg(tmp_path / "seg.dcm", ct, [two_segments() > 0, two_segments() == 1])
    refused(lambda: read_mask(path, ct), path, "overlap")


def test_a_seg_of_another_scan_is_told(tmp_path: Path) -> None:
    ct = read_ct(write_series(tmp_path / "scan", HU))
    other = read_ct(write_series(tmp_path / "other", HU, spacing=(2.0, 0.5, 0.5)))
    path = write_seg(tmp_path / "seg.dcm", other, [two_segments() == 1])
    refused(lambda: read_mask(path, ct), path, "not those of the scan")


def test_a_scan_or_a_text_is_no_seg(tmp_path: Path) -> None:
    ct = read_ct(write_series(tmp_path / "scan", HU))
    for path in (ct.acquisition.files[0], tmp_path / "scan", tmp_path / "text.dcm"):
        if not path.exists():
            path.write_text("no dicom")
        refused(lambda path=path: read_mask(path, ct), path, "no DICOM SEG")


def test_real_segs_equal_the_masks_made_from_them(real_ct: Path) -> None:
    folder = real_ct / "dcmqi_liver3"
    for scan in ("dicom", "ct_3slice.nii.gz"):
        ct = read_ct(folder / scan)
        liver = read_mask(folder / "seg" / "liver.dcm", ct) > 0
        assert np.array_equal(liver, read_mask(folder / "seg" / "liver_seg.nrrd", ct) > 0)
