"""Organs of the upper-abdominal slice, placed one after another: where the liver lies, and all that it gives way to."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from bioloc.phantoms import abdomen_parts as parts
from bioloc.phantoms.abdomen_parts import Contrast, Habitus, Image
from bioloc.phantoms.drawing import Canvas, Level

# Outline of the liver, as shares of the cavity's half axes, at heights 0, 0.5 and 1: tip of the left lobe,
# under it, hilum, caudate, kidney bed, tip at the back, wall, front.
WALL = [(-1.2, 0.3), (-1.0, -0.9)]
OUTLINES = np.array(
    [
        [(0.58, -0.5), (0.32, -0.2), (0.08, 0.05), (-0.02, 0.32), (-0.22, 0.55), (-0.5, 0.95), *WALL, (-0.1, -1.2), (0.5, -0.85)],
        [(0.34, -0.55), (0.14, -0.36), (-0.06, -0.08), (-0.1, 0.2), (-0.3, 0.4), (-0.55, 0.8), *WALL, (-0.1, -1.1), (0.3, -0.9)],
        [(-0.1, -0.68), (-0.2, -0.42), (-0.3, -0.15), (-0.4, 0.1), (-0.5, 0.3), (-0.68, 0.7), *WALL, (-0.4, -1), (-0.16, -0.9)],
    ]
)
MIDDLES = np.array([(-0.25, -0.25), (-0.35, -0.25), (-0.55, -0.25)])


def all_but_liver(hu: Image, canvas: Canvas, body: Habitus, contrast: Contrast, rng: np.random.Generator) -> Level:
    """Gut, spleen and kidneys, in place; returns the level of what the liver gives way to: spine and kidneys."""
    parts.mesentery(hu, canvas, body, contrast, rng)
    parts.bowel(hu, canvas, body, contrast, rng)
    parts.stomach(hu, canvas, body, contrast, rng)
    parts.spleen(hu, canvas, body, contrast, rng)
    firm: Level = canvas.ellipse(0, body.spine_y, 27, 24) - np.float32(2)
    for side in (-1, 1):
        part, level = parts.kidney(canvas, body, side, rng)
        if body.height > 0.35 + 0.1 * (side < 0):
            parts.paint_kidney(hu, (part, level), side, contrast)
            firm[part.cut] = np.minimum(firm[part.cut], level - 4)
    return firm


def liver_outline(canvas: Canvas, body: Habitus, rng: np.random.Generator) -> Level:
    """The liver's level: a star-shaped outline, cut by the wall or the diaphragm."""
    between = 2 * body.height
    low, share = int(between), between % 1
    jitter = rng.normal(0, 0.035, OUTLINES.shape[1:])
    jitter[:2, 0] += rng.normal(0, 0.1)  # the left lobe's reach varies most
    corners = (1 - share) * OUTLINES[low] + share * OUTLINES[low + 1] + jitter
    middle = (1 - share) * MIDDLES[low] + share * MIDDLES[low + 1]
    to = (corners - middle) * (body.cx, body.cy)
    angles = np.arctan2(to[:, 1], to[:, 0])
    order = np.argsort(angles)
    order = order[np.r_[True, np.diff(angles[order]) > 0.02]]
    angles, radii = angles[order], np.hypot(to[order, 0], to[order, 1])
    wrapped = np.r_[angles - 2 * np.pi, angles, angles + 2 * np.pi]
    edge = np.asarray(PchipInterpolator(wrapped, np.tile(radii, 3))(np.linspace(-np.pi, np.pi, 721)), np.float32)
    dx, dy = canvas.x - np.float32(middle[0] * body.cx), canvas.y - np.float32(body.middle + middle[1] * body.cy)
    turn = (np.arctan2(dy, dx) + np.float32(np.pi)) * np.float32(720 / (2 * np.pi))
    star: Level = np.hypot(dx, dy) - edge[np.clip(np.rint(turn), 0, 720).astype(np.intp)]
    return np.asarray(np.maximum(star, parts.room(canvas, body) + np.float32(1.5 + 2.5 * rng.random())), np.float32)
