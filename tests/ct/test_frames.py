"""A multi-frame CT is one file with all slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import SPACING, enhanced_ct, save, small_hu, write_series
from refusals import refused

from bioloc.ct import read_ct

HU = small_hu(4)


def test_an_enhanced_ct_reads_like_its_slices(tmp_path: Path) -> None:
    ct = read_ct(save(enhanced_ct(HU), tmp_path / "enhanced.dcm"))
    single = read_ct(write_series(tmp_path / "single", HU))
    assert np.array_equal(ct.hu, HU)
    assert ct.spacing_mm == pytest.approx(SPACING)
    assert ct.affine == pytest.approx(single.affine)
    made = ct.acquisition
    assert (made.kvp, made.kernel, made.diameter_mm, made.slice_thickness_mm) == (100, "B20f", 400, 5)
    assert made.files == (tmp_path / "enhanced.dcm",)


def test_each_frame_has_its_own_rescale(tmp_path: Path) -> None:
    slopes = [1.0, 2.0, 0.5, 4.0]
    ct = read_ct(save(enhanced_ct(HU, slopes), tmp_path / "enhanced.dcm"))
    for plane, wanted, slope in zip(ct.hu, HU, slopes, strict=True):
        assert np.abs(plane - wanted).max() <= slope / 2


def test_an_enhanced_ct_in_a_folder_beside_a_scout_reads(tmp_path: Path) -> None:
    save(enhanced_ct(HU), tmp_path / "IM1")
    write_series(tmp_path, small_hu(1), name="scout", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    assert np.array_equal(read_ct(tmp_path).hu, HU)


def test_uneven_frames_are_told(tmp_path: Path) -> None:
    data = enhanced_ct(HU)
    data.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0].ImagePositionPatient = [-10, -20, 103]
    path = save(data, tmp_path / "enhanced.dcm")
    refused(lambda: read_ct(path), path, "do not make one volume")


def test_frames_cut_short_are_told(tmp_path: Path) -> None:
    path = save(enhanced_ct(HU), tmp_path / "enhanced.dcm")
    path.write_bytes(path.read_bytes()[:-20])
    refused(lambda: read_ct(path), path, "cut short")


def test_two_multi_frame_files_of_one_series_are_told(tmp_path: Path) -> None:
    data = enhanced_ct(HU)
    save(data, tmp_path / "a.dcm")
    save(data, tmp_path / "b.dcm")
    refused(lambda: read_ct(tmp_path), tmp_path, "2 files with several slices each")
