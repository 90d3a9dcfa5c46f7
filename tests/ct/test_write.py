"""What is written goes back to the scan's own geometry."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.ct import read_ct, read_mask, write_nifti
from bioloc.ct.write import axial_affine, write_array

SIGNS = st.sampled_from([-1, 1])


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    axes=st.permutations([0, 1, 2]),
    signs=st.tuples(SIGNS, SIGNS, SIGNS),
    spacing=st.tuples(*[st.floats(0.3, 5.0)] * 3),
    shape=st.tuples(*[st.integers(1, 6)] * 3),
    origin=st.tuples(*[st.integers(-200, 200)] * 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_reading_and_writing_gives_the_same_voxels_and_affine(
    tmp_path_factory, axes, signs, spacing, shape, origin, seed
) -> None:
    folder = tmp_path_factory.mktemp("round")
    affine = np.eye(4)
    affine[:3, :3] = (np.diag(spacing) @ np.diag(signs))[:, axes]
    affine[:3, 3] = origin
    array = np.random.default_rng(seed).integers(-1024, 3000, shape).astype(np.int16)
    array.flat[0] = -1024
    array.flat[-1] = -1000 if array.size == 1 else 3000
    if array.size == 1:
        array = np.concatenate([array, array + 2000])
    write_array(folder / "a.nii", array, affine)
    ct = read_ct(folder / "a.nii")
    write_nifti(folder / "b.nii", ct.hu, ct)
    assert (folder / "a.nii").read_bytes() == (folder / "b.nii").read_bytes()
    image = nib.load(folder / "b.nii")
    assert np.array_equal(np.asanyarray(image.dataobj), array)
    assert np.allclose(image.affine, affine, atol=1e-4)


def test_the_same_content_gives_the_same_bytes_under_another_name(tmp_path: Path) -> None:
    array = np.arange(60, dtype=np.int16).reshape(5, 4, 3)
    write_array(tmp_path / "one.nii.gz", array, np.eye(4))
    write_array(tmp_path / "another.nii.gz", array, np.eye(4))
    assert (tmp_path / "one.nii.gz").read_bytes() == (tmp_path / "another.nii.gz").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["another.nii.gz", "one.nii.gz"]


def test_a_mask_written_for_a_scan_reads_back_on_it(tmp_path: Path) -> None:
    affine = np.array([[0, 0, 2.0, 5], [-0.5, 0, 0, 6], [0, -0.6, 0, 7], [0, 0, 0, 1]])
    hu = np.random.default_rng(1).integers(-1000, 1000, (5, 4, 3)).astype(np.int16)
    write_array(tmp_path / "a.nii.gz", hu, affine)
    ct = read_ct(tmp_path / "a.nii.gz")
    mask = (ct.hu > 100).astype(np.uint8)
    write_nifti(tmp_path / "m.nii.gz", mask, ct)
    assert np.array_equal(read_mask(tmp_path / "m.nii.gz", ct), mask)
    assert np.array_equal(np.asanyarray(nib.load(tmp_path / "m.nii.gz").dataobj) > 0, hu > 100)


def test_the_axial_affine_reads_without_turning(tmp_path: Path) -> None:
    hu = np.random.default_rng(2).integers(-1000, 1000, (2, 3, 4)).astype(np.int16)
    write_array(tmp_path / "a.nii", hu.transpose(2, 1, 0), axial_affine((3.0, 0.7, 0.8)))
    ct = read_ct(tmp_path / "a.nii")
    assert np.array_equal(ct.hu, hu)
    assert ct.spacing_mm == pytest.approx((3.0, 0.7, 0.8))
