"""Little to see."""

from __future__ import annotations

import numpy as np

from alphamat.examples.brushes.chance import log_uniform
from alphamat.examples.brushes.fields import smooth, spectral
from alphamat.examples.brushes.palettes import blend, palette
from alphamat.examples.painting import Canvas


def flat(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a colour that goes over into another, with little grain: studio, wall, clear sky."""
    first, second = palette(rng, 2)
    share = np.clip(0.5 + 0.3 * smooth(canvas, rng, rng.uniform(1, 3)), 0, 1)
    grain = log_uniform(rng, 0.005, 0.08) * spectral(canvas, rng, rng.uniform(0.2, 1.2))
    return blend(first, second, rng.uniform(0, 1) * share) * (1 + grain)[..., None]
