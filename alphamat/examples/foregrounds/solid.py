"""Clean outlines."""

from __future__ import annotations

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform
from alphamat.examples.brushes.focus import defocus
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.foregrounds.materials import body
from alphamat.examples.painting import Canvas


def solid(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a body with a clean outline, in or out of focus: toys, people in suits, letters."""
    layer = body(canvas, rng, outline(canvas, rng))
    return defocus(canvas, layer, log_uniform(rng, 0.0016, 0.028)) if chance(rng, 0.5) else layer
