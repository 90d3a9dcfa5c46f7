"""What lies in and around the chest wall's layers: mediastinum, lung vessels, skeleton, arms, table, clothing."""

from __future__ import annotations

import numpy as np

from .chest_parts import ANGLES, PHI, Frame, Image, Table, bone, bump, oval, rod, smooth, wobble
from .drawing import Level, Mask, paint

FRONT, BACK = ANGLES // 2, 0
"""Places of straight ahead and straight back in a table over PHI."""


def polar(radius: float, degrees: float) -> tuple[float, float]:
    """Body place at a distance from the middle and an angle from straight ahead."""
    return float(radius * np.sin(np.deg2rad(degrees))), float(-radius * np.cos(np.deg2rad(degrees)))


def at(table: Table, degrees: float) -> float:
    """A table's value at an angle."""
    return float(table[int((degrees + 180) / 360 * ANGLES) % ANGLES])


def marbled(rng: np.random.Generator, frame: Frame, fine: Level, marbling: float) -> Image:
    """HU to add to muscle: grain, and sheets of fat between its bundles that grow with `marbling`."""
    waves = frame.spread(6 * np.log(wobble(rng, (2, 40), 0.5)))
    bundles = np.cos(frame.radius * np.float32(2 * np.pi / rng.uniform(6, 11)) + waves)
    return np.asarray(5 * fine - np.float32(12 + 75 * marbling) * np.clip(bundles - 0.7, 0, None) * 2.5, np.float32)


def glands(rng: np.random.Generator, frame: Frame, fat: Image, inner: Level, outer: Level, breast: float) -> Image:
    """Fat under the skin, with islands of gland in front. They lie at shares of its depth, so they grow with it."""
    islands = np.asarray(rng.standard_normal((24, 60)), np.float32).repeat(4, 0)
    amount, threshold = rng.uniform(0.5, 1.0), rng.uniform(-0.6, 0.6)
    if breast <= 0:
        return fat
    fine = np.linspace(0, islands.shape[1] - 1, ANGLES)
    left = fine.astype(int).clip(0, islands.shape[1] - 2)
    table = islands[:, left] * (1 - (fine - left)) + islands[:, left + 1] * (fine - left)
    kernel = np.ones(13) / 13
    table = np.apply_along_axis(lambda a: np.convolve(a, kernel, "same"), 0, table[:, ::8]).repeat(8, 1)
    table *= 1.8
    depth = np.linspace(0, 1, table.shape[0])[:, None]
    place = (bump(45, 32) + bump(-45, 32))[None] * np.clip(4 * depth * (1 - depth) - 0.2, 0, 1)
    share = (amount * np.clip(1.5 * (table - threshold), 0, 1) * np.minimum(1.3 * place, 1)).astype(np.float32)
    squares = (frame.radius**2 - inner**2) / np.maximum(outer**2 - inner**2, 1)
    index = np.clip(squares * table.shape[0], 0, table.shape[0] - 1).astype(np.intp)
    return np.asarray(fat + 160 * share[index, frame.angle], np.float32)


def mediastinum(
    rng: np.random.Generator, hu: Image, frame: Frame, pleura: Table, fat: Image, extra_mm: float, factor: float, contrast: bool
) -> Mask:
    """Paint lung vessels and the mediastinum; its fat's area is scaled by `factor`, its organs are not.

    Returns:
        The mediastinum's region, organs included.
    """
    front, back = float(pleura[FRONT]), float(pleura[BACK])
    heights = np.array([-1.1 * front, -0.75 * front, -0.4 * front, 0, 0.3 * back, 0.65 * back, 1.2 * back])
    widths = np.array([8, 10, 25, 30, 27, 20, 24]) * rng.uniform(0.75, 1.15, (2, 7)) + extra_mm
    _lung_vessels(rng, hu, frame, pleura)
    organs = _organs(rng, front, back, contrast)
    u, v = frame.uv
    index = np.clip((v + 250) * 4, 0, 1999).astype(np.intp)
    lines = [smooth_table(np.interp(np.arange(2000) / 4 - 250, heights, side)) for side in widths]
    right, left = (np.take(np.asarray(line, np.float32), index) for line in lines)
    wall = frame.radius - frame.spread(pleura)
    inside = wall < 0
    if factor != 1:
        scratch = hu.copy()
        region = (u < left) & (u > -right) & inside
        _paint_mediastinum(scratch, frame, np.maximum(np.maximum(u - left, -u - right), wall), fat, organs)
        lean = 1 - float((scratch[region] < -30).mean())
        scale = np.float32(lean + factor * (1 - lean))
        left, right = left * scale, right * scale
    level = np.maximum(np.maximum(u - left, -u - right), wall)
    _paint_mediastinum(hu, frame, level, fat, organs)
    return np.asarray(level < 0)


def smooth_table(line: Table) -> Table:
    """A line of half widths with its corners rounded."""
    kernel = np.hanning(81)
    return np.asarray(np.convolve(np.pad(line, 40, mode="edge"), kernel / kernel.sum(), "valid"))


Oval = tuple[tuple[float, float], tuple[float, float], float, float]


def _paint_mediastinum(hu: Image, frame: Frame, level: Level, fat: Image, organs: list[Oval]) -> None:
    paint(hu, level, fat, 1.2)
    for place, half, value, degrees in organs:
        oval(hu, frame, place, half, value, degrees, 1.0)


def _organs(rng: np.random.Generator, front: float, back: float, contrast: bool) -> list[Oval]:
    """Vessels, nodes, airway and gullet as ovals: place, half axes, HU, turn."""
    blood = float(rng.uniform(30, 50))
    artery, vein = (rng.uniform(150, 300, 2) if contrast else np.array([blood, blood])).tolist()
    d = rng.normal(0, 2.0, (12, 2))
    middle = 0.22 * back + d[0, 1]
    ovals = [_node(rng) for _ in range(rng.integers(3, 9))]
    arch = rng.random() < 0.5
    size = rng.uniform(0.95, 1.3)
    if arch:
        ovals.append(((12 + d[1, 0], -2 + d[1, 1]), (13 * size, rng.uniform(26, 34) * size), artery, rng.uniform(-28, -12)))
        ovals.append(((24 * size, 22 + d[1, 1]), (11 * size, 16 * size), artery, -10))
    else:
        ovals.append(((-10 + d[2, 0], -0.2 * front + d[2, 1]), (8.5 * size, 7.5 * size), artery, rng.uniform(0, 90)))
        ovals.append(((9 + d[3, 0], -0.08 * front + d[3, 1]), (5 * size, 5.5 * size), artery, 0))
        ovals.append(((21 + d[4, 0], 0.12 * back + d[4, 1]), (6 * size, 7 * size), artery, 0))
    # The left brachiocephalic vein crosses from between the arteries to close behind the breastbone.
    crossing = (rng.uniform(12, 26), rng.uniform(5, 11)), vein, rng.uniform(-5, 25)
    ovals.append(((4 + d[5, 0], (0.06 * d[9, 0] - 0.575) * front + d[5, 1]), *crossing))
    ovals.append(((-24 + d[6, 0], -0.3 * front + d[6, 1]), (8 * size, rng.uniform(7, 11)), vein, rng.uniform(0, 90)))

    trachea, gullet = rng.uniform(7.5, 10.5, 2), (rng.uniform(6, 10), rng.uniform(4.5, 7))
    place = -4 + d[7, 0], middle
    ovals.append((place, (trachea[0] + 1.5, trachea[1] + 1.5), 40, 0))
    ovals.append((place, (trachea[0], trachea[1]), -1000, 0))
    behind = 4 + d[8, 0], middle + trachea[1] + gullet[1] + 1
    ovals.append((behind, gullet, 42, 0))
    if rng.random() < 0.4:
        ovals.append((behind, (2.5, 1.8), -900, 0))
    if arch and rng.random() < 0.4:
        ovals.append(((28 * size, 25 + d[1, 1]), (1.5, 6), 900, -10))
    return ovals


def _node(rng: np.random.Generator) -> Oval:
    """A lymph node or small vessel somewhere in the mediastinum."""
    u, v, wide, high, degrees = rng.uniform((-24, -45, 2, 2, 0), (24, 40, 5, 5, 90)).tolist()
    return (u, v), (wide, high), 40.0, degrees


def _lung_vessels(rng: np.random.Generator, hu: Image, frame: Frame, pleura: Table) -> None:
    """Small bright discs and branches in both lungs, now and then a mass."""
    count = int(rng.integers(50, 100))
    draws = rng.random((count, 4))
    for a, b, c, d in draws:
        degrees = (12 + 155 * a) * (1 if d < 0.5 else -1)
        place = polar(at(pleura, degrees) * (0.3 + 0.66 * np.sqrt(b)), degrees)
        half = 0.7 + 2.6 * c**4 * (1.6 - b)
        oval(hu, frame, place, (half, half * (1 + 4 * (d % 0.5) * (c > 0.8))), 30, 7200 * a)
    if rng.random() < 0.12:
        degrees = rng.uniform(40, 140) * rng.choice([-1, 1])
        oval(
            hu,
            frame,
            polar(at(pleura, degrees) * rng.uniform(0.6, 0.95), degrees),
            (*rng.uniform(8, 28, 2),),
            35,
            rng.uniform(0, 90),
            2.0,
        )


def axillary(rng: np.random.Generator, hu: Image, frame: Frame, inner: Table, outer: Table, muscle_hu: float) -> None:
    """Vessels and nodes in the axillary fat, at shares of its depth."""
    for side in (-1, 1):
        for degrees, depth, size in zip(
            rng.uniform(66, 98, 9), rng.uniform(0.2, 0.8, 9), 1 + 4 * rng.random(9) ** 2, strict=True
        ):
            low, high = at(inner, side * degrees), at(outer, side * degrees)
            half = min(size, (high - low) / 4)
            if half > 0.8:
                oval(
                    hu,
                    frame,
                    polar(low + depth * (high - low), side * degrees),
                    (half, (1 + depth) * half),
                    muscle_hu - 8,
                    500 * depth,
                )


def skeleton(
    rng: np.random.Generator,
    hu: Image,
    frame: Frame,
    pleura: Table,
    wall: Table,
    blade: tuple[Table, Table] | None,
    first_rib: float = 0.0,
) -> None:
    """Ribs and breastbone in the wall (from `pleura` to `wall`), collarbone ends, shoulder blades if any, spine.

    Where the ribs begin only `first_rib` degrees from the front, there is no breastbone and no collarbone.
    """
    _ribs(rng, hu, frame, pleura, wall, first_rib)
    if blade is not None:
        _blades(rng, hu, frame, blade)
    back = float(pleura[BACK])
    cortex, marrow = rng.uniform(350, 650), rng.uniform(90, 230)
    if not first_rib:
        _breastbone(rng, hu, frame, pleura, wall, (cortex, marrow))
    _vertebra(rng, hu, frame, back, min(back + 40, float(wall[BACK]) - 3), cortex, marrow)


def _breastbone(
    rng: np.random.Generator, hu: Image, frame: Frame, pleura: Table, wall: Table, tissue: tuple[float, float]
) -> None:
    """Breastbone and the ends of the collarbones, of cortex and marrow as in `tissue`."""
    cortex, marrow = tissue
    middle = float((pleura[FRONT] + wall[FRONT]) / 2)
    bone(hu, frame, (rng.normal(0, 2), -middle), (rng.uniform(20, 31), rng.uniform(5.5, 7)), cortex, marrow)
    for side in (-1, 1):
        degrees, half = rng.uniform(20, 27), rng.uniform(7, 14)
        place = polar(at(pleura, side * degrees) + 6, side * degrees)
        bone(hu, frame, place, (half, 5.5), cortex * rng.uniform(0.5, 1), marrow + 60, side * rng.uniform(12, 30))


def _ribs(rng: np.random.Generator, hu: Image, frame: Frame, pleura: Table, wall: Table, first: float) -> None:
    """Rib arcs: the slice cuts each of them obliquely, so they are long, and slant through the wall."""
    half, share = np.full(ANGLES, -6.0), np.full(ANGLES, 0.5)
    for side in (-1, 1):
        place = max(rng.uniform(32, 44), first)
        while place < 158:
            length, slant, thick = rng.uniform(14, 34), rng.normal(0, 0.12), rng.uniform(3.0, 4.3)
            along = (side * np.rad2deg(PHI) - place) / length * 2 - 1
            within = np.abs(along) < 1
            half = np.where(within, thick * np.sqrt(1 - np.clip(np.abs(along), 0, 1) ** 4) + 0.01, half)
            share = np.where(np.abs(along) < 1.3, 0.5 + slant * along, share)
            place += length + rng.uniform(5, 15)
    away = np.abs(frame.radius - frame.spread(pleura + smooth(share, 1) * np.minimum(wall - pleura, 11)))
    thickness = frame.spread(np.minimum(half, (wall - pleura) / 2))
    paint(hu, away - thickness, rng.uniform(500, 800))
    paint(hu, away - thickness + 1.7, rng.uniform(120, 300))


def _blades(rng: np.random.Generator, hu: Image, frame: Frame, blade: tuple[Table, Table]) -> None:
    """Marrow in the shoulder blade's thick parts, and its spine."""
    low, high = blade
    half = (high - low) / 2
    away = np.abs(frame.radius - frame.spread((low + high) / 2))
    paint(hu, away - frame.spread(np.where(half > 2.4, half - 1.8, -6.0)), rng.uniform(120, 220))
    for side in (-1, 1):
        degrees, lean, length = rng.uniform(122, 136), rng.uniform(-12, 6), rng.uniform(6, 24)
        root = at(high, side * degrees) - 1.5
        tip = polar(root + length, side * (degrees + lean))
        rod(hu, frame, polar(root, side * degrees), tip, rng.uniform(1.8, 3.2), rng.uniform(350, 550))


def _vertebra(rng: np.random.Generator, hu: Image, frame: Frame, back: float, tip: float, cortex: float, marrow: float) -> None:
    """A thoracic vertebra: body, canal with cord, arch, processes."""
    size = rng.uniform(0.9, 1.1)
    for side in (-1, 1):
        end = side * rng.uniform(28, 38), back + rng.uniform(9, 16)
        rod(hu, frame, (side * 13 * size, back + 7), end, rng.uniform(3, 4.5), cortex * 0.7)
        rod(hu, frame, (side * 12 * size, back + 12), (0, back + 23 * size), 3.2, cortex * 0.9)
    rod(hu, frame, (0, back + 20), (rng.normal(0, 1), max(tip, back + 22)), rng.uniform(2.4, 3.6), cortex * 0.8)
    oval(hu, frame, (0, back + 9), (14 * size, 12 * size), cortex)
    bone(hu, frame, (0, back - 11 * size), (17.5 * size, 14.5 * size), cortex * 0.9, marrow)
    oval(hu, frame, (0, back + 9), (10 * size, 8.5 * size), 15)
    oval(hu, frame, (0, back + 9), (5 * size, 4 * size), 42)


def arms(
    rng: np.random.Generator, hu: Image, frame: Frame, skin: Table, down: bool, subcutaneous: float, tissue: tuple[float, float]
) -> None:
    """Upper arms beside the trunk when they are down: skin, fat, muscle with its septum, humerus."""
    fat_hu, muscle_hu = tissue
    for side in (-1, 1):
        core, flat, drop, gap = rng.uniform(24, 40), rng.uniform(0.85, 1.15), rng.uniform(5, 40), rng.uniform(-4, 6)
        fat = rng.uniform(3, 8) + rng.uniform(0.0, 0.06) * subcutaneous
        shift = rng.uniform(-4, 4, 2)
        if not down:
            continue
        half = (core + fat) / flat
        place = side * (at(skin, side * 100) + half + gap), drop
        for less, value in ((-2, 20), (0, fat_hu), (fat, muscle_hu)):
            oval(hu, frame, place, ((core + fat - less) / flat, (core + fat - less) * flat), value)
        middle = place[0] + float(shift[0]), place[1] + float(shift[1])
        inner, outer = middle[0] - side * core / flat, middle[0] + side * 0.8 * core / flat
        rod(hu, frame, (inner, middle[1]), (outer, middle[1] + 3), 1.0, fat_hu + 25)
        bone(hu, frame, middle, (11, 10.5), 1000, 50)


def surroundings(rng: np.random.Generator, hu: Image, frame: Frame, base: Table, skin: Table) -> None:
    """The table's shell and pad under the patient, and folds of clothing or a blanket over it."""
    x, y = np.array([frame.to_canvas(*polar(base[i], np.rad2deg(PHI[i]))) for i in range(0, ANGLES, 32)]).T
    curve, pad, depth = 1 / rng.uniform(900, 2500), rng.uniform(2, 9), rng.uniform(25, 50)
    top = frame.canvas.y + np.float32(curve) * frame.canvas.x**2 - np.float32((y + curve * x**2).max() + 1)
    shell = rng.uniform(-300, 250)
    paint(hu, np.abs(top - pad / 2) - pad / 2, rng.uniform(-950, -820))
    paint(hu, np.abs(top - pad) - rng.uniform(0.7, 1.6), shell)
    paint(hu, np.abs(top - pad - depth + 0.0006 * frame.canvas.x**2) - 0.6, shell - 150)
    folds, lift, value = wobble(rng, (3, 40), 0.6), rng.uniform(1, 9), rng.uniform(-350, 40)
    sheet = np.where(np.abs(PHI) < np.deg2rad(rng.uniform(60, 120)), 1.0, -5.0)
    covered, thick = rng.random(), rng.uniform(0.5, 1.5)
    if covered < 0.6:
        paint(hu, np.abs(frame.radius - frame.spread(skin + lift * folds)) - frame.spread(sheet) * thick, value)
