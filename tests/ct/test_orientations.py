"""Whatever the order, direction and slant of a file's axes, voxels come in upright and go back to where they were."""

from __future__ import annotations

import itertools

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioloc.ct import read_ct, read_mask, write_nifti
from bioloc.ct.image import corners
from bioloc.ct.write import write_array

ORDERS = ["".join(codes) for axes in itertools.permutations(("LR", "AP", "SI")) for codes in itertools.product(*axes)]
WAYS = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
ANGLES = st.tuples(*[st.floats(-6, 6)] * 3)
SPACINGS = st.tuples(*[st.floats(0.3, 5.0)] * 3)
SHAPES = st.tuples(*[st.integers(2, 5)] * 3)


def test_there_are_48_orders() -> None:
    assert len(set(ORDERS)) == 48


@pytest.mark.parametrize("codes", ORDERS)
@settings(derandomize=True, deadline=None, max_examples=6)
@given(angles=ANGLES, spacing=SPACINGS, shape=SHAPES, seed=st.integers(0, 2**32 - 1))
def test_voxels_come_in_upright_and_go_back_to_where_they_were(tmp_path_factory, codes, angles, spacing, shape, seed) -> None:
    folder = tmp_path_factory.mktemp("order")
    rng = np.random.default_rng(seed)
    affine = slanted(codes, angles, spacing, rng.uniform(-300, 300, 3))
    assert "".join(nib.aff2axcodes(affine)) == codes
    stored = rng.integers(-1024, 3000, shape).astype(np.int16)
    stored.flat[0], stored.flat[-1] = -1000, 1200
    write_array(folder / "ct.nii", stored, affine)

    ct = read_ct(folder / "ct.nii")
    assert np.array_equal(ct.to_file_axes(ct.hu), stored)
    labels = rng.permutation(ct.hu.size).reshape(ct.hu.shape).astype(np.uint16)  # every voxel has a name of its own
    write_nifti(folder / "mask.nii", labels, ct)

    image = nib.load(folder / "mask.nii")
    assert np.allclose(image.affine, affine, atol=1e-3)
    check_places(labels, np.asanyarray(image.dataobj), affine, ct.spacing_mm)
    assert np.array_equal(read_mask(folder / "mask.nii", ct), labels)
    nib.save(nib.as_closest_canonical(image), folder / "canonical.nii")  # a mask need not share the scan's axes
    assert np.array_equal(read_mask(folder / "canonical.nii", ct), labels)
    assert np.allclose(corners(ct.affine, stored.shape), corners(*canonical(image)), atol=1e-3)


def slanted(codes: str, angles: tuple[float, ...], spacing: tuple[float, ...], origin: np.ndarray) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = np.stack([WAYS[code] for code in codes], axis=1)
    for axis, degrees in enumerate(angles):
        one, other = (k for k in range(3) if k != axis)
        a = np.deg2rad(degrees)
        turn = np.eye(4)
        turn[[one, one, other, other], [one, other, one, other]] = np.cos(a), -np.sin(a), np.sin(a), np.cos(a)
        affine = turn @ affine
    affine[:3, :3] *= spacing
    affine[:3, 3] = origin
    return affine


def check_places(labels: np.ndarray, in_file: np.ndarray, affine: np.ndarray, spacing: tuple[float, float, float]) -> None:
    """Every voxel lies where its (slice, row, column) says: up, back and left from the first one."""
    world = np.empty((labels.size, 3))
    world[in_file.ravel()] = nib.affines.apply_affine(affine, np.argwhere(np.ones(in_file.shape)))
    world = world[labels.ravel()].reshape(*labels.shape, 3)
    ways = world[1, 0, 0] - world[0, 0, 0], world[0, 1, 0] - world[0, 0, 0], world[0, 0, 1] - world[0, 0, 0]
    for way, step, toward in zip(ways, spacing, ([0, 0, 1], [0, -1, 0], [-1, 0, 0]), strict=True):
        assert np.linalg.norm(way) == pytest.approx(step, rel=1e-3)
        assert way @ toward > 0.9 * step
    steps = np.stack(np.meshgrid(*(np.arange(n) for n in labels.shape), indexing="ij"), axis=-1)
    assert np.allclose(world, world[0, 0, 0] + steps @ np.stack(ways), atol=1e-3)


def canonical(image: nib.Nifti1Image) -> tuple[np.ndarray, tuple[int, ...]]:
    turned = nib.as_closest_canonical(image)
    return turned.affine, turned.shape
