"""Organs of the upper-abdominal slice, all but the liver: body wall, skeleton, vessels, gut.

The slice's height runs from 0 (dome of the liver, lung bases) to 1 (kidneys, bowel). Lengths are in
mm. Organs are placed by shares of `cx`, `cy`, the half axes of the abdominal cavity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bioloc.phantoms.drawing import Canvas, Level, paint, radial_waves

FAT_HU, MUSCLE_HU, LUNG_HU, GAS_HU = -102.0, 54.0, -860.0, -980.0
Image = NDArray[np.float32]
Point = tuple[float, float]


@dataclass(frozen=True)
class Window(Canvas):
    """A part of a larger canvas that keeps its coordinates: small shapes are cheap to draw in it."""

    top: int
    left: int
    of_rows: int
    of_columns: int

    @cached_property
    def x(self) -> Level:
        """(1, C) column positions on the larger canvas, mm."""
        at = (np.arange(self.columns) + self.left - (self.of_columns - 1) / 2) * self.pixel_mm
        return np.asarray(at, np.float32)[None, :]

    @cached_property
    def y(self) -> Level:
        """(R, 1) row positions on the larger canvas, mm."""
        at = (np.arange(self.rows) + self.top - (self.of_rows - 1) / 2) * self.pixel_mm
        return np.asarray(at, np.float32)[:, None]

    @property
    def cut(self) -> tuple[slice, slice]:
        """Where it lies on the larger canvas."""
        return slice(self.top, self.top + self.rows), slice(self.left, self.left + self.columns)


def window(canvas: Canvas, x: tuple[float, float], y: tuple[float, float]) -> Window:
    """The part of `canvas` between two positions along each axis; at least one pixel."""
    spans = []
    for (low, high), n in ((y, canvas.rows), (x, canvas.columns)):
        first = int(np.clip(np.floor(low / canvas.pixel_mm + (n - 1) / 2), 0, n - 1))
        last = int(np.clip(np.ceil(high / canvas.pixel_mm + (n - 1) / 2), first, n - 1))
        spans.append((first, last - first + 1))
    (top, rows), (left, columns) = spans
    return Window(rows, columns, canvas.pixel_mm, top, left, canvas.rows, canvas.columns)


def around(canvas: Canvas, x: float, y: float, reach: float) -> Window:
    """The square within `reach` of a point."""
    return window(canvas, (x - reach, x + reach), (y - reach, y + reach))


def spot(hu: Image, canvas: Canvas, at: Point, radii: Point, value: float, degrees: float = 0.0, edge_mm: float = 0.8) -> None:
    """Lay a small ellipse of one tissue over an image in place."""
    part = around(canvas, *at, max(radii) + 2 * edge_mm)
    paint(hu[part.cut], part.ellipse(*at, *radii, degrees), value, edge_mm)


@dataclass(frozen=True)
class Habitus:
    """Size and build of one patient, and the height of the slice (0 dome of the liver .. 1 kidneys)."""

    half_width: float
    half_depth: float
    power: float
    cx: float
    cy: float
    middle: float
    wall: float
    height: float
    lung: float

    @classmethod
    def draw(cls, rng: np.random.Generator, shift: bool) -> Habitus:
        """A random build; with `shift` thinner or heavier than any without."""
        u = rng.random(10)
        fat, cx = 4 + 34 * u[0] ** 1.6, 108 + 30 * u[1] + 8 * u[0]
        if shift and u[2] < 0.5:
            fat, cx = 2.5 + 2 * u[0], 96 + 10 * u[1]
        elif shift:
            fat, cx = 40 + 18 * u[0], 142 + 16 * u[1]
        wall = 11 + 7 * u[3]
        cy = cx * (0.61 + 0.14 * u[4] + 0.0012 * fat)
        front, back = fat * (0.55 + 0.6 * u[5]) + wall * 0.8, fat * (0.4 + 0.4 * u[6]) + 33 + 6 * u[7]
        half_depth = cy + (front + back) / 2
        lung = float(max(0.0, 0.5 - u[8]) * (10 + 40 * u[9]))
        return cls(cx + wall + fat, half_depth, 2.15 + 0.5 * u[7], cx, cy, front - half_depth + cy, wall, float(u[8]), lung)

    @property
    def spine_y(self) -> float:
        """Centre of the vertebral body."""
        return self.middle + self.cy - 17


@dataclass(frozen=True)
class Contrast:
    """HU of the enhancing tissues in one phase (0 none, 1 arterial, 2 portal venous)."""

    phase: int
    liver: float
    vein: float
    aorta: float
    cava: float
    spleen: float
    cortex: float
    medulla: float
    gut_wall: float

    @classmethod
    def draw(cls, rng: np.random.Generator, liver_floor_hu: float) -> Contrast:
        """A random phase and degree of steatosis; the liver stays above `liver_floor_hu`."""
        phase = int(rng.choice(3, p=[0.25, 0.25, 0.5]))
        bolus, fat = rng.normal(1, 0.09), max(0.0, rng.uniform(-12, 18))
        liver = (55 + rng.normal(0, 3), 75 + 20 * (bolus - 1), 110 + 55 * (bolus - 1))[phase] - fat
        vein = (40 + rng.normal(0, 2), 92 * bolus, 160 * bolus)[phase]
        rest = ((41, 40, 48, 33, 30, 38), (300, 75, 115, 175, 70, 60), (160, 150, 122, 185, 165, 80))[phase]
        return cls(phase, max(liver, liver_floor_hu), vein, *(v if phase == 0 else v * bolus for v in rest))


def cavity(canvas: Canvas, body: Habitus, grow: float = 0.0) -> Level:
    """The abdominal cavity, optionally grown."""
    return canvas.superellipse(0, body.middle, body.cx + grow, body.cy + grow, 2.35)


def diaphragm(canvas: Canvas, body: Habitus) -> Level:
    """What lies below the diaphragm: the cavity less the lung bases around its sides and back."""
    lung = body.lung
    return canvas.superellipse(0, body.middle - 0.75 * lung, body.cx - 0.8 * lung, body.cy - 0.45 * lung, 2.3)


def room(canvas: Canvas, body: Habitus) -> Level:
    """Where organs of the belly may lie: within the wall and below the diaphragm."""
    return diaphragm(canvas, body) if body.lung > 2 else cavity(canvas, body)


def table(hu: Image, canvas: Canvas, body: Habitus, rng: np.random.Generator) -> None:
    """The thin curved shell of the table under the back, where the field of view holds it."""
    drop, bend = rng.uniform(4, 22), rng.uniform(0.0006, 0.0016)
    part = window(canvas, (-190, 190), (body.half_depth - 40, body.half_depth + 30))
    sheet = np.abs(part.y + np.float32(bend) * part.x**2 - np.float32(body.half_depth + drop)) - np.float32(0.9)
    paint(hu[part.cut], sheet, rng.uniform(-150, 200))


def body_wall(hu: Image, canvas: Canvas, body: Habitus, rng: np.random.Generator, texture: Level) -> Level:
    """Skin, subcutaneous fat, muscles and lung bases; returns the level of the body."""
    outline = canvas.superellipse(0, 0, body.half_width, body.half_depth, body.power)
    furrow = np.float32(rng.uniform(1, 5)) * np.exp(-((canvas.x / np.float32(14)) ** 2)) * (canvas.y > 0)
    outline = outline + furrow + np.float32(1.5) * np.sin(canvas.x / np.float32(37) + np.float32(rng.uniform(0, 6)))
    paint(hu, outline, 15.0)
    paint(hu, outline + np.float32(2.2), np.float32(FAT_HU) + 4 * texture)
    grown = cavity(canvas, body, body.wall) + np.float32(0.14 * body.wall) * np.sin(
        canvas.x / np.float32(19) + np.float32(rng.uniform(0, 6))
    )
    muscle = np.float32(MUSCLE_HU - rng.uniform(0, 12)) + 6 * texture
    paint(hu, np.maximum(grown, outline + 5), muscle)
    seam = np.abs(grown + np.float32(0.42 * body.wall)) - np.float32(rng.uniform(0.2, 1.1))
    paint(hu, np.maximum(seam, canvas.y - np.float32(body.middle + 0.6 * body.cy)), -70.0)
    inner = cavity(canvas, body)
    paint(hu, inner, np.float32(FAT_HU + 6) + 9 * texture)
    if body.lung > 2:
        paint(hu, inner, np.float32(LUNG_HU) + 25 * texture)
        below = diaphragm(canvas, body)
        paint(hu, below - np.float32(1.5), MUSCLE_HU)
        paint(hu, below, np.float32(FAT_HU + 6) + 9 * texture)
    return np.asarray(outline, np.float32)


def ribs(hu: Image, canvas: Canvas, body: Habitus, rng: np.random.Generator) -> None:
    """Ribs cut obliquely in the wall, cartilage in front."""
    wide, deep = body.cx + 0.45 * body.wall, body.cy + 0.45 * body.wall
    for side in (-1, 1):
        angles = np.linspace(-62, 62, int(rng.integers(5, 8))) + rng.normal(0, 4, 1) + rng.uniform(-5, 5)
        for angle in angles:
            length, bone, keep = rng.uniform(5, 15), rng.uniform(260, 480), rng.random()
            if keep < 0.12 + 0.25 * body.height * (angle < 0):
                continue
            c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
            swell = (abs(c) ** 2.35 + abs(s) ** 2.35) ** (-1 / 2.35)
            at = (side * wide * c * swell, body.middle + deep * s * swell)
            degrees = float(np.rad2deg(np.arctan2(deep * c, -side * wide * s)))
            spot(hu, canvas, at, (length, 3.8), bone if angle > -42 else 105.0, degrees)
            spot(hu, canvas, at, (length - 2, 2.1), bone * 0.4 if angle > -42 else 105.0, degrees)


def spine(hu: Image, canvas: Canvas, body: Habitus, rng: np.random.Generator) -> None:
    """Vertebra with its canal, processes, paraspinal muscles, psoas and crura."""
    y, rx, bone = body.spine_y, rng.uniform(19, 24), rng.uniform(330, 560)
    ry, fatty = rx * rng.uniform(0.72, 0.84), rng.uniform(0, 25)
    for side in (-1, 1):
        part = around(canvas, side * 33, y + 30, 42)
        within = part.superellipse(0, 0, body.half_width - 9, body.half_depth - 9, body.power)
        level = np.maximum(part.ellipse(side * 33, y + 31, 29, 19, side * -8), within)
        paint(hu[part.cut], level, np.float32(MUSCLE_HU - fatty) + np.float32(5 + fatty) * part.texture(rng, 6))
        if body.height > 0.55:  # psoas
            spot(hu, canvas, (side * (rx + 7), y + 1), (9, 13), MUSCLE_HU, side * -15)
        spot(hu, canvas, (side * (rx - 8), y - ry - 2), (4, 11), MUSCLE_HU, side * 35, 1.2)
        spot(hu, canvas, (side * 26, y + 19), (17, 4), bone, side * rng.uniform(5, 30))
        spot(hu, canvas, (side * 26, y + 19), (14, 2), bone * 0.45, side * 15)
        spot(hu, canvas, (side * 10, y + 27), (4, 10), bone, side * 40)
    spot(hu, canvas, (0, y + 35), (3.4, 12), bone)
    spot(hu, canvas, (0, y), (rx, ry), bone)
    spot(hu, canvas, (0, y), (rx - 1.8, ry - 1.8), rng.uniform(120, 230), 0, 1.4)
    part = around(canvas, 0, y, rx)
    hu[part.cut] += 22 * part.texture(rng, 2.5) * (part.ellipse(0, y, rx - 3, ry - 3) < 0)
    spot(hu, canvas, (0, y + ry + 7), (10, 8), FAT_HU + 60)
    spot(hu, canvas, (0, y + ry + 7), (7, 6), 35.0)


def great_vessels(hu: Image, canvas: Canvas, body: Habitus, contrast: Contrast, rng: np.random.Generator) -> tuple[float, float]:
    """Aorta (sometimes calcified), vena cava, smaller vessels of the fat; returns the place of the vena cava."""
    u = rng.random(6)
    radius, y = 8.5 + 4 * u[0], body.spine_y - 27
    at = (4 + 9 * u[1], y + 1)
    if u[2] < 0.35:
        spot(hu, canvas, (at[0] + radius * 0.75, at[1] + radius * 0.5), (4, 1.6), 420.0, 120)
    spot(hu, canvas, at, (radius, radius), contrast.aorta)
    vena = (-18 - 8 * u[3], y - 2 - 9 * (1 - body.height))
    spot(hu, canvas, vena, (10 + 4 * u[4], 7 + 4 * u[5]), contrast.cava, 20)
    return vena


def mesentery(hu: Image, canvas: Canvas, body: Habitus, contrast: Contrast, rng: np.random.Generator) -> None:
    """Pancreas and many small vessels cut across in the fat."""
    for _ in range(int(18 + 22 * body.height)):
        at = rng.uniform(-0.35, 0.75) * body.cx, body.middle + rng.uniform(-0.7, 0.45) * body.cy
        spot(hu, canvas, at, (rng.uniform(0.8, 2.6), rng.uniform(0.8, 2.2)), contrast.cava * 0.8, rng.uniform(0, 180))
    if 0.3 < body.height < 0.95:
        for k, size in enumerate(rng.uniform(7, 12, 6)):
            at = (0.13 * k - 0.22) * body.cx, body.middle + 0.12 * body.cy - 8 * np.sin(k / 5 * np.pi)
            spot(hu, canvas, at, (size * 1.3, size), contrast.gut_wall + 8, -12, 1.2)


def spleen(hu: Image, canvas: Canvas, body: Habitus, contrast: Contrast, rng: np.random.Generator) -> None:
    """A crescent along the left back wall."""
    u, waves = rng.random(5), radial_waves(rng, 4, 0.05)
    at = (0.66 + 0.08 * u[0]) * body.cx, body.middle + (0.3 + 0.15 * u[1]) * body.cy
    size = 31 + 10 * u[2] - 12 * max(0.0, body.height - 0.6)
    part = around(canvas, *at, 1.9 * size)
    level = np.maximum(part.blob(*at, size, waves, 1.7 + 0.6 * u[3], 105 + 15 * u[4]), room(part, body) + 3)
    patchy = np.float32(contrast.spleen) + np.float32(22 if contrast.phase == 1 else 2) * part.texture(rng, 9)
    paint(hu[part.cut], level, patchy)


def kidney(canvas: Canvas, body: Habitus, side: int, rng: np.random.Generator) -> tuple[Window, Level]:
    """Shape of one kidney (side -1 right, 1 left) in its window."""
    u, waves = rng.random(4), radial_waves(rng, 4, 0.03)
    x, y = side * (56 + 12 * u[0]), body.spine_y - 4 - 8 * u[1]
    size = (23 + 6 * u[2]) * min(1.0, 0.35 + 1.1 * max(0.0, body.height - 0.25 - 0.1 * (side < 0)))
    part = around(canvas, x, y, 1.6 * size)
    return part, part.blob(x, y, size, waves, 1.25 + 0.2 * u[3], 90 - side * 25)


def paint_kidney(hu: Image, shape: tuple[Window, Level], side: int, contrast: Contrast) -> None:
    """Cortex, medulla and the fat of the sinus."""
    part, level = shape
    x, y, deepest = float(part.x.mean()), float(part.y.mean()), -float(level.min())
    paint(hu[part.cut], level, contrast.cortex)
    paint(hu[part.cut], level + np.float32(0.25 * deepest), contrast.medulla, 2.0)
    sinus = part.ellipse(x - side * 0.35 * deepest, y - 0.1 * deepest, 0.55 * deepest, 0.33 * deepest, side * 25)
    paint(hu[part.cut], sinus, FAT_HU + 15, 2.0)


def stomach(hu: Image, canvas: Canvas, body: Habitus, contrast: Contrast, rng: np.random.Generator) -> None:
    """Stomach with gas over fluid, or food, or contrast."""
    u, waves = rng.random(7), radial_waves(rng, 4, 0.07)
    x, y, size = (0.38 + 0.12 * u[0]) * body.cx, body.middle - (0.2 + 0.25 * u[1]) * body.cy, 24 + 18 * u[2]
    part = around(canvas, x, y, 1.6 * size)
    level = np.maximum(part.blob(x, y, size, waves, 0.7 + 0.7 * u[3], 25 + 40 * u[4]), room(part, body) + 4)
    content = 170.0 if u[5] < 0.12 else 5 + 30 * u[5]
    paint(hu[part.cut], level, contrast.gut_wall)
    paint(hu[part.cut], level + np.float32(4), np.float32(content) + np.float32(14 * u[6]) * part.texture(rng, 5))
    paint(hu[part.cut], np.maximum(level + np.float32(4), part.y - np.float32(y - 36 + 44 * u[6])), GAS_HU)


def bowel(hu: Image, canvas: Canvas, body: Habitus, contrast: Contrast, rng: np.random.Generator) -> None:
    """Loops of colon and small bowel: fluid, stool or gas; more of them lower down."""
    for _ in range(int(1 + 13 * max(0.0, body.height - 0.15))):
        u, waves = rng.random(6), radial_waves(rng, 4, 0.08)
        x = (-0.45 * body.height + (1.2 + 0.1 * body.height) * u[0]) * body.cx * 0.68
        y = body.middle + (-0.72 + 0.85 * u[1] ** 1.5) * body.cy
        size = 8 + 11 * u[2]
        part = around(canvas, x, y, 1.7 * size)
        level = np.maximum(part.blob(x, y, size, waves, 0.7 + 0.8 * u[3], 180 * u[4]), cavity(part, body, -3))
        paint(hu[part.cut], level, contrast.gut_wall, 1.0)
        if u[5] < 0.35:
            paint(hu[part.cut], np.maximum(level + 2, part.y - np.float32(y + size * (u[4] - 0.4))), GAS_HU, 1.0)
        elif u[5] < 0.7:
            paint(hu[part.cut], level + 2, np.float32(5) + np.float32(130 * u[2]) * np.minimum(part.texture(rng, 4), 0.4))
