"""Textures without edges."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform
from alphamat.examples.brushes.fields import smooth, spectral
from alphamat.examples.brushes.palettes import blend, gradient, palette
from alphamat.examples.painting import Canvas


def mottle(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint noise of any roughness, as of stone, clouds, rust or bark."""
    power = rng.uniform(0.5, 2.2)
    stretch, angle = 1.0, 0.0
    if chance(rng, 0.5):
        stretch, angle = log_uniform(rng, 1.5, 40), rng.uniform(0, math.pi)
    field = spectral(canvas, rng, power, stretch=stretch, angle=angle)
    if chance(rng, 0.4):
        return gradient(rng, field)
    other = spectral(canvas, rng, power, stretch=stretch, angle=angle)
    if chance(rng, 0.3):
        return gradient(rng, field + 0.4 * np.sin(4 * other))  # veins
    first, second, third = palette(rng, 3)
    share, turn = (np.clip(0.5 + 0.35 * x, 0, 1) for x in (field, other))
    return blend(blend(first, second, share), third, turn)


def flat(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a colour that goes over into another, with little grain: studio, wall, clear sky."""
    first, second = palette(rng, 2)
    share = np.clip(0.5 + 0.3 * smooth(canvas, rng, rng.uniform(1, 3)), 0, 1)
    grain = log_uniform(rng, 0.005, 0.08) * spectral(canvas, rng, rng.uniform(0.2, 1.2))
    return blend(first, second, rng.uniform(0, 1) * share) * (1 + grain)[..., None]
