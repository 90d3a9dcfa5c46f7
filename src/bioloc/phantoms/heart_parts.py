"""The heart, its great vessels and its coronary arteries: where they lie on average, and how one patient's are drawn."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from bioloc.phantoms.drawing import smooth_line
from bioloc.phantoms.heart_grid import (
    Grid,
    Keys,
    Points,
    Pose,
    Volume,
    blend,
    blend_cloud,
    ellipse_at,
    paint_swept,
    swept_level,
    tube,
)

BODY_KEYS = {  # z, x, y, rx, ry, degrees in the frame of an average heart, whose underside is at z = 0
    "pericardium": [
        (-4, 14, -6, 22, 15, -25),
        (6, 12, -6, 47, 31, -28),
        (20, 9, -4, 56, 39, -28),
        (38, 6, -2, 57, 43, -25),
        (54, 4, -1, 51, 43, -20),
        (68, 2, -2, 43, 41, -10),
        (82, 0, -3, 37, 38, 0),
        (100, -1, -4, 32, 35, 0),
        (128, -2, -2, 28, 36, 0),
    ],
    "ventricles": [
        (-4, 14, -8, 22, 16, -25),
        (8, 14, -9, 46, 30, -30),
        (25, 15, -8, 54, 36, -32),
        (42, 17, -8, 48, 36, -32),
        (56, 24, -10, 34, 30, -35),
        (68, 25, -16, 24, 20, -40),
    ],
    "left_ventricle": [(8, 32, -6, 20, 11, -40), (25, 30, 2, 29, 17, -40), (42, 28, 4, 26, 17, -38), (58, 20, 2, 16, 12, -30)],
    "right_ventricle": [
        (3, 8, -14, 26, 9, -25),
        (20, 6, -20, 32, 13, -30),
        (40, 6, -24, 26, 13, -20),
        (60, 14, -28, 17, 12, 0),
        (70, 15, -28, 14, 12, 0),
    ],
    "right_atrium": [
        (8, -26, 8, 12, 12, 0),
        (22, -30, 2, 18, 20, 10),
        (45, -33, -2, 17, 24, 10),
        (64, -30, -6, 14, 20, 15),
        (76, -27, -4, 10, 13, 0),
    ],
    "left_atrium": [(40, 6, 26, 22, 10, 0), (55, 4, 26, 32, 14, -4), (70, 2, 25, 34, 13, 0), (84, 2, 22, 26, 8, 0)],
    "appendage": [(62, 34, 8, 9, 8, -40), (72, 34, 3, 14, 8, -60), (84, 32, 0, 10, 7, -60)],
    "ascending": [
        (52, 4, -1, 12, 12, 0),
        (62, 1, -3, 16.5, 16, 0),
        (70, -4, -6, 15, 15, 0),
        (85, -10, -11, 16, 16, 0),
        (105, -9, -9, 16, 16, 0),
        (114, -6, -4, 16, 20, 0),
    ],
    "arch": [(106, 5, 16, 13, 36, -28), (135, 7, 20, 13, 40, -28)],
    "descending": [
        (-40, 18, 50, 11.5, 11.5, 0),
        (20, 21, 51, 12, 12, 0),
        (70, 24, 50, 12.5, 12.5, 0),
        (140, 24, 48, 12.5, 12.5, 0),
    ],
    "pulmonary_trunk": [(62, 16, -28, 14, 12, 0), (76, 18, -24, 14, 13, 0), (88, 18, -14, 14, 17, 20), (104, 15, 0, 13, 19, 25)],
    "right_pulmonary": [(80, -10, 13, 30, 7, 8), (88, -9, 12, 34, 10, 8), (97, -8, 10, 28, 8, 8)],
    "superior_cava": [(68, -28, 0, 10, 10, 0), (90, -28, 0, 9.5, 9, 0), (140, -26, -4, 9, 9, 0)],
    "inferior_cava": [(-40, -26, 22, 13, 12, 0), (10, -25, 18, 13, 12, 0), (18, -27, 10, 11, 11, 0)],
    "oesophagus": [(-40, 16, 36, 9, 6, 0), (30, 8, 44, 8, 5, 0), (140, 2, 42, 8, 5, 0)],
    "trachea": [(96, -12, 26, 22, 7, 8), (106, -2, 25, 12, 8, 0), (140, -2, 28, 9, 9, 0)],
}
ARTERIES = {  # control points in the same frame; the first point lies in the wall of the aortic root
    "LM": [(14, 3, 66), (19, 1, 67), (24, -1, 67)],
    "LAD": [
        (24, -1, 67),
        (29, -10, 66.5),
        (35, -21, 63),
        (42, -31, 54),
        (50, -37, 42),
        (57, -39, 29),
        (60, -36, 16),
        (54, -32, 6),
    ],
    "D1": [(35, -21, 63), (44, -20, 57), (52, -18, 48), (58, -16, 37)],
    "LCX": [(24, -1, 67), (32, 6, 65), (41, 12, 60), (46, 20, 52), (45, 28, 42), (36, 35, 32), (24, 36, 24)],
    "OM": [(43, 15, 58), (51, 10, 48), (56, 8, 38), (56, 6, 26)],
    "RCA": [
        (-1, -19, 65),
        (-8, -27, 66),
        (-17, -33, 62),
        (-26, -34, 52),
        (-32, -28, 40),
        (-36, -16, 28),
        (-32, 4, 18),
        (-18, 18, 13),
        (0, 24, 10),
        (16, 20, 8),
    ],
}
ON_THE_SURFACE = {
    "LAD": 2,
    "D1": 1,
    "LCX": 3,
    "OM": 1,
    "RCA": 3,
}  # from this control point on, a course lies under the pericardium
WIDTHS_MM = {"LM": (4.2, 4.0), "LAD": (3.6, 1.8), "D1": (2.2, 1.5), "LCX": (3.3, 1.7), "OM": (2.2, 1.5), "RCA": (3.8, 2.0)}


def draw_arteries(rng: np.random.Generator, pose: Pose) -> dict[str, Points]:
    """The coronary tree of this patient: a dense smooth course per artery, in world coordinates."""
    courses: dict[str, Points] = {}
    shared = {"LAD": ("LM", 1.0), "LCX": ("LM", 1.0), "D1": ("LAD", 0.3), "OM": ("LCX", 0.33)}
    for name, nominal in ARTERIES.items():
        points = np.array(nominal, float)
        drift = np.cumsum(rng.normal(0, 1.3, points.shape), axis=0) * 0.5 + rng.normal(0, 1.0, points.shape)
        drift[0] *= 0.3
        points = pose.points(points + np.clip(drift, -5, 5))
        first = ON_THE_SURFACE.get(name, len(points))
        points[first:] = _under_pericardium(points[first:], pose, rng.uniform(3.5, 6.0))
        if name in shared:  # a branch starts where its parent is
            parent = courses[shared[name][0]]
            points[0] = parent[int(shared[name][1] * (len(parent) - 1))]
        courses[name] = smooth_line(points, 160)
    return courses


def _under_pericardium(points: Points, pose: Pose, depth_mm: float) -> Points:
    """Points moved to `depth_mm` below the pericardium of their height."""
    x, y, a, b, degrees = ellipse_at(pose.keys(np.array(BODY_KEYS["pericardium"], float)), points[:, 2])
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    dx, dy = points[:, 0] - x, points[:, 1] - y
    grow = (1 - depth_mm / np.minimum(a, b)) / np.hypot((c * dx + s * dy) / a, (c * dy - s * dx) / b)
    return np.column_stack([x + dx * grow, y + dy * grow, points[:, 2]])


def draw_heart(rng: np.random.Generator, hu: Volume, grid: Grid, pose: Pose, courses: dict[str, Points]) -> dict[str, Keys]:
    """Paint the heart and the great vessels; the keys of what was painted come back, in world coordinates."""
    keys = {name: pose.keys(np.array(nominal, float)) for name, nominal in BODY_KEYS.items()}
    for name in keys:  # everyone's chambers differ a little in place and size
        if name not in ("pericardium", "trachea"):
            keys[name][:, 1:3] += rng.normal(0, 1.3, 2)
            keys[name][:, 3:5] *= rng.uniform(0.92, 1.08)
    blood, muscle, fat = rng.uniform(32, 50), rng.uniform(0, 9), rng.uniform(-105, -85)
    waves = ndimage.zoom(rng.standard_normal((2, 8, 8)), (1, *np.array(grid.x.shape) / 8), order=1)
    ahead = np.clip((np.float32(pose.y - 6) - grid.y + 0.3 * (np.float32(pose.x) - grid.x)) / 40, -0.3, 1)
    thick = np.clip(rng.uniform(0.8, 3.5) + rng.uniform(1, 5) * ahead + waves[0], 0.3, 9)
    outer = np.clip(rng.uniform(-0.5, 1.5) + rng.uniform(1, 9) * ahead + waves[1], -0.5, 10)
    box, level = swept_level(grid, keys["pericardium"], margin_mm=14)
    outline = np.full(grid.shape, 50, np.float32)
    outline[box] = level
    behind = [(z, keys["descending"][0, 1] / 2 - 2, keys["descending"][0, 2] - 5, 27, 19, 0) for z in (-60, 200)]
    ahead_of_it = [(z, pose.x - 4, pose.y - 47 * pose.scale, wide, 15, 0) for z, wide in ((-30, 34), (40, 22), (160, 18))]
    for wedge in (behind, ahead_of_it):
        paint_swept(hu, grid, np.array(wedge), fat)
    heart = hu[box]
    blend(heart, 0.5 - (level - outer.astype(np.float32)[box[1:]]) / 2, fat)
    blend(heart, np.clip(1.1 - np.abs(level) / 0.8, 0, 0.55), 15.0)  # the pericardium, a line between two layers of fat
    blend(heart, 0.5 - (level + 0.8) / 1.6, fat)
    inner = outline + thick.astype(np.float32)
    for name, value in (
        ("ventricles", blood + muscle),
        ("right_ventricle", blood),
        ("left_ventricle", blood),
        ("left_atrium", blood),
        ("right_atrium", blood),
        ("appendage", blood),
    ):
        paint_swept(hu, grid, keys[name], value, inner)
    curves = list(courses.values())
    grooves = [tube(rng, c, np.clip(rng.normal(5.5, 1.2), 3.5, 8) * np.linspace(1.1, 0.75, len(c)), 2.5) for c in curves]
    share = grid.splat(np.concatenate([g[0] for g in grooves]), np.concatenate([g[1] for g in grooves]))
    share = ndimage.gaussian_filter(share[box], (0, 1.2, 1.2), truncate=2.5)
    blend(heart, np.where(level < 0, share * 1.4, 0), fat + 12)
    for name in (
        "right_pulmonary",
        "pulmonary_trunk",
        "superior_cava",
        "inferior_cava",
        "oesophagus",
        "ascending",
        "arch",
        "descending",
    ):
        paint_swept(hu, grid, keys[name], blood - (6 if name == "oesophagus" else 0))
    paint_swept(hu, grid, keys["trachea"], -950.0)
    lumen = [tube(rng, c, np.linspace(*WIDTHS_MM[n], len(c)) / 2 * rng.uniform(0.8, 1.2), 25.0) for n, c in courses.items()]
    for side in (-1, 1):  # pulmonary veins, and the arteries of both hila
        for y, z, wide in ((24, 62, 5), (20, 76, 5), (12, 88, 8)):
            line = np.array(
                [
                    (side * 20, y, z),
                    (side * 36, y + 1, z + 2),
                    (side * rng.uniform(44, 62), y + rng.normal(4, 5), z + rng.normal(2, 6)),
                ]
            )
            lumen.append(tube(rng, pose.points(line), np.array([wide, wide, wide * 0.6]) * rng.uniform(0.8, 1.1), 3.0))
    blend_cloud(hu, grid.splat(np.concatenate([t[0] for t in lumen]), np.concatenate([t[1] for t in lumen])), blood)
    return keys
