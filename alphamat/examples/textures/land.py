"""Landscapes."""

from __future__ import annotations

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform
from alphamat.examples.brushes.fields import fractal, points
from alphamat.examples.brushes.palettes import blend, palette
from alphamat.examples.painting import Canvas
from alphamat.examples.textures.leaves import leaves
from alphamat.examples.textures.mottle import mottle
from alphamat.examples.textures.straw import straw


def land(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint sky, ridges and ground."""
    y, x = points(canvas)
    top, low = palette(rng, 2)
    picture = blend(top, low, np.clip(y * rng.uniform(0.7, 1.6) + 0 * x, 0, 1))
    clouds = np.clip(fractal(canvas, rng, rng.uniform(2, 5), 5), -0.5, 3)
    picture = picture + rng.uniform(0, 0.3) * clouds[..., None]
    for height in np.sort(rng.uniform(0.15, 1, rng.integers(1, 5))).tolist():
        cover = canvas.inside(height + log_uniform(rng, 0.006, 0.12) * _ridge(rng, x) - y)
        picture = blend(picture, _ground(canvas, rng), cover)
    return picture


def _ridge(rng, x):
    rough, line = rng.uniform(0.2, 0.6), np.zeros_like(x)
    for octave in range(7):
        heights = rng.standard_normal(3 * 2**octave + 4)
        knots = np.linspace(x[0, 0], x[0, -1], len(heights))
        line = line + (rough**octave * np.interp(x, knots, heights)).astype(np.float32)
    return line


def _ground(canvas, rng):
    if chance(rng, 0.35):
        return (mottle, leaves, straw)[rng.integers(3)](canvas, rng)
    return palette(rng, 1)[0] * (1 + 0.1 * fractal(canvas, rng, 12, 4))[..., None]
