"""Tiny scans for the checks: a chest slice, a heart between lungs, an abdomen. Everything in millimetres about the middle."""

from __future__ import annotations

from typing import Any

import numpy as np

from bioloc.ct.acquisition import Acquisition
from bioloc.ct.image import CT

PIXEL_MM = 2.0
HEART_MM = (3.0, 1.5, 1.5)
HEART_REGION_MM = (120.0, 100.0, 120.0)
"""Height, depth and width of the box round the heart."""


def ct(hu: np.ndarray, spacing_mm: tuple[float, float, float], **header: Any) -> CT:
    """A scan in memory; keywords are what its header says."""
    hu = np.clip(np.rint(hu), -1024, 32767).astype(np.int16)
    upright = np.array([[0, 1], [1, 1], [2, 1]], float)
    return CT(hu, spacing_mm, np.diag([*spacing_mm[::-1], 1.0]), upright, "scan", Acquisition(**header))


def plane(rows: int, columns: int, pixel_mm: float = PIXEL_MM) -> tuple[np.ndarray, np.ndarray]:
    """Distances to the back and to the left of the image's middle."""
    y, x = np.indices((rows, columns), float)
    return (y - (rows - 1) / 2) * pixel_mm, (x - (columns - 1) / 2) * pixel_mm


def ellipse(at: tuple[np.ndarray, np.ndarray], middle: tuple[float, float], half: tuple[float, float]) -> np.ndarray:
    """Pixels inside an ellipse: middle and half axes to the back and to the left."""
    return np.hypot((at[0] - middle[0]) / half[0], (at[1] - middle[1]) / half[1]) <= 1


def chest_slice(
    lung_half_mm: float = 65.0, columns: int = 200, rows: int = 150, arms: bool = False, noise: float = 8.0
) -> np.ndarray:
    """(R, C) HU: a body of 340 x 220 mm with a rim of fat and two lungs, and arms that touch its sides if wanted."""
    at = plane(rows, columns)
    hu = np.full((rows, columns), -1000.0)
    for side in (-1, 1) if arms else ():
        hu[ellipse(at, (0, side * 213), (45, 45))] = 40
    hu[ellipse(at, (0, 0), (110, 170))] = -100
    hu[ellipse(at, (0, 0), (90, 150))] = 40
    for side in (-1, 1) if lung_half_mm > 0 else ():
        hu[ellipse(at, (0, side * 70), (lung_half_mm, lung_half_mm * 0.8))] = -860
    return hu + noise * np.random.default_rng(5).standard_normal(hu.shape)


def chest(**parts: Any) -> CT:
    """A scan of one chest slice."""
    return ct(chest_slice(**parts)[None], (5.0, PIXEL_MM, PIXEL_MM))


def in_circle(hu: np.ndarray, radius_mm: float, pixel_mm: float = PIXEL_MM) -> np.ndarray:
    """A slice with padding outside the reconstruction circle."""
    return np.where(np.hypot(*plane(*hu.shape, pixel_mm)) <= radius_mm, hu, -1024)


def heart(
    blood_hu: float = 45.0,
    chamber_mm: float = 28.0,
    slices: int = 44,
    lungs: bool = True,
    spacing_mm: tuple[float, float, float] = HEART_MM,
) -> np.ndarray:
    """(S, R, C) HU: a heart of muscle with a round chamber, between lungs, with sternum, spine and calcium."""
    shape = (slices, round(210 / spacing_mm[1]), round(240 / spacing_mm[2]))
    z, y, x = ((axis - (n - 1) / 2) * size for axis, n, size in zip(np.indices(shape, float), shape, spacing_mm, strict=True))
    hu = np.full(shape, 40.0)
    if lungs:
        hu[(np.abs(y) < 90) & (np.abs(x) < 110)] = -860
    hu[(y > 55) & (np.abs(x) < 30)] = 40
    hu[np.hypot(y / 45, x / 55) < 1] = 50
    hu[np.sqrt(x**2 + y**2 + z**2) < chamber_mm] = blood_hu
    hu[np.hypot(y - 78, x) < 19] = 450
    hu[np.hypot(y - 78, x) < 17] = 220  # a young spine, dense all through
    hu[(np.abs(y + 85) < 5) & (np.abs(x) < 16)] = 180
    hu[(np.abs(y + 38) < 2) & (np.abs(x - 12) < 6) & (np.abs(z) < 15)] = 700  # a heavily calcified artery
    return hu + 12 * np.random.default_rng(6).standard_normal(shape)


def heart_box(hu: np.ndarray, spacing_mm: tuple[float, float, float] = HEART_MM) -> np.ndarray:
    """The box round the heart of `heart`."""
    region = np.zeros(hu.shape, bool)
    spans = []
    for n, size, mm in zip(hu.shape, spacing_mm, HEART_REGION_MM, strict=True):
        half = min(round(mm / size / 2), n // 2)
        spans.append(slice(n // 2 - half, n // 2 + half))
    region[tuple(spans)] = True
    return region
