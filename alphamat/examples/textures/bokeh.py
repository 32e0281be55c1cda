"""Lights out of focus."""

from __future__ import annotations

import numpy as np

from alphamat.examples.brushes.chance import log_uniform, places
from alphamat.examples.brushes.fields import fractal, points
from alphamat.examples.brushes.palettes import gradient, palette
from alphamat.examples.painting import Canvas


def bokeh(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint the discs that points of light become far behind what is in focus."""
    picture = gradient(rng, fractal(canvas, rng, rng.uniform(2, 6), 3)) * rng.uniform(0.3, 1)
    picture = picture.astype(np.float32)
    count = int(log_uniform(rng, 15, 250))
    radii = log_uniform(rng, 0.008, 0.08) * rng.uniform(0.6, 1.3, count)
    colours, strengths = palette(rng, count), rng.uniform(0.1, 0.9, count)
    for (top, left), radius, colour, strength in zip(
        places(canvas, rng, count), radii, colours, strengths, strict=True
    ):
        part, near = canvas.window(top, left, 1.15 * radius + canvas.pixel)
        y, x = points(near)
        far = np.hypot(y - np.float32(top), x - np.float32(left))
        rim = 0.7 + 0.3 * (far / radius) ** 3  # lenses gather light there
        cover = strength * np.minimum(rim, 1) * near.inside(far - radius, 0.12 * radius)
        picture[part] += cover[..., None] * (colour - picture[part])
    return picture
