"""A chest and a belly drawn in mm, on any voxels: x to the left, y to the back, z to the head from the feet's end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Spacing = tuple[float, float, float]


@dataclass
class Drawing:
    """Voxels and where they are; `size` scales the patient."""

    spacing: Spacing
    size: float = 1.0
    low_mm: float = 0.0
    high_mm: float = 400.0
    width_mm: float = 460.0
    seed: int = 0
    parts: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dz, dy, dx = self.spacing
        self.z = np.arange(self.low_mm + dz / 2, self.high_mm * self.size, dz)[:, None, None] / self.size
        rows, columns = round(320 / dy), round(self.width_mm / dx)
        self.y = ((np.arange(rows) - (rows - 1) / 2) * dy)[:, None] / self.size
        self.x = (np.arange(columns) - (columns - 1) / 2) * dx / self.size
        self.hu = np.full((len(self.z), rows, columns), -1000.0, np.float32)

    def ellipsoid(self, middle: tuple[float, float, float], radii: tuple[float, float, float]) -> np.ndarray:
        """Inside an ellipsoid, (x, y, z) of middle and half axes in mm; an infinite half axis makes a cylinder."""
        (a, b, c), (p, q, r) = middle, radii
        return ((self.x - a) / p) ** 2 + ((self.y - b) / q) ** 2 + ((self.z - c) / r) ** 2 < 1

    def paint(self, name: str, where: np.ndarray, hu: float) -> None:
        where = np.broadcast_to(where, self.hu.shape)
        self.hu[where] = hu
        self.parts[name] = where

    def scan(self, noise: float = 15) -> np.ndarray:
        rng = np.random.default_rng(self.seed)
        return np.clip(self.hu + rng.normal(0, noise, self.hu.shape), -1024, 3000).round().astype(np.int16)


FOREVER = np.inf
CARINA_MM = 220
LUNG_TOP_MM = 325
SPACING = (4.0, 3.0, 3.0)


def chest(spacing: Spacing = SPACING, arms: bool = False, table: bool = True, airway: bool = True, **how: float) -> Drawing:
    """Wall, lungs, heart, liver's dome, spine, sternum, and an airway that divides `CARINA_MM` above the lower end."""
    drawing = Drawing(spacing, **how)
    x, y, z = drawing.x, drawing.y, drawing.z
    if table:
        shell = (np.abs(x) < 200) & (y > 122) & (y < 145) & ((np.abs(x) > 197.5) | (y < 124.5) | (y > 142.5))
        drawing.paint("table", shell, -150)
    if arms:
        for side in (-1, 1):
            drawing.paint("arm", drawing.ellipsoid((195 * side, 10, 0), (28, 30, FOREVER)), 40)
    drawing.paint("body", drawing.ellipsoid((0, 0, 0), (165, 115, FOREVER)), -100)
    drawing.paint("wall", drawing.ellipsoid((0, 0, 0), (152, 102, FOREVER)), 45)
    lungs = [drawing.ellipsoid((78 * side, 0, 165), (60, 85, LUNG_TOP_MM - 165)) for side in (-1, 1)]
    drawing.paint("lungs", (lungs[0] | lungs[1]) & (z > 25), -860)
    drawing.paint("fat", drawing.ellipsoid((0, -20, 200), (26, 55, 110)) & ~drawing.parts["lungs"], -90)
    drawing.paint("heart", drawing.ellipsoid((22, -22, 140), (58, 46, 58)), 42)
    drawing.paint("liver", drawing.ellipsoid((-70, -5, 15), (72, 80, 85)) & (z < 100), 62)
    drawing.paint("spine", drawing.ellipsoid((0, 62, 0), (19, 17, FOREVER)), 260)
    drawing.paint("sternum", (np.abs(x) < 18) & (y > -98) & (y < -88) & (z > 120), 320)
    if airway:
        _airway(drawing)
    drawing.paint("lungs", (drawing.hu < -800) & (drawing.hu > -900) & drawing.parts["lungs"], -860)
    return drawing


def _airway(drawing: Drawing) -> None:
    """Walls first, then the lumen: a tube of 9 mm radius, and two branches of 7 mm that go down and outwards."""
    x, y, z = drawing.x, drawing.y - 18, drawing.z
    below = np.clip(CARINA_MM + 6 - z, 0, 45)
    for wall, name, hu in ((2.5, "airway wall", 30), (0.0, "airway", -1000)):
        trachea = (np.hypot(x, y) < 9 + wall) & (z >= CARINA_MM)
        branches = [(np.hypot(x - side * 0.9 * below, y) < 7 + wall) & (below > 6) & (below < 45) for side in (-1, 1)]
        drawing.paint(name, trachea | branches[0] | branches[1], hu)


def belly(
    spacing: Spacing = SPACING, liver_hu: float = 110, muscle_hu: float = 55, tumours: bool = True, **how: float
) -> Drawing:
    """A liver under the right ribs, with spleen, kidneys, stomach, spine and muscle, all of their own HU."""
    drawing = Drawing(spacing, high_mm=240, **how)
    drawing.paint("body", drawing.ellipsoid((0, 0, 0), (165, 115, FOREVER)), -100)
    drawing.paint("wall", drawing.ellipsoid((0, 0, 0), (148, 98, FOREVER)), muscle_hu)
    drawing.paint("fat", drawing.ellipsoid((0, 0, 0), (138, 88, FOREVER)), -95)
    right = drawing.ellipsoid((-75, 0, 150), (58, 75, 85))
    left = drawing.ellipsoid((-20, -40, 175), (70, 35, 35))
    drawing.paint("liver", right | left, liver_hu)
    if tumours:
        drawing.paint("tumour", drawing.ellipsoid((-80, 0, 160), (18, 18, 18)), liver_hu - 50)
    drawing.paint("spleen", drawing.ellipsoid((100, 30, 170), (28, 38, 50)), liver_hu + 10)
    drawing.paint("stomach", drawing.ellipsoid((75, -35, 165), (35, 30, 45)), 10)
    for side in (-1, 1):
        drawing.paint("kidney", drawing.ellipsoid((60 * side, 50, 70), (24, 22, 50)), liver_hu + 60)
        drawing.paint("psoas", drawing.ellipsoid((38 * side, 55, 20), (18, 18, 80)), muscle_hu)
    drawing.paint("spine", drawing.ellipsoid((0, 62, 0), (22, 20, FOREVER)), 260)
    return drawing
