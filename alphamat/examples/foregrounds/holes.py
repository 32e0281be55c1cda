"""Bodies with holes."""

from __future__ import annotations

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform
from alphamat.examples.brushes.fields import fractal
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.foregrounds.materials import dressed
from alphamat.examples.painting import Canvas, lay


def holes(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a body full of holes or cracks: bread, rust, sponges, hedges, broken walls."""
    outside = outline(canvas, rng, rng.uniform(0.25, 0.45))
    field = fractal(canvas, rng, log_uniform(rng, 4, 50), int(rng.integers(1, 5)))
    if chance(rng, 0.5):
        hole = np.clip((field - rng.uniform(-0.3, 1.2)) * log_uniform(rng, 2, 20), 0, 1)
    else:  # cracks, or what is left between them
        hole = np.clip(1.3 - np.abs(field) * log_uniform(rng, 3, 20), 0, 1)
        hole = 1 - hole if chance(rng, 0.5) else hole
    cover = canvas.inside(outside, log_uniform(rng, 0.001, 0.008)) * (1 - hole)
    layer = canvas.blank(np.float32)
    lay(layer, dressed(canvas, rng, outside), cover)
    return layer
