"""The colours of a body: what it is made of, its light and shade."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform
from alphamat.examples.brushes.fields import fractal, slope, spectral, streaked
from alphamat.examples.brushes.focus import soften
from alphamat.examples.brushes.palettes import blend, gradient, palette
from alphamat.examples.painting import Canvas, lay
from alphamat.examples.textures.any_background import texture


def body(canvas: Canvas, rng: np.random.Generator, outside: np.ndarray, soft: float = 0.001):
    """Return a layer with a body of any material."""
    layer = canvas.blank(np.float32)
    lay(layer, dressed(canvas, rng, outside), canvas.inside(outside, soft))
    return layer


def over(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Return a layer over another."""
    return above + below * (1 - above[..., 3:])


def either_over(rng: np.random.Generator, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return a layer over another, or under it."""
    return over(first, second) if chance(rng, 0.5) else over(second, first)


def dressed(canvas: Canvas, rng: np.random.Generator, outside: np.ndarray) -> np.ndarray:
    """Return the colours of a body, (H, W, 3) in [0, 1]."""
    colours = material(canvas, rng)
    if chance(rng, 0.4):
        colours = blend(colours, material(canvas, rng), _parts(canvas, rng, outside))
    if chance(rng, 0.75):
        colours = colours * _light(canvas, rng, outside)[..., None]
    if chance(rng, 0.3):  # creases
        crease = np.abs(fractal(canvas, rng, log_uniform(rng, 3, 25), 3))
        deep = rng.uniform(0.2, 0.8) * np.exp(-log_uniform(rng, 3, 12) * crease)
        colours = colours * (1 - deep)[..., None]
    if chance(rng, 0.5):
        grain = log_uniform(rng, 0.01, 0.2) * spectral(canvas, rng, rng.uniform(0, 1.2))
        colours = colours * (1 + grain)[..., None]
    return np.clip(colours, 0, 1)


def material(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Return one material all over the picture."""
    kind = rng.uniform()
    if kind < 0.35:
        return texture(canvas, rng)
    if kind < 0.6:
        field = fractal(canvas, rng, log_uniform(rng, 2, 30), 5, rng.uniform(0.4, 0.7))
        return gradient(rng, field)
    if kind < 0.75:
        return gradient(rng, streaked(canvas, rng, rng.uniform(0.8, 1.8)))
    return palette(rng, 1)[0] * (1 + 0.15 * fractal(canvas, rng, 5, 5))[..., None]


def _parts(canvas, rng, outside):
    """Return where a body is of another material: in patches, or along its outline.

    Along the outline its colours may be nowhere in what a trimap marks as foreground.
    """
    if chance(rng, 0.35):
        wobble = 1 + 0.3 * fractal(canvas, rng, rng.uniform(1, 6), 2)
        return canvas.inside(-outside - log_uniform(rng, 0.01, 0.15) * wobble, 0.002)
    field = fractal(canvas, rng, rng.uniform(1, 8), int(rng.integers(1, 5)))
    return np.clip(0.5 + (field + rng.normal(0, 0.8)) / log_uniform(rng, 0.01, 0.2), 0, 1)


def _light(canvas, rng, outside):
    """Return the light on a body that is round along its outline, from one side."""
    width = log_uniform(rng, 0.016, 0.24)
    rise = soften(canvas, np.clip(-outside / width, 0, 1), 0.006)
    height = np.sqrt(np.clip(rise * (2 - rise), 0, 1))
    down, along = slope(height)
    angle, strength = rng.uniform(0, 2 * math.pi), rng.uniform(0, 0.6) * width / canvas.pixel / 8
    side = strength * (math.sin(angle) * down + math.cos(angle) * along)
    return np.clip(1 + side + rng.uniform(-0.7, 0.4) * (1 - height), 0.1, 1.8)
