"""How a patient of the chest phantom is built: sizes, drawn independently before any shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Habitus:
    """Sizes of one patient, drawn before any shape. Areas in cm2, both sides together."""

    half_width: float
    half_depth: float
    pectoralis: float
    minor_share: float
    muscularity: float
    subcutaneous: float
    axillary: float
    planes: float
    mediastinal_mm: float
    breast: float
    arms_down: bool
    rotation: float
    rows: int
    room: float
    contrast: bool
    fat_hu: float
    muscle_hu: float
    marbling: float

    @classmethod
    def draw(cls, rng: np.random.Generator, shift: bool) -> Habitus:
        """Fat is drawn as a total and the share of it under the skin, so that neither foretells the other."""
        fat = float(rng.uniform(165, 390))
        extreme = float(rng.random())
        share = 0.17 + 0.73 * float(rng.beta(0.8, 0.8))
        if shift:
            fat = 60 + 100 * extreme if extreme < 0.5 else 350 + 200 * extreme
        subcutaneous = float(np.clip(fat * share, *((16, 460) if shift else (28, 360))))
        deep = float(np.clip(fat - subcutaneous, 25, 290)) * float(np.exp(rng.normal(0, 0.15)))
        parts = rng.dirichlet([10, 11, 13])
        size = float(np.exp(rng.normal(0, 0.07)))
        female = rng.random() < 0.5
        return cls(
            half_width=float(rng.uniform(100, 136)) * size,
            half_depth=float(rng.uniform(74, 100)) * size,
            pectoralis=float(np.exp(rng.uniform(np.log(16), np.log(74)))),
            minor_share=float(rng.uniform(0.13, 0.36)),
            muscularity=float(np.exp(np.clip(rng.normal(0, 0.3), -0.6, 0.6))),
            subcutaneous=subcutaneous,
            axillary=float(np.clip(deep * parts[1], 4, 95)),
            planes=float(np.clip(deep * parts[2], 6, 120)),
            mediastinal_mm=float(np.clip(deep * parts[0], 4, 75)) / 5,
            breast=float(rng.uniform(0.3, 2.2)) * female,
            arms_down=bool(rng.random() < 0.35),
            rotation=float(rng.uniform(-12, 12)),
            rows=int(rng.integers(20, 27)) * 16,
            room=float(rng.uniform(1.03, 1.35)),
            contrast=bool(rng.random() < 0.45),
            fat_hu=float(rng.uniform(-118, -98)),
            muscle_hu=float(rng.uniform(40, 60)),
            marbling=float(rng.uniform(0, 1)) ** 2,
        )
