"""The scanner: what turns drawn anatomy into something that looks like CT.

Point spread, correlated noise that grows with the patient's size, streaks along the widest line of
bone and body, a small calibration error. `shift` draws from ranges that the study never trains on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Scanner:
    """One protocol.

    Attributes:
        blur_mm: Standard deviation of the in-plane point spread.
        sharpening: Edge overshoot of the kernel; 0 is a soft kernel.
        noise_hu: Noise of a 300 mm wide patient.
        grain_mm: Size of a noise grain.
        streaks: Strength of the streaks, HU.
        offset_hu: Calibration error.
    """

    blur_mm: float
    sharpening: float
    noise_hu: float
    grain_mm: float
    streaks: float
    offset_hu: float

    @classmethod
    def draw(cls, rng: np.random.Generator, noise_hu: tuple[float, float], shift: bool = False) -> Scanner:
        """A random protocol; `noise_hu` is the range of the noise of a 300 mm wide patient."""
        u = rng.random(6)
        low, high = noise_hu
        if shift:
            return cls(
                0.30 + 0.2 * u[0], 0.45 + 0.35 * u[1], high * (1.1 + 0.4 * u[2]), 0.7 + 0.4 * u[3], 6 + 8 * u[4], -6 + 12 * u[5]
            )
        return cls(0.45 + 0.45 * u[0], 0.35 * u[1], low + (high - low) * u[2], 0.9 + 0.9 * u[3], 6 * u[4], -3 + 6 * u[5])


def scan(
    hu: Image, spacing_mm: tuple[float, float, float], scanner: Scanner, rng: np.random.Generator, width_mm: float
) -> NDArray[np.int16]:
    """The image as the scanner would give it.

    Args:
        hu: (S, R, C) float32, HU, free of noise.
        spacing_mm: Slice increment, row and column spacing.
        scanner: The protocol.
        rng: Randomness of this patient's noise.
        width_mm: Body width; noise grows with it as exp(width / 200 mm).

    Returns:
        (S, R, C) int16, HU, clipped to -1024..3071.
    """
    pixel = spacing_mm[1]
    sigma = scanner.blur_mm / pixel
    soft = ndimage.gaussian_filter(hu, (0, sigma, sigma), truncate=3)
    if scanner.sharpening > 0:
        wide = ndimage.gaussian_filter(soft, (0, 1.5 * sigma + 0.5, 1.5 * sigma + 0.5), truncate=3)
        soft += np.float32(scanner.sharpening) * (soft - wide)
    amount = scanner.noise_hu * float(np.exp(np.clip((width_mm - 300) / 200, -0.7, 0.9)))
    field = noise(rng, hu.shape, scanner.grain_mm / pixel)
    local = _noise_profile(soft)
    out = soft + field * (np.float32(amount) * local)
    if scanner.streaks > 0:
        out += np.float32(scanner.streaks) * _streaks(rng, hu.shape, pixel) * local
    return np.asarray(np.clip(np.rint(out + scanner.offset_hu), -1024, 3071), np.int16)


def noise(rng: np.random.Generator, shape: tuple[int, ...], grain: float) -> Image:
    """Unit-variance noise per slice with CT's spectrum: |f| * exp(-(f/fc)^2), so neighbours are correlated.

    The shape of the spectrum follows the usual model of filtered back-projection's noise power.
    """
    rows, columns = shape[-2:]
    fy, fx = fft.fftfreq(rows)[:, None], fft.rfftfreq(columns)[None, :]
    f = np.hypot(fy, fx)
    cutoff = 0.32 / max(grain, 0.35)
    gain = np.asarray(np.sqrt(f + 0.004) * np.exp(-((f / cutoff) ** 2) / 2), np.float32)
    white = rng.standard_normal(shape, dtype=np.float32)
    field = fft.irfft2(fft.rfft2(white) * gain, s=(rows, columns))
    return np.asarray(field / field.std(), np.float32)


def _noise_profile(hu: Image) -> Image:
    """Noise is highest in the middle of the body and low in air: (S, R, C) factors about 1."""
    step = 8
    coarse = (hu[:, ::step, ::step] > -500).astype(np.float32)
    depth = ndimage.gaussian_filter(coarse, (0, 5, 5))
    rows, columns = (_stretch(length, step) for length in hu.shape[1:])
    return np.asarray(rows @ (0.45 + 0.75 * depth) @ columns.T, np.float32)


def _stretch(length: int, step: int) -> Image:
    """(length, coarse) weights of linear interpolation from every `step`-th sample."""
    coarse = -(-length // step)
    at = np.minimum(np.arange(length) / step, coarse - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(at[:, None] - np.arange(coarse)[None, :])), np.float32)


def _streaks(rng: np.random.Generator, shape: tuple[int, ...], pixel_mm: float) -> Image:
    """Nearly horizontal streaks, unit strength, as between shoulders or arms."""
    slices, rows, columns = shape
    lines = ndimage.gaussian_filter1d(rng.standard_normal((slices, rows + columns)), 1.2 / pixel_mm, axis=1)
    lines /= lines.std()
    tilt = rng.normal(0, 0.06)
    at = np.arange(rows)[:, None] + tilt * np.arange(columns)[None, :] + columns / 2
    fade = np.exp(-(((np.arange(rows) - rows * rng.uniform(0.4, 0.7)) / (0.18 * rows)) ** 2))[:, None]
    return np.asarray(lines[:, np.clip(np.rint(at), 0, rows + columns - 1).astype(np.intp)] * fade, np.float32)
