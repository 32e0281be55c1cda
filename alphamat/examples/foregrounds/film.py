"""What lets light through."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform, places
from alphamat.examples.brushes.fields import bend, fractal, points
from alphamat.examples.brushes.outlines import blob, distance, filled, outline
from alphamat.examples.foregrounds.materials import body, dressed, either_over
from alphamat.examples.painting import Canvas, lay


def film(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint glass, veils, plastic or water: even alpha, rims, folds and highlights.

    A picture without a body may have no pixel of alpha 1.
    """
    outside = outline(canvas, rng)
    rough = fractal(canvas, rng, rng.uniform(1, 8), int(rng.integers(1, 5)))
    opaque = np.clip(rng.uniform(0.05, 0.85) + rng.uniform(0, 0.3) * rough, 0, 1)
    if chance(rng, 0.6):
        rim = rng.uniform(0.2, 1) * np.exp(np.minimum(outside, 0) / log_uniform(rng, 0.004, 0.06))
        opaque = opaque + (1 - opaque) * rim
    if chance(rng, 0.4):
        opaque = opaque + rng.uniform(0.05, 0.3) * _folds(canvas, rng)
    inside = canvas.inside(outside, 0.0005)
    layer = canvas.blank(np.float32)
    lay(layer, dressed(canvas, rng, outside), inside * np.clip(opaque, 0, 1))
    for y, x in places(canvas, rng, int(rng.integers(0, 6)), 0.2):
        radius, soft = log_uniform(rng, 0.008, 0.12), log_uniform(rng, 0.002, 0.04)
        part, near = canvas.window(y, x, 2.5 * radius + soft + 3 * canvas.pixel)
        outside = distance(near, filled(near, blob(rng, np.array([y, x]), radius)))
        shine = near.inside(outside, soft) * rng.uniform(0.3, 1)
        lay(layer[part], rng.uniform(0.8, 1), shine * inside[part])
    if chance(rng, 0.6):
        other = body(canvas, rng, outline(canvas, rng, rng.uniform(0.1, 0.3)))
        return either_over(rng, layer, other)
    return layer


def _folds(canvas, rng):
    (y, x), angle = points(canvas), rng.uniform(0, math.pi)
    along = (x * math.cos(angle) + y * math.sin(angle)) / log_uniform(rng, 0.03, 0.3)
    return bend(canvas, rng, np.sin(2 * math.pi * along))
