"""The one CT series of a folder is found among what scanners leave there; several are listed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import PATIENT, ct_slice, rewrite, save, small_hu, write_series
from pydicom.uid import SecondaryCaptureImageStorage, XRayRadiationDoseSRStorage
from refusals import refused

from bioloc.ct import read_ct

HU = small_hu(4)


def test_what_is_no_ct_volume_is_set_aside(tmp_path: Path) -> None:
    write_series(tmp_path / "p1" / "study" / "axial", HU, name="IM{down}", SeriesNumber=2)
    write_series(tmp_path / "p1" / "study" / "scout", small_hu(2), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], SeriesNumber=1)
    write_series(tmp_path / "p1" / "study" / "axial", small_hu(2), name="pet{up}", Modality="PT", SeriesNumber=3)
    write_series(tmp_path / "p1" / "study", small_hu(1), name="one.dcm", SeriesNumber=4)
    for name, kind in (("capture.dcm", SecondaryCaptureImageStorage), ("dose", XRayRadiationDoseSRStorage)):
        save(ct_slice(HU[0], SOPClassUID=kind, SeriesInstanceUID="1.2.3", SeriesNumber=5), tmp_path / "p1" / name)
    for name in ("DICOMDIR", "README", "notes.txt", "Thumbs.db", "VERSION.1"):
        (tmp_path / "p1" / name).write_bytes(b"no DICOM" * 40)
    (tmp_path / "p1" / "study" / "axial" / "._IM1.dcm").write_bytes(b"macOS")
    assert np.array_equal(read_ct(tmp_path).hu, HU)


def test_several_volumes_are_listed_without_a_word_of_the_patient(tmp_path: Path) -> None:
    write_series(tmp_path, HU, name="a{up}.dcm", SeriesNumber=2, SeriesDescription="Zzyzx chest")
    write_series(tmp_path, small_hu(3, seed=1), name="b{up}.dcm", SeriesNumber=7, SliceThickness=0.75, ConvolutionKernel="B60f")
    refused(lambda: read_ct(tmp_path), tmp_path, r"2 CT series: 2 \(4 slices of 5 mm, kernel B30f\), 7 \(3 slices of 0.75 mm, ")
    with pytest.raises(Exception, match="--series NUMBER-or-UID") as caught:
        read_ct(tmp_path)
    assert not any(value in str(caught.value) for value in (*PATIENT.values(), "Zzyzx", "chest"))


def test_a_series_is_chosen_by_number_or_uid(tmp_path: Path) -> None:
    other = small_hu(3, seed=1)
    write_series(tmp_path, HU, name="a{up}.dcm", SeriesNumber=2, SeriesInstanceUID="1.2.3.4")
    write_series(tmp_path, other, name="b{up}.dcm", SeriesNumber=7, SeriesInstanceUID="1.2.3.5")
    assert np.array_equal(read_ct(tmp_path, "2").hu, HU)
    assert np.array_equal(read_ct(tmp_path, "7").hu, other)
    assert read_ct(tmp_path, "1.2.3.5").acquisition.series_uid == "1.2.3.5"
    refused(lambda: read_ct(tmp_path, "3"), tmp_path, r"no CT series 3: 2 \(4 slices")


def test_series_that_share_a_number_are_listed_by_uid(tmp_path: Path) -> None:
    write_series(tmp_path, HU, name="a{up}.dcm", SeriesInstanceUID="1.2.3.4")
    write_series(tmp_path, HU, name="b{up}.dcm", SeriesInstanceUID="1.2.3.5")
    refused(lambda: read_ct(tmp_path), tmp_path, r"1.2.3.4 \(4 slices")
    refused(lambda: read_ct(tmp_path, "1"), tmp_path, r"2 CT series 1: 1.2.3.4 \(4")
    assert read_ct(tmp_path, "1.2.3.4").hu.shape == HU.shape


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    for number in range(11):
        write_series(tmp_path, small_hu(2), name=f"{number}-{{up}}.dcm", SeriesNumber=number)
    refused(lambda: read_ct(tmp_path), tmp_path, "and 3 more")


def test_single_slices_alone_are_read_or_listed(tmp_path: Path) -> None:
    write_series(tmp_path, HU[:1], name="a.dcm", SeriesNumber=3)
    assert np.array_equal(read_ct(tmp_path).hu, HU[:1])
    write_series(tmp_path, HU[1:2], name="b.dcm", SeriesNumber=4)
    refused(lambda: read_ct(tmp_path), tmp_path, "2 CT series")


@pytest.mark.parametrize("modality", ["MR", "PT"])
def test_another_modality_is_told(tmp_path: Path, modality: str) -> None:
    path = write_series(tmp_path / "d", HU, Modality=modality)
    refused(lambda: read_ct(path), path, f"no CT image in its DICOM files .4 of modality '{modality}'")


def test_a_folder_with_localizers_and_captures_only_is_told(tmp_path: Path) -> None:
    write_series(tmp_path, small_hu(2), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    save(ct_slice(HU[0], SOPClassUID=SecondaryCaptureImageStorage), tmp_path / "capture.dcm")
    refused(lambda: read_ct(tmp_path), tmp_path, "1 Secondary Capture Image, 2 localizer")


def test_a_folder_without_dicom_is_told(tmp_path: Path) -> None:
    refused(lambda: read_ct(tmp_path), tmp_path, "no DICOM series")
    (tmp_path / "scan.nii.gz").write_bytes(b"x")
    refused(lambda: read_ct(tmp_path), tmp_path, "named one by one")


@pytest.mark.parametrize("name", ["002.dcm", "IM2", "CT.1.2.840.55"])
@pytest.mark.parametrize("share", [0.0, 0.25])
def test_a_file_cut_in_its_header_is_named(tmp_path: Path, name: str, share: float) -> None:
    write_series(tmp_path, HU)
    cut = tmp_path / name
    whole = (tmp_path / "002.dcm").read_bytes()
    cut.unlink(missing_ok=True)
    cut.write_bytes(whole[: int(len(whole) * share)])
    refused(lambda: read_ct(tmp_path), cut, "cut short|unknown")


def test_an_emptied_series_uid_is_a_series_too(tmp_path: Path) -> None:
    assert np.array_equal(read_ct(write_series(tmp_path, HU, SeriesInstanceUID="", SeriesNumber=None)).hu, HU)


def test_a_text_called_dcm_is_named(tmp_path: Path) -> None:
    write_series(tmp_path, HU)
    (tmp_path / "x.dcm").write_bytes(b"no dicom" * 100)
    refused(lambda: read_ct(tmp_path), tmp_path / "x.dcm", "corrupt")
    refused(lambda: read_ct(tmp_path / "x.dcm"), tmp_path / "x.dcm", "corrupt")


def test_a_single_file_reads_whatever_it_is_called(tmp_path: Path) -> None:
    write_series(tmp_path, HU, name="IM{up}")
    assert np.array_equal(read_ct(tmp_path / "IM2").hu, HU[2:3])
    rewrite(tmp_path / "IM2", SliceThickness="")
    refused(lambda: read_ct(tmp_path / "IM2"), tmp_path / "IM2", "without SliceThickness")


def test_files_without_the_preamble_read(tmp_path: Path) -> None:
    write_series(tmp_path, HU, syntax="1.2.840.10008.1.2")
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        path.write_bytes(content[content.index(b"\x08\x00\x08\x00") :])  # from the first element after the file's own
    assert np.array_equal(read_ct(tmp_path).hu, HU)
