"""Smoke."""

from __future__ import annotations

import numpy as np

from alphamat.examples.brushes.chance import chance, places
from alphamat.examples.brushes.fields import bend, fractal, points
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.brushes.palettes import gradient, palette
from alphamat.examples.foregrounds.materials import body, either_over
from alphamat.examples.painting import Canvas, lay


def smoky(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint smoke, clouds, fire or dust: wide ranges of alpha without an outline.

    A picture without a body may have no pixel of alpha 1.
    """
    hills, octaves, gain = rng.uniform(1.5, 5), int(rng.integers(3, 7)), rng.uniform(0.4, 0.7)
    field = fractal(canvas, rng, hills, octaves, gain)
    for _ in range(int(rng.integers(0, 3))):
        field = bend(canvas, rng, field)
    dense = np.clip(rng.uniform(0.25, 1) * field + rng.normal(0.15, 0.3), 0, 1)
    cover = dense ** rng.uniform(0.6, 1.8) * rng.uniform(0.3, 1.2)
    if chance(rng, 0.5):
        (y, x), middle = points(canvas), places(canvas, rng, 1)[0].tolist()
        far = np.hypot(y - middle[0], x - middle[1])
        cover = cover * np.clip(1.4 - rng.uniform(1.2, 3) * far, 0, 1)
    if chance(rng, 0.5):
        colours = gradient(rng, fractal(canvas, rng, 3, 4))
    else:
        colours = palette(rng, 1)[0] * (1 + 0.08 * fractal(canvas, rng, 4, 4))[..., None]
    layer = canvas.blank(np.float32)
    lay(layer, colours, np.minimum(cover, 1))
    if chance(rng, 0.65):
        return either_over(rng, layer, body(canvas, rng, outline(canvas, rng)))
    return layer
