"""A chest slice just above the aortic arch, for the areas of the pectoralis muscles and of subcutaneous fat; for fat also lower.

Muscle of the back and shoulder has the HU of the pectoralis, and fat of the mediastinum, the axilla and
the planes between muscles that of subcutaneous fat: only place and shape tell them apart. Sizes are
drawn independently, so neither body size nor the sum of all candidates gives the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from . import chest_organs as organs
from .chest_habitus import Habitus
from .chest_low import Low, belly, domes
from .chest_parts import (
    PHI,
    Frame,
    Image,
    Table,
    blocks_of_two,
    bump,
    compose,
    grain,
    integral,
    of_thickness,
    pair,
    smooth,
    stack,
    with_area,
    wobble,
)
from .drawing import Canvas, Mask, paint
from .patient import Change, Patient
from .scanner import Scanner, scan

LAYERS = ("wall", "deep", "plane", "axilla", "inner", "between", "scapula", "outer", "gap", "back", "fat", "skin")
"""Layers of the chest wall from the pleura out; `inner` and `outer` are pectoralis in front, shoulder muscle behind."""

PECTORALIS_HU = (-50, 90)
FAT_HU = (-200, 0)
NOISE_HU = (8.0, 22.0)
RESAMPLED = 0.15
"""Share of patients whose pixels are averages of 2 x 2: public data sets come resampled, to 1.5 mm and coarser."""
FRONT: Table = (np.abs(PHI) < np.deg2rad(87)).astype(float)
"""1 where the layers `inner` and `outer` are pectoralis."""


@dataclass(frozen=True)
class Body:
    """The chest wall: radius of the pleura and outer radius of every layer, mm, over PHI."""

    pleura: Table
    outer: dict[str, Table]

    def inner(self, name: str) -> Table:
        """Radius at which a layer begins."""
        at = LAYERS.index(name)
        return self.outer[LAYERS[at - 1]] if at else self.pleura


def draw(rng: np.random.Generator, target: str, shift: bool, change: Change) -> Patient:
    """A chest slice with the area of `target` known.

    Args:
        rng: Randomness of this patient; the same seed gives the same patient for either target, but for low slices.
        target: "pectoralis" or "subcutaneous_fat".
        shift: Draw habitus, scanner and spacing from ranges unlike those of the study.
        change: Scales the target's area, or the distractor's: back and shoulder muscle for the pectoralis,
            mediastinal and axillary fat for subcutaneous fat.

    Returns:
        One slice with masks of target and distractor.

    Raises:
        ValueError: If `target` is neither of the two.
    """
    if target not in ("pectoralis", "subcutaneous_fat"):
        raise ValueError(f"chest has no target {target!r}; take 'pectoralis' or 'subcutaneous_fat'")
    noise_rng, tissue_rng, organ_rng, resampling_rng, low_rng = rng.spawn(5)
    scanner = Scanner.draw(rng, NOISE_HU, shift)
    habitus = Habitus.draw(rng, shift)
    factors = _factors(target, change)
    low = Low.draw(low_rng) if target == "subcutaneous_fat" else None
    habitus = replace(habitus, arms_down=False) if low else habitus
    pleura, densities = _layers(rng, habitus, low)
    base = _body(pleura, densities, {})
    body = _body(pleura, densities, factors)
    frame = _frame(rng, habitus, base, shift)
    hu, mediastinum = _image(tissue_rng, organ_rng, low, frame, habitus, base, body, factors.get("mediastinum", 1.0))
    if resampling_rng.random() < RESAMPLED:
        frame, hu, mediastinum = frame.halved(), blocks_of_two(hu), blocks_of_two(mediastinum) > 0.5
    spacing = (float(rng.choice([1.0, 2.0, 3.0, 5.0])), frame.canvas.pixel_mm, frame.canvas.pixel_mm)
    width = _width(base)
    image = scan(hu[None], spacing, scanner, change.noise(noise_rng), width)
    mask, distractor = _answers(image[0], frame, body, target, mediastinum)
    area = integral(body.outer["skin"] ** 2 / 2) / 100
    facts = {"body_area_cm2": area, "width_mm": width, "pixel_mm": frame.canvas.pixel_mm, "noise_hu": scanner.noise_hu}
    facts |= {"arms_down": float(habitus.arms_down), "contrast": float(habitus.contrast), "rotation_degrees": habitus.rotation}
    return Patient(image, mask[None], spacing, distractor=distractor[None], facts=facts)


def _factors(target: str, change: Change) -> dict[str, float]:
    """How much each named density grows under `change`."""
    if target == "pectoralis":
        back = dict.fromkeys(("deep", "inner_back", "outer_back", "back"), change.distractor)
        return {"inner_front": change.target, "outer_front": change.target, **back}
    return {"fat": change.target, "axilla": change.distractor, "mediastinum": change.distractor}


def _pleura(rng: np.random.Generator, habitus: Habitus) -> Table:
    """Outline of the lungs and what is between them, mm: flat behind, narrower in front."""
    power, egg = rng.uniform(2.05, 2.5), rng.uniform(0.08, 0.2)
    across, along = np.abs(np.sin(PHI)) / habitus.half_width, np.abs(np.cos(PHI)) / habitus.half_depth
    radius = (across**power + along**power) ** (-1 / power)
    return np.asarray(radius * (1 - egg * np.cos(PHI) * np.sin(PHI) ** 2) * wobble(rng, (2, 7), 0.02))


def _layers(rng: np.random.Generator, habitus: Habitus, low: Low | None) -> tuple[Table, dict[str, Table]]:
    """The pleura and the area density of every layer, before any change."""
    pleura = low.shaped(_pleura(rng, habitus)) if low else _pleura(rng, habitus)
    m = habitus.muscularity
    wall = rng.uniform(7.5, 11) * wobble(rng, (2, 9), 0.06) + rng.uniform(6, 10) * bump(0, 22) + 15 * bump(180, 22)
    lateral = float(rng.uniform(-0.3, 0.6))
    skew = np.exp(lateral * (np.abs(PHI) - 0.7) / 0.7)
    major = pair(rng, rng.uniform(38, 43), rng.uniform(32, 36), 2.6, 0.65) * skew * wobble(rng, (2, 9), 0.12)
    minor = pair(rng, rng.uniform(44, 54), rng.uniform(18, 27), 2, 0.9) * wobble(rng, (3, 12), 0.12)
    paraspinal = with_area(pair(rng, 162, 19, 2, 0.8) * wobble(rng, (3, 12), 0.1), m * rng.uniform(14, 32))
    serratus = with_area(pair(rng, 92, 34, 2, 0.8) * wobble(rng, (3, 20), 0.25), m * rng.uniform(8, 20))
    lean = np.exp(-rng.uniform(0.3, 1.6) * (np.abs(PHI) - 2.15))
    subscapular = with_area(pair(rng, 123, 25, 2, 0.7, 3) * lean * wobble(rng, (3, 12), 0.12), m * rng.uniform(18, 46))
    infraspinatus = pair(rng, 131, 24, 2, 0.7, 3) + rng.uniform(0.3, 1.6) * pair(rng, 110, 15, 2, 0.8, 3)
    trapezius = pair(rng, 156, 32, 3, 0.6) + rng.uniform(0.1, 0.9) * pair(rng, 112, 26, 2, 0.8, 4)
    blade = pair(rng, 127, 21, 4, 0.5, 3) * np.exp(-1.6 * (np.abs(PHI) - 2.2))
    plane = pair(rng, 44, 40, 2, 0.5) + rng.uniform(0.4, 2) * pair(rng, 124, 34, 2, 0.7)
    between = rng.uniform(0.2, 0.8) * pair(rng, 45, 32, 2, 0.5) + pair(rng, 120, 30, 2, 0.7)
    gap = pair(rng, 138, 40, 2, 0.7) * wobble(rng, (4, 18), 0.5)
    parts = rng.dirichlet([5, 3, 4])
    axilla = pair(rng, rng.uniform(76, 84), rng.uniform(22, 30), 2, 0.9, 3) * wobble(rng, (3, 9), 0.1)
    densities = {
        "wall": of_thickness(wall, pleura),
        "deep": paraspinal + serratus,
        "plane": with_area(plane * wobble(rng, (4, 18), 0.35), habitus.planes * parts[0]),
        "axilla": with_area(axilla, habitus.axillary),
        "inner_front": with_area(minor, habitus.pectoralis * habitus.minor_share),
        "inner_back": subscapular,
        "between": with_area(between * wobble(rng, (4, 18), 0.35), habitus.planes * parts[1]),
        "scapula": with_area(blade, rng.uniform(8, 13)),
        "outer_front": with_area(major, habitus.pectoralis * (1 - habitus.minor_share)),
        "outer_back": with_area(infraspinatus * wobble(rng, (4, 14), 0.12), m * rng.uniform(26, 76)),
        "gap": with_area(gap, habitus.planes * parts[2]),
        "back": with_area(trapezius * wobble(rng, (3, 14), 0.15), m * rng.uniform(12, 38)),
    }
    if low:
        densities |= {name: densities[name] * left for name, left in low.left.items()}
    envelope = np.sqrt(pleura**2 + 2 * np.sum(list(densities.values()), axis=0))
    densities["fat"] = _subcutaneous(rng, habitus, envelope, low is not None)
    densities["skin"] = of_thickness(rng.uniform(1.6, 2.3), np.sqrt(envelope**2 + 2 * densities["fat"]))
    return pleura, densities


def _subcutaneous(rng: np.random.Generator, habitus: Habitus, envelope: Table, low: bool) -> Table:
    """Density of the fat under the skin: it first fills the hollows between the muscles, then thickens by region.

    Between the shoulders it is thin, in low slices it is often thickest behind.
    """
    breasts = habitus.breast * pair(rng, rng.uniform(38, 50), rng.uniform(30, 38), 2, 1.4, 3)
    flanks = rng.uniform(0, 1) * pair(rng, 90, 35, 2, 1, 4)
    thin = rng.uniform(0, 0.45)
    behind = bump(180, 60, 2, 1) * (3 * thin - 0.3 if low else -thin)
    profile = (1 + breasts + flanks + behind) * wobble(rng, (1, 6), 0.12) * envelope
    smoothed = smooth(np.maximum(envelope, smooth(envelope, 12)), 8)
    hollows = np.clip(smoothed**2 - envelope**2, 0, None) / 2
    filled = min(1.0, 75 * habitus.subcutaneous / max(integral(hollows), 1.0))
    return np.asarray(filled * hollows + with_area(profile, habitus.subcutaneous - filled * integral(hollows) / 100))


def _body(pleura: Table, densities: dict[str, Table], factors: dict[str, float]) -> Body:
    """Layers stacked from the pleura out, each density scaled by its factor."""
    scaled = {name: table * factors.get(name, 1.0) for name, table in densities.items()}
    both = {name: scaled[f"{name}_front"] + scaled[f"{name}_back"] for name in ("inner", "outer")}
    radii = stack(pleura, [both[name] if name in both else scaled[name] for name in LAYERS])
    return Body(pleura, dict(zip(LAYERS, radii[1:], strict=True)))


def _width(body: Body) -> float:
    """Width of the trunk, mm."""
    across = body.outer["skin"] * np.sin(PHI)
    return float(across.max() - across.min())


def _frame(rng: np.random.Generator, habitus: Habitus, base: Body, shift: bool) -> Frame:
    """The grid and where the body lies in it: the trunk is inside it, arms may be cut off."""
    if shift:
        room = 1.02 if habitus.room < 1.19 else 1.3 * habitus.room
        pixel = float(np.clip(_width(base) * room / habitus.rows, 0.72, 1.7))
    else:
        field = float(np.clip(_width(base) * habitus.room, 340, 480))
        pixel = float(np.clip(field / habitus.rows, 0.85, 1.3))
    canvas = Canvas(habitus.rows, habitus.rows, round(pixel, 4))
    spare = max(canvas.pixel_mm * habitus.rows - _width(base), 0) / 2
    skin = base.outer["skin"]
    middle = (skin[len(skin) // 2] - skin[0]) / 2
    return Frame(canvas, float(rng.uniform(-0.5, 0.5)) * spare, float(middle + rng.normal(0, 8)), habitus.rotation)


def _image(
    tissue: np.random.Generator,
    rng: np.random.Generator,
    low: Low | None,
    frame: Frame,
    habitus: Habitus,
    base: Body,
    body: Body,
    mediastinal: float,
) -> tuple[Image, Mask]:
    """HU without noise, and the mediastinum's region."""
    hu = np.full(frame.canvas.shape, -1000, np.float32)
    fine, coarse = grain(tissue, frame.canvas, 4), grain(tissue, frame.canvas, 12)
    fat = np.float32(habitus.fat_hu) + 5 * fine + 3 * coarse
    muscle = np.float32(habitus.muscle_hu) + organs.marbled(tissue, frame, fine, habitus.marbling)
    organs.surroundings(rng, hu, frame, base.outer["skin"], body.outer["skin"])
    organs.arms(rng, hu, frame, base.outer["skin"], habitus.arms_down, habitus.subcutaneous, (habitus.fat_hu, habitus.muscle_hu))
    radii = [frame.spread(r) for r in (body.pleura, *body.outer.values())]
    breast = organs.glands(tissue, frame, fat, radii[LAYERS.index("back") + 1], radii[LAYERS.index("fat") + 1], habitus.breast)
    lung = -860 + 18 * fine + 12 * coarse
    bone = 420 + 60 * fine
    values: list[Image | float] = [lung, muscle, muscle, fat, fat, muscle, fat, bone, muscle, fat, muscle, breast, 20.0]
    compose(hu, frame, radii, values)
    if low and low.belly:
        region = belly(low.rng, hu, frame, body.pleura, habitus.fat_hu, mediastinal)
    else:
        if low:
            domes(low.rng, hu, frame, body.pleura, fat)
        region = organs.mediastinum(rng, hu, frame, body.pleura, fat, habitus.mediastinal_mm, mediastinal, habitus.contrast)
    blade = None if low else (body.inner("scapula"), body.outer["scapula"])
    organs.skeleton(rng, hu, frame, body.pleura, body.inner("deep"), blade, low.first_rib if low else 0.0)
    organs.axillary(rng, hu, frame, body.inner("axilla"), body.outer["axilla"], habitus.muscle_hu)
    _fascia(hu, frame, radii[LAYERS.index("back") + 1])
    return hu, region


def _fascia(hu: Image, frame: Frame, envelope: Image) -> None:
    """The thin sheet between the axilla and the fat under the skin, where no muscle parts them."""
    away = np.abs(frame.radius - envelope)
    lateral = frame.spread(bump(84, 26, 4, 0.3) + bump(-84, 26, 4, 0.3))
    paint(hu, away - 0.5, np.maximum(hu, -45 * lateral + hu * (1 - lateral)), 0.8)


def _answers(image: NDArray[np.int16], frame: Frame, body: Body, target: str, mediastinum: Mask) -> tuple[Mask, Mask]:
    """Masks of the target and of its distractor: geometry, then the HU window of the final image."""

    def between(name: str) -> Mask:
        return np.asarray((frame.radius >= frame.spread(body.inner(name))) & (frame.radius < frame.spread(body.outer[name])))

    low, high = PECTORALIS_HU if target == "pectoralis" else FAT_HU
    window = (image >= low) & (image <= high)
    if target == "subcutaneous_fat":
        return between("fat") & window, (between("axilla") | mediastinum) & window
    front = frame.spread(FRONT) > 0
    sheets = between("inner") | between("outer")
    return sheets & front & window, ((sheets & ~front) | between("deep") | between("back")) & window
