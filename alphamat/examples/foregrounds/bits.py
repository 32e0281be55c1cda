"""Many small things."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform, places
from alphamat.examples.brushes.focus import defocus
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.brushes.palettes import palette
from alphamat.examples.brushes.strands import draw, spindle
from alphamat.examples.foregrounds.materials import body, either_over
from alphamat.examples.painting import Canvas

STEPS = 13


def bits(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint drops, dust, petals, confetti or bubbles around a body."""
    count = int(log_uniform(rng, 20, 700))
    radii = log_uniform(rng, 0.002, 0.035) * np.exp(rng.normal(0, 0.5, count))
    spread = log_uniform(rng, 0.08, 0.5)
    middles = places(canvas, rng, 1, 0.2) + rng.normal(0, spread, (count, 2))
    kind, narrow = rng.integers(3), rng.uniform(0.1, 0.7, count)
    if kind == 2:
        nodes, widths = _bubbles(middles, radii)
    else:
        turn = rng.uniform(0, math.pi, count)
        half = radii[:, None] * np.stack([np.sin(turn), np.cos(turn)], axis=1)
        wide = radii if kind == 0 else narrow * radii
        nodes, widths = spindle(middles - half, middles + half, wide, STEPS)
    tones = palette(rng, 6)[rng.integers(6, size=count)] * rng.uniform(0.7, 1.2, (count, 1))
    layer = canvas.blank(np.float32)
    draw(layer, canvas, nodes, widths, tones, rng.uniform(0.5, 1))
    if chance(rng, 0.4):
        layer = defocus(canvas, layer, log_uniform(rng, 0.0016, 0.016))
    outside = outline(canvas, rng, rng.uniform(0.15, 0.35))
    return either_over(rng, layer, body(canvas, rng, outside, log_uniform(rng, 0.001, 0.01)))


def _bubbles(middles, radii):
    turn = np.linspace(0, 2 * math.pi, STEPS)
    ring = np.stack([np.sin(turn), np.cos(turn)], axis=1)
    return middles[:, None] + radii[:, None, None] * ring, 0.15 * radii
