"""Upper-abdominal CT slice with liver tumours, and the cysts, vessels and gall bladder that look like them.

Tumours never fall below `TUMOUR_FLOOR_HU`, cysts never rise above 12 HU. Without contrast medium a
fatty liver would come too near the floor for a visible tumour: it is then raised to the floor plus
`LEAST_CONTRAST_HU`. Lesions are drawn as *relative distance*, 1 on the outline as drawn, so one
threshold scales all of them. It is chosen on the pixels: `Change` scales the visible area exactly,
also where the edge of the liver or another lesion clips a lesion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioloc.phantoms import abdomen_organs as organs
from bioloc.phantoms import abdomen_parts as parts
from bioloc.phantoms.abdomen_parts import Contrast, Habitus, Image, Point
from bioloc.phantoms.drawing import Canvas, Level, Mask, inside, paint, radial_waves
from bioloc.phantoms.patient import Change, Patient
from bioloc.phantoms.scanner import Scanner, scan

TUMOUR_FLOOR_HU = 24.0
LEAST_CONTRAST_HU = 24.0  # of the means as drawn; at least 22 is left after their texture
MOST_TUMOUR_CM2 = 80.0
HYPERDENSE = (0.02, 0.2, 0.05)
COUNTS = (0.2, 0.28, 0.2, 0.14, 0.07, 0.04, 0.03, 0.02, 0.02)
FAR = np.float32(1e3)


@dataclass(frozen=True)
class Lesion:
    """One tumour or cyst as it was drawn, before any change of its size."""

    x: float
    y: float
    radius: float
    waves: NDArray[np.float64]
    stretch: float
    degrees: float


def draw(rng: np.random.Generator, target: str, shift: bool, change: Change) -> Patient:
    """A random patient; `change` scales the area of tumours (target) or cysts (distractor) and nothing else.

    Args:
        rng: The only source of randomness.
        target: Only "liver_tumour".
        shift: Draw habitus, pixel size and scanner from ranges that are never drawn otherwise.
        change: The intervention.

    Raises:
        ValueError: If `target` is not one that this anatomy has.
    """
    if target != "liver_tumour":
        raise ValueError(f"abdomen: no target {target!r}; it has 'liver_tumour'")
    of_body, of_liver, of_tumours, of_cysts, of_noise = rng.spawn(5)
    body = Habitus.draw(of_body, shift)
    canvas = _canvas(of_body, body, shift)
    contrast = Contrast.draw(of_body, TUMOUR_FLOOR_HU + LEAST_CONTRAST_HU)
    part = parts.window(canvas, (-body.half_width, body.half_width), (-body.half_depth, body.half_depth))
    texture = np.zeros(canvas.shape, np.float32)
    texture[part.cut] = part.texture(of_body, 7.0)
    hu: Image = np.full(canvas.shape, -1000, np.float32)
    outline, firm, vena = _surroundings(hu, canvas, body, contrast, of_body, texture)
    liver, region = _liver(hu, canvas, body, contrast, firm, vena, of_liver, texture)

    places = _places(canvas, liver)
    tumours = _tumours(places, of_tumours)
    cysts = _cysts(places, tumours, of_cysts)
    far_tumour, far_cyst = _distance(canvas, tumours), _distance(canvas, cysts)
    seen = inside(liver) & region
    tumour_scale = _scale(far_tumour, seen, change.target)
    cyst_scale = _scale(far_cyst, seen & (far_tumour >= 1), change.distractor)
    if cysts:  # water, with a sharp edge
        paint(hu, np.maximum((far_cyst - np.float32(cyst_scale)) * np.float32(10), liver), 12 * of_cysts.random(), 0.6)
    _paint_tumours(hu, canvas, tumours, tumour_scale, liver, contrast, of_tumours)

    mask = (far_tumour < tumour_scale) & seen
    hu[mask] = np.maximum(hu[mask], TUMOUR_FLOOR_HU)  # also where soft edges meet over fat
    cyst = (far_cyst < cyst_scale) & seen & ~mask
    spacing = (5.0, canvas.pixel_mm, canvas.pixel_mm)
    image = scan(hu[None], spacing, Scanner.draw(of_noise, (6, 15), shift), change.noise(of_noise), 2 * body.half_width)
    cm2 = canvas.pixel_mm**2 / 100
    areas = {"body_area_cm2": float(inside(outline).sum() * cm2), "liver_area_cm2": float(inside(liver).sum() * cm2)}
    facts = {**areas, "n_tumours": float(len(tumours)), "phase": float(contrast.phase)}
    return Patient(image, mask[None], spacing, region[None], cyst[None], facts)


def _canvas(rng: np.random.Generator, body: Habitus, shift: bool) -> Canvas:
    """A grid that holds the body: 320..416 pixels of 0.8..1.05 mm; finer or coarser with `shift`."""
    u = rng.random(2)
    width = 2 * max(body.half_width, body.half_depth)
    low, high = (0.8, 1.05) if not shift else (0.68, 0.78) if width < 280 else (1.08, 1.2)
    field = float(np.clip(width * (1.05 + 0.15 * u[0]), 300 if not shift else 256, 420 if not shift else 480))
    low, high = max(low, field / 416), min(high, field / 320)
    count = int(np.clip(round(field / (low + max(high - low, 0) * u[1])), 320, 416))
    return Canvas(count, count, round(field / count, 4))


def _surroundings(
    hu: Image, canvas: Canvas, body: Habitus, contrast: Contrast, rng: np.random.Generator, texture: Level
) -> tuple[Level, Level, Point]:
    """All but the liver; returns the level of the body, that of what the liver gives way to, and where the vena cava is."""
    parts.table(hu, canvas, body, rng)
    outline = parts.body_wall(hu, canvas, body, rng, texture)
    parts.ribs(hu, canvas, body, rng)
    firm = organs.all_but_liver(hu, canvas, body, contrast, rng)
    parts.spine(hu, canvas, body, rng)
    return outline, firm, parts.great_vessels(hu, canvas, body, contrast, rng)


def _liver(
    hu: Image, canvas: Canvas, body: Habitus, contrast: Contrast, firm: Level, vena: Point, rng: np.random.Generator, grain: Level
) -> tuple[Level, Mask]:
    """Paints the liver with its vessels, fissure and gall bladder; returns its level and the organ region."""
    u, waves = rng.random(10), radial_waves(rng, 3, 0.05)
    whole = np.maximum(organs.liver_outline(canvas, body, rng), -firm)
    whole = whole / np.clip(np.hypot(*np.gradient(whole, canvas.pixel_mm)), 0.5, 3).astype(np.float32)
    at = (-0.32 - 0.2 * u[0]) * body.cx, body.middle + (-0.25 + 0.2 * u[1]) * body.cy
    gallbladder = np.full_like(whole, FAR)
    if body.height > 0.35 and u[5] < 0.7:
        part = parts.around(canvas, *at, 50)
        gallbladder[part.cut] = part.blob(*at, 10 + 8 * u[2], waves, 1 + 0.6 * u[3], 120 * u[4])
    liver = np.maximum(whole, -gallbladder)
    paint(hu, liver, np.float32(contrast.liver) + np.float32(1 + 1.5 * u[6]) * grain)
    paint(hu, np.maximum(_vessels(canvas, body, liver, vena, rng), liver + 1), contrast.vein, 1.0)
    if body.height < 0.6:  # here the vena cava runs in the back of the liver
        parts.spot(hu, canvas, vena, (11, 9), contrast.cava, 20)
    _fissure(hu, canvas, body, liver, contrast, rng)
    paint(hu, gallbladder, contrast.gut_wall)
    paint(hu, gallbladder + np.float32(1.5), 5 + 10 * u[7])
    # The organ's outline wanders, and takes in a little of the gall bladder: nobody outlines it perfectly.
    outlined = np.maximum(whole, -gallbladder - np.float32(4 * u[8]))
    near = parts.window(canvas, (-1.1 * body.cx, 0.8 * body.cx), (body.middle - 1.1 * body.cy, body.middle + 1.1 * body.cy))
    outlined[near.cut] += np.float32(0.7 + 0.6 * u[9]) * near.texture(rng, 22.0)
    return liver, inside(outlined)


def _vessels(canvas: Canvas, body: Habitus, liver: Level, vena: Point, rng: np.random.Generator) -> Level:
    """Level of the hepatic veins (high slices) or portal branches (lower), and of small vessels cut across."""
    level = np.full(canvas.shape, FAR)
    ends = _places(canvas, liver)[:, :2]
    if not len(ends):
        return level
    hilum = -0.12 * body.cx - 0.2 * body.height * body.cx, body.middle - 0.05 * body.cy
    root, wide = np.array(vena if body.height < 0.35 else hilum), rng.uniform(3, 5.5) * (1 - 0.4 * body.height)
    start, first, bends = root, wide, [np.zeros(0)] * 4
    for k in range(8):
        end = ends[int(rng.random() * len(ends))]
        if k >= 4:  # twigs leave a stem half way
            start, first = bends[k - 4], 0.6 * wide
        bend = (start + end) / 2 + rng.normal(0, 12, 2)
        points = np.stack([start, 0.4 * start + 0.5 * bend + 0.1 * end, 0.1 * start + 0.5 * bend + 0.4 * end, end])
        bends[k % 4] = (points[1] + points[2]) / 2
        part = parts.window(canvas, *((float(p.min()) - 7, float(p.max()) + 7) for p in points.T))
        distance, along = part.distance_to_line(points)
        level[part.cut] = np.minimum(level[part.cut], distance - np.float32(first) + np.float32(first + 1) * along)
    for _ in range(int(rng.integers(8, 22))):
        x, y = (float(v) for v in ends[int(rng.random() * len(ends))])
        part = parts.around(canvas, x, y, 9)
        cross = part.ellipse(x, y, rng.uniform(1, 4), rng.uniform(0.8, 2), rng.uniform(0, 180))
        level[part.cut] = np.minimum(level[part.cut], cross)
    return level


def _fissure(hu: Image, canvas: Canvas, body: Habitus, liver: Level, contrast: Contrast, rng: np.random.Generator) -> None:
    """Fat in the fissure of the round ligament, and sometimes focal fat in the liver beside it."""
    u = rng.random(8)
    x, y = (-0.12 + 0.2 * u[0] - 0.15 * body.height) * body.cx, body.middle - (0.35 + 0.4 * u[1]) * body.cy
    if u[6] < 0.25:
        part = parts.around(canvas, x - 8, y, 30)
        level = np.maximum(part.ellipse(x - 8, y, 5 + 5 * u[4], 9 + 7 * u[5], 15), liver[part.cut] + 2)
        paint(hu[part.cut], level, contrast.liver - 12 - 8 * u[7], 5.0)
    if 0.2 < body.height < 0.85:
        part = parts.around(canvas, x, y, 30)
        level = np.maximum(part.ellipse(x, y, 0.8 + 2.2 * u[2], 7 + 14 * u[3], -20 + 40 * u[4]), liver[part.cut])
        paint(hu[part.cut], level, parts.FAT_HU + 15, 1.2)


def _places(canvas: Canvas, liver: Level) -> NDArray[np.float64]:
    """(N, 3) places in the liver on a coarse grid: x, y, level."""
    coarse = liver[::3, ::3]
    rows, columns = np.nonzero(coarse < -3)
    return np.stack([canvas.x[0, 3 * columns], canvas.y[3 * rows, 0], coarse[rows, columns]], axis=1).astype(np.float64)


def _lesion(places: NDArray[np.float64], radius: float, uneven: float, rng: np.random.Generator) -> list[Lesion]:
    """A lesion at one of the places, or none where there is none; the draws are the same in number."""
    u, waves = rng.random(3), radial_waves(rng, 6, uneven)
    place = places[int(u[0] * len(places)) :][:1, :2].tolist()
    return [Lesion(x, y, radius, waves, 1 + 6 * uneven * u[1], 180 * u[2]) for x, y in place]


def _tumours(places: NDArray[np.float64], rng: np.random.Generator) -> list[Lesion]:
    """None in a fifth of patients; sizes know nothing of the body's or the liver's."""
    count = int(rng.choice(len(COUNTS), p=COUNTS))
    radii = np.clip(16 * np.exp(rng.normal(0, 0.42, count)), 7, 38)
    radii *= min(1.0, np.sqrt(MOST_TUMOUR_CM2 * 100 / max(float(np.pi * (radii**2).sum()), 1.0)))
    found: list[Lesion] = []
    for radius in np.sort(radii)[::-1].tolist():
        deep = places[places[:, 2] < max(-0.4 * radius, 0.7 * places[:, 2].min(initial=0))]
        apart = np.ones(len(deep), bool)
        for other in found:
            apart &= np.hypot(deep[:, 0] - other.x, deep[:, 1] - other.y) > 0.85 * (other.radius + radius)
        found += _lesion(deep[apart] if apart.any() else deep, radius, 0.09, rng)
    return found


def _cysts(places: NDArray[np.float64], tumours: list[Lesion], rng: np.random.Generator) -> list[Lesion]:
    """None to four, away from tumours and from each other, now and then cut by the liver's edge."""
    radii = 4 + 12 * rng.random(int(rng.choice(5, p=[0.3, 0.25, 0.2, 0.15, 0.1]))) ** 1.6
    found: list[Lesion] = []
    for radius in radii.tolist():
        free = places[:, 2] < -0.3 * radius
        for other in [*tumours, *found]:
            free &= np.hypot(places[:, 0] - other.x, places[:, 1] - other.y) > 1.3 * other.radius + 1.1 * radius + 3
        found += _lesion(places[free], radius, 0.012, rng)
    return found


def _distance(canvas: Canvas, lesions: list[Lesion]) -> Level:
    """Relative distance to the nearest lesion: below 1 inside as drawn, far away elsewhere."""
    nearest = np.full(canvas.shape, FAR)
    for one in lesions:
        part = parts.around(canvas, one.x, one.y, 2.6 * one.radius)
        level = part.blob(one.x, one.y, one.radius, one.waves, one.stretch, one.degrees)
        nearest[part.cut] = np.minimum(nearest[part.cut], 1 + level / np.float32(one.radius))
    return nearest


def _scale(distance: Level, seen: Mask, factor: float) -> float:
    """The threshold on `distance` at which the area in `seen` is `factor` times that at threshold 1."""
    near = np.sort(distance[seen & (distance < FAR)])
    wanted = round(factor * int(np.searchsorted(near, 1)))
    return 1.0 if factor == 1 or not len(near) else float(near[min(wanted, len(near) - 1)])


def _paint_tumours(
    hu: Image, canvas: Canvas, tumours: list[Lesion], scale: float, liver: Level, contrast: Contrast, rng: np.random.Generator
) -> None:
    """Solid tissue, rarely brighter than the liver; some with a bright rim or a dark core."""
    depth, bright = rng.uniform(30, 60), rng.random() < HYPERDENSE[contrast.phase]
    for one, own_rng in zip(tumours, rng.spawn(len(tumours)), strict=True):
        u = own_rng.random(6)
        part = parts.around(canvas, one.x, one.y, 2.6 * one.radius)
        near = 1 + part.blob(one.x, one.y, one.radius, one.waves, one.stretch, one.degrees) / np.float32(one.radius)
        below = float(np.clip(depth + 12 * (u[0] - 0.5), 30, 60))
        own = contrast.liver + depth if bright else max(contrast.liver - below, TUMOUR_FLOOR_HU)
        value = np.float32(own) + np.float32(1 + 3 * u[1]) * part.texture(own_rng, 5.0)
        if u[2] < 0.3:  # a rim between tumour and liver, in the arterial phase brighter than the liver
            value += np.float32((0.3 + 0.3 * u[3]) * depth * (1.6 if contrast.phase == 1 else 0.8)) * (near > 0.82 * scale)
        elif u[2] < 0.55 and one.radius > 14:
            value -= np.float32(10 + 15 * u[3]) * np.clip((0.6 * scale - near) * 6, 0, 1)
        edge = 0.8 + 2 * u[4]
        level = np.maximum((near - np.float32(scale)) * np.float32(one.radius), liver[part.cut])
        paint(hu[part.cut], level, np.maximum(value, np.float32(TUMOUR_FLOOR_HU)), edge)
