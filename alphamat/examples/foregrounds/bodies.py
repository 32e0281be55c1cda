"""Bodies: clean, soft, or full of holes."""

from __future__ import annotations

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform
from alphamat.examples.brushes.fields import fractal, streaked
from alphamat.examples.brushes.focus import defocus
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.foregrounds.materials import body, dressed
from alphamat.examples.painting import Canvas, lay


def solid(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a body with a clean outline, in or out of focus: toys, people in suits, letters."""
    layer = body(canvas, rng, outline(canvas, rng))
    return defocus(canvas, layer, log_uniform(rng, 0.0016, 0.028)) if chance(rng, 0.5) else layer


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
