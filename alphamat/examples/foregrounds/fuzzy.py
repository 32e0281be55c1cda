"""Soft outlines."""

from __future__ import annotations

import numpy as np

from alphamat.examples.brushes.chance import log_uniform
from alphamat.examples.brushes.fields import streaked
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.foregrounds.materials import dressed
from alphamat.examples.painting import Canvas, lay


def fuzzy(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a body whose outline noise displaces and softens: felt, plush, torn paper, shadows."""
    outside = outline(canvas, rng)
    colours = dressed(canvas, rng, outside)
    for _ in range(int(rng.integers(1, 4))):
        rough = streaked(canvas, rng, rng.uniform(0.2, 1.6), 40)
        outside = outside + log_uniform(rng, 0.001, 0.028) * rough
    layer = canvas.blank(np.float32)
    lay(layer, colours, canvas.inside(outside, log_uniform(rng, 0.001, 0.048)))
    return layer
