"""Calcium of the calcium phantom: coronary plaques, their score, and the calcium elsewhere that does not count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bioloc.phantoms.heart_grid import Grid, Keys, Points, Pose, Volume, ellipse_at, unit_ball

THRESHOLD_HU = 130
IN_PLANE = np.pad(np.ones((1, 3, 3), bool), ((1, 1), (0, 0), (0, 0)))
SHARES = (0.24, 0.11, 0.21, 0.18, 0.26)  # of scores 0, 1-10, 11-100, 101-400, more: the NLST table in method.md
PLACES = {
    "LM": (0.09, 0.5, 0.25),
    "LAD": (0.36, 0.28, 0.22),
    "D1": (0.05, 0.3, 0.2),
    "LCX": (0.2, 0.35, 0.22),
    "OM": (0.04, 0.3, 0.2),
    "RCA": (0.26, 0.38, 0.24),
}  # share of plaques, mean and spread of the place along the artery


@dataclass(frozen=True)
class Plaque:
    """A cloud of calcium: points at `path(at)` plus `radius` times `ball`.

    Attributes:
        curve: (N, 3) dense course in mm on which the plaque lies.
        middle: Place of its middle on the course, mm.
        spread: (P,) each point's place relative to the middle, mm.
        ball: (P, 3) each point's place in the cross-section, in radii.
        radius: Half thickness, mm, per axis.
        aside: (3,) shift of the whole plaque, mm: plaques lie in the wall, not in the middle.
        volume: mm3.
        hu: Density before the scanner's blur.
    """

    curve: Points
    middle: float
    spread: NDArray[np.float64]
    ball: Points
    radius: NDArray[np.float64]
    aside: NDArray[np.float64]
    volume: float
    hu: float

    def cloud(self, factor: float) -> tuple[Points, NDArray[np.float64]]:
        """Points and their volume x HU, for a plaque whose cross-sections are `factor` times as large in area."""
        grow = np.sqrt(factor)
        along = np.r_[0, np.cumsum(np.linalg.norm(np.diff(self.curve, axis=0), axis=1))]
        at = np.clip(self.middle + self.spread * grow, 0, along[-1])
        centres = np.stack([np.interp(at, along, self.curve[:, i]) for i in range(3)], axis=1)
        weight = np.full(len(at), self.volume * grow**3 / len(at) * self.hu)
        return centres + self.aside + self.ball * self.radius * grow, weight


def make_plaque(
    rng: np.random.Generator, curve: Points, middle: float, length: float, radius: Points | float, hu: float, aside: Points
) -> Plaque:
    """A plaque of `length` along `curve`; its points are drawn here, once, so that scaling moves but never redraws them."""
    axes = np.broadcast_to(np.asarray(radius, float), 3)
    volume = float(np.pi * axes[0] * axes[-1] * length + 4 / 3 * np.pi * np.prod(axes))
    count = int(np.clip(volume * 60, 60, 6000))
    spread = (rng.random(count) - 0.5) * length
    return Plaque(curve, middle, spread, unit_ball(rng, count), axes, np.asarray(aside, float), volume, hu)


def draw_wish(rng: np.random.Generator) -> float:
    """A score as real cohorts have it: often zero, with a tail into the thousands."""
    group = rng.choice(5, p=SHARES)
    u, tail = rng.random(), rng.exponential(0.85)
    low, high = ((0, 0), (1.5, 10), (10, 100), (100, 400), (400, 400))[group]
    if group == 0:
        return 0.0
    return float(min(low * (high / low) ** u * (np.exp(tail) if group == 4 else 1), 5200))


def agatston(hu: Volume | NDArray[np.int16], components: NDArray[np.int32], count: int, grid: Grid) -> float:
    """Agatston score of the numbered in-slice components: sum of area * density factor * increment / 3 mm."""
    if count == 0:
        return 0.0
    areas = np.bincount(components.ravel(), minlength=count + 1)[1:] * grid.pixel**2
    peaks, at = np.zeros(count + 1), components > 0
    np.maximum.at(peaks, components[at], hu[at])
    return float(np.sum(areas * np.clip(peaks[1:] // 100, 1, 4) * (areas >= 1)) * grid.increment / 3)


def expected_score(plaque: Plaque, grid: Grid, blur_mm: float) -> float:
    """About what a plaque will score once it is scanned, from its own few voxels, without noise."""
    points, weight = plaque.cloud(1.0)
    at = grid.voxels(points)
    low = at.min(0) - (1, 4, 4)
    shape = tuple(at.max(0) - low + (2, 5, 5))
    amount = np.bincount(np.ravel_multi_index(tuple((at - low).T), shape), weight, minlength=int(np.prod(shape)))
    image = np.minimum(amount.reshape(shape) / (grid.increment * grid.pixel**2), plaque.hu)
    sigma = blur_mm / grid.pixel
    image = 10 + ndimage.gaussian_filter(image, (0.35, sigma, sigma), truncate=2.5)
    labels, count = ndimage.label(image >= THRESHOLD_HU, IN_PLANE)
    return agatston(image, np.asarray(labels, np.int32), count, grid)


def draw_plaques(rng: np.random.Generator, courses: dict[str, Points], wish: float, grid: Grid, blur_mm: float) -> list[Plaque]:
    """Coronary plaques that together score about `wish`."""
    plaques: list[Plaque] = []
    left = 1.2 * wish  # plaques that touch score less together than alone
    names, shares = list(PLACES), [p[0] for p in PLACES.values()]
    size = np.clip((wish / 120) ** 0.16, 0.55, 1.45)  # heavy scores come from more and from bigger plaques
    for _ in range(70):
        if left <= 0.08 * wish:
            break
        name = str(rng.choice(names, p=shares))
        curve = courses[name]
        total = float(np.linalg.norm(np.diff(curve, axis=0), axis=1).sum())
        middle = float(np.clip(rng.normal(*PLACES[name][1:]), 0.04, 0.92)) * total
        length = float(np.clip(rng.lognormal(np.log(4.5), 0.6) * size**2, 1.0, 20))
        radius = float(np.clip(rng.lognormal(np.log(1.0), 0.28) * size, 0.45, 2.0))
        hu = float(np.clip(rng.lognormal(np.log(560), 0.5), 180, 1300))
        aside = rng.normal(0, 0.6, 3)
        for _attempt in range(5):  # shrink a plaque that would overshoot the wish
            plaque = make_plaque(rng, curve, middle, length, radius, hu, aside)
            worth = expected_score(plaque, grid, blur_mm)
            if worth <= left * 1.15:
                break
            shrink = float(np.clip((left / worth) ** 0.4, 0.6, 0.95))
            length, radius, hu = max(length * shrink, 0.5), max(radius * shrink, 0.4), max(hu * shrink**0.3, 180)
        if worth > 0:
            plaques.append(plaque)
            left -= worth
    return plaques


def wall_patch(
    rng: np.random.Generator,
    keys: Keys,
    z: float,
    angle: float,
    half_width: float,
    half_height: float,
    thickness: float,
    hu: float,
) -> Plaque:
    """A sheet of calcium in the wall of a swept ellipse: an arc of its outline, thin across and high along z."""
    heights = np.array([z])
    x, y, rx, ry, degrees = ellipse_at(keys, heights)[:, 0]
    angles = angle + np.linspace(-1, 1, 25) * half_width / max(rx, ry)
    u, v = rx * np.cos(angles), ry * np.sin(angles)
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    curve = np.stack([x + c * u - s * v, y + s * u + c * v, np.full(25, z)], axis=1)
    axes = np.array([thickness, thickness, half_height])
    middle = float(np.linalg.norm(np.diff(curve, axis=0), axis=1).sum()) / 2
    return make_plaque(rng, curve, middle, 2 * half_width, axes, hu, np.zeros(3))


def draw_aortic(rng: np.random.Generator, keys: dict[str, Keys], pose: Pose) -> list[Plaque]:
    """Calcium of the aortic wall: the root beside the coronary ostia, the ascending part, the arch, the descending part."""
    count = 0 if rng.random() < 0.25 else 1 + int(min(rng.lognormal(np.log(4), 0.9), 24))
    patches = []
    for _ in range(count):
        place = rng.random()
        name, low, high = (
            ("ascending", 60, 73)
            if place < 0.38
            else ("ascending", 73, 112)
            if place < 0.55
            else ("arch", 113, 128)
            if place < 0.68
            else ("descending", -35, 115)
        )
        z = pose.z + pose.tall * rng.uniform(low, high)
        patches.append(
            wall_patch(
                rng,
                keys[name],
                z,
                rng.uniform(0, 2 * np.pi),
                rng.uniform(1, 7),
                rng.uniform(1, 5),
                rng.uniform(0.4, 1.1),
                float(np.clip(rng.lognormal(np.log(600), 0.4), 200, 1300)),
            )
        )
    return patches


def draw_other_calcium(rng: np.random.Generator, keys: dict[str, Keys], pose: Pose) -> list[Plaque]:
    """Valves, mitral annulus, pericardium, lymph nodes: calcium that no score counts and no intervention scales."""
    found: list[Plaque] = []

    def lump(centre: Points, spread: float, radius: float) -> None:
        at = pose.points(np.array([centre]) + rng.normal(0, spread, (1, 3)))[0]
        curve = at + np.linspace(-1, 1, 12)[:, None] * rng.normal(0, 1.5, 3)
        found.append(
            make_plaque(
                rng,
                curve,
                1.5,
                rng.uniform(0.5, 4),
                radius,
                float(np.clip(rng.lognormal(np.log(560), 0.4), 200, 1300)),
                np.zeros(3),
            )
        )

    has = rng.random(4) < (0.3, 0.25, 0.06, 0.15)
    for _ in range(int(has[0]) * int(1 + rng.exponential(3.5))):
        lump(np.array([1.0, -3, 60]), 4.0, rng.uniform(0.6, 2.0))
    if has[1]:  # the mitral annulus, an arc a few mm inside the circumflex artery
        arc = pose.points(
            np.array([(33, 9, 58), (39, 17, 51), (37, 24, 43), (26, 28, 36), (12, 26, 34)], float) + rng.normal(0, 1.2, 3)
        )
        fine = np.stack([np.interp(np.linspace(0, 4, 60), range(5), arc[:, i]) for i in range(3)], axis=1)
        for _ in range(1 + int(rng.exponential(2.2))):
            found.append(
                make_plaque(
                    rng,
                    fine,
                    rng.uniform(5, 50),
                    rng.uniform(2, 16),
                    rng.uniform(0.7, 2.4),
                    float(np.clip(rng.lognormal(np.log(560), 0.4), 200, 1300)),
                    np.zeros(3),
                )
            )
    for _ in range(int(has[2]) * int(rng.integers(1, 5))):
        z = pose.z + pose.tall * rng.uniform(8, 50)
        found.append(
            wall_patch(
                rng,
                keys["pericardium"],
                z,
                rng.uniform(0, 2 * np.pi),
                rng.uniform(4, 18),
                rng.uniform(2, 7),
                rng.uniform(0.5, 1.2),
                600.0,
            )
        )
    for _ in range(int(has[3]) * int(rng.integers(1, 4))):
        lump(np.array([rng.choice([-36.0, 36.0]), 22, 82]), 5.0, rng.uniform(1, 2.6))
    return found


def amount_of(plaques: list[Plaque], grid: Grid, factor: float) -> Volume:
    """(S, R, C) HU that calcium adds, spread a little into the neighbouring slices."""
    if not plaques:
        return np.zeros(grid.shape, np.float32)
    clouds = [p.cloud(factor) for p in plaques]
    added = grid.splat(np.concatenate([c[0] for c in clouds]), np.concatenate([c[1] for c in clouds]))
    np.minimum(added, 1400, out=added)
    spread = np.float32(0.84) * added
    spread[1:] += np.float32(0.08) * added[:-1]
    spread[:-1] += np.float32(0.08) * added[1:]
    return spread
