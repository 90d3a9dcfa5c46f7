"""What a slice for subcutaneous fat holds that lies lower than the arch: domes of the diaphragm, or the belly's organs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from . import abdomen_organs, abdomen_parts
from .abdomen_parts import Contrast, Habitus
from .chest_organs import at
from .chest_parts import PHI, Frame, Image, Table, bump, grain
from .drawing import Canvas, Mask, inside, paint

LOW_SLICES = 0.4
"""Share of slices for subcutaneous fat that lie lower: public cohorts have such slices as well, and fat among organs
is not under the skin either."""
BELLIES = 0.5
"""Share of the low slices that lie below the lungs; in the others the domes of the diaphragm hold organs of any shape."""
DOME: dict[str, tuple[float, float]] = {
    "plane": (0.1, 0.5),
    "axilla": (0.0, 0.05),
    "inner_front": (0.02, 0.15),
    "inner_back": (0.0, 0.08),
    "between": (0.02, 0.25),
    "scapula": (0.0, 0.02),
    "outer_front": (0.1, 0.5),
    "outer_back": (0.05, 0.4),
    "gap": (0.02, 0.25),
    "back": (0.2, 0.9),
}
"""What is left in a low slice of a layer's area, from and to: the shoulder has ended, latissimus and serratus go on."""
BELLY: dict[str, tuple[float, float]] = DOME | {
    "wall": (0.9, 1.8),
    "deep": (0.8, 2.0),
    "plane": (0.0, 0.08),
    "axilla": (0.0, 0.02),
    "inner_front": (0.0, 0.02),
    "between": (0.0, 0.02),
    "outer_front": (0.0, 0.08),
    "outer_back": (0.0, 0.2),
    "gap": (0.0, 0.02),
    "back": (0.0, 0.25),
}
"""The same for a belly: the pectoralis has ended, the muscles of the flanks and beside the spine are at their thickest, and
where hardly any muscle is left outside, no fat may lie under it, for nothing would tell it from the fat under the skin."""


@dataclass(frozen=True)
class Low:
    """A low slice.

    Attributes:
        rng: Randomness of what it holds.
        belly: Whether it lies below the lungs.
        left: Factors of the layers' areas.
        first_rib: Where the ribs begin, degrees from the front.
        width: How much wider the outline within the wall is in front.
        spine: How far the spine stands out into it, as a share of its radius.
    """

    rng: np.random.Generator
    belly: bool
    left: dict[str, float]
    first_rib: float = 0.0
    width: float = 0.0
    spine: float = 0.0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Low | None:
        """A low slice, or None where the slice lies at the arch."""
        if rng.random() >= LOW_SLICES:
            return None
        belly = rng.random() < BELLIES
        left = {name: float(rng.uniform(*span)) for name, span in (BELLY if belly else DOME).items()}
        if not belly:
            return cls(rng, belly, left)
        return cls(rng, belly, left, *(float(rng.uniform(*span)) for span in ((40, 150), (0.05, 0.25), (0.15, 0.4))))

    def shaped(self, pleura: Table) -> Table:
        """The outline within the wall: a belly's is as wide in front, and the spine stands out into it."""
        wider = 1 + self.width * np.cos(PHI) * np.sin(PHI) ** 2
        return np.asarray(pleura * wider * (1 - self.spine * bump(180, 30)))


def domes(rng: np.random.Generator, hu: Image, frame: Frame, pleura: Table, fat: Image) -> None:
    """Paint what the domes of the diaphragm hold: organs, the fat among them, and gas.

    They fill the chest, or what lung is left lies around them, mostly behind: the domes begin in front.
    """
    front, back, side = (at(pleura, degrees) for degrees in (0, 180, 90))
    share, high = float(rng.uniform(0.55, 1.4)), (front + back) / 2
    middle = rng.uniform(-0.15, 0.15) * side, (back - front) / 2 - rng.uniform(0, 1) * max(1 - share, 0) * high
    u, v = frame.uv
    far = np.hypot((u - np.float32(middle[0])) / np.float32(share * side), (v - np.float32(middle[1])) / np.float32(share * high))
    dome = np.maximum((far - 1) * np.float32(share * min(side, high)), frame.radius - frame.spread(pleura + 2))
    organ = np.float32(rng.uniform(30, 110))
    firm = np.clip(0.5 + 3 * (grain(rng, frame.canvas, 22) - np.float32(rng.uniform(-0.7, 0.7))), 0, 1)
    gas = grain(rng, frame.canvas, 26) > rng.uniform(1.6, 2.6)
    paint(hu, dome, np.where(gas, np.float32(-850), fat + firm * (organ - fat)), 1.2)
    _pads(rng, hu, frame, pleura, fat)


def _pads(rng: np.random.Generator, hu: Image, frame: Frame, pleura: Table, fat: Image) -> None:
    """Fat on the front wall from within, as it lies beside the heart; not on every side."""
    pads = np.zeros_like(pleura)
    for side in (-1, 1):
        degrees, half, thick = rng.uniform(5, 45), rng.uniform(12, 35), max(rng.uniform(-15, 25), 0.0)
        pads = np.maximum(pads, thick * bump(side * degrees, half))
    paint(hu, np.maximum(frame.spread(pleura - pads) - frame.radius, frame.radius - frame.spread(pleura)), fat, 1.2)


def belly(rng: np.random.Generator, hu: Image, frame: Frame, pleura: Table, fat_hu: float, factor: float) -> Mask:
    """Paint the organs of the abdomen phantom into the wall; the fat among them grows by `factor`. Returns where they lie."""
    canvas = frame.canvas
    front, back, side = (at(pleura, degrees) for degrees in (0, 180, 90))
    height = float(rng.random())
    lung = float(max(0.0, 0.3 - height) * rng.uniform(20, 60))
    deep, middle = (front + back) / 2, (back - front) / 2
    build = Habitus(side + 20, deep + 30, 2.3, cx=side, cy=deep, middle=middle, wall=12, height=height, lung=lung)
    scene = _organs(rng, canvas, build, fat_hu)
    u, v = frame.uv
    places = [v / canvas.pixel_mm + (canvas.rows - 1) / 2, u / canvas.pixel_mm + (canvas.columns - 1) / 2]
    turned: Image = ndimage.map_coordinates(scene, places, order=1, mode="nearest")
    level, more = frame.radius - frame.spread(pleura), canvas.texture(rng, 30)
    if factor != 1:
        _scale_fat(turned, inside(level), more, factor)
    paint(hu, level - 1.2, turned, 1.2)
    return inside(level)


def _organs(rng: np.random.Generator, canvas: Canvas, build: Habitus, fat_hu: float) -> Image:
    """(R, C) HU of the abdomen's organs around the middle of the canvas, in fat, with lung above the diaphragm."""
    contrast = Contrast.draw(rng, 30)
    scene = np.float32(fat_hu) + np.float32(9) * canvas.texture(rng, 7)
    if build.lung > 2:
        below = abdomen_parts.diaphragm(canvas, build)
        paint(scene, -below, abdomen_parts.LUNG_HU)
        paint(scene, np.abs(below) - 1, abdomen_parts.MUSCLE_HU)
    firm = abdomen_organs.all_but_liver(scene, canvas, build, contrast, rng)
    if build.height > 0.55:
        for side in (-1, 1):
            abdomen_parts.spot(scene, canvas, (side * 26, build.spine_y + 4), (9, 13), abdomen_parts.MUSCLE_HU, side * -15)
    abdomen_parts.great_vessels(scene, canvas, build, contrast, rng)
    liver = np.maximum(abdomen_organs.liver_outline(canvas, build, rng), -firm)
    paint(scene, liver, contrast.liver)
    return scene


def _scale_fat(scene: Image, room: Mask, more: Image, factor: float) -> None:
    """Turn soft tissue into fat where `more` is highest, or fat into soft tissue, until there is `factor` times as much."""
    fat, soft = room & (scene < 0) & (scene > -200), room & (scene > 0) & (scene < 250)
    wanted = round((factor - 1) * int(fat.sum()))
    changed, other = (soft, fat) if wanted > 0 else (fat, soft)
    order = np.argsort(np.where(changed, -more, np.inf), axis=None)[: min(abs(wanted), int(changed.sum()))]
    scene.flat[order] = np.median(scene[other])
