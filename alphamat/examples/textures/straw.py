"""Strokes over strokes."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import log_uniform, places
from alphamat.examples.brushes.palettes import palette
from alphamat.examples.brushes.strands import curves, draw, tapered
from alphamat.examples.painting import Canvas
from alphamat.examples.textures.mottle import mottle

LEAST = 0.5  # area of all strokes together, in squares of the shorter side
MOST = 12.0  # area that is searched for their pixels


def straw(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint grass, straw, twigs or hair all over the picture."""
    layer = canvas.blank(np.float32)
    layer[..., :3] = np.clip(mottle(canvas, rng), 0, 1) * rng.uniform(0.2, 1)
    layer[..., 3] = 1
    length, width = log_uniform(rng, 0.03, 0.43), log_uniform(rng, 0.0016, 0.012)
    count = max(log_uniform(rng, 300, 4000), LEAST / (length * width))
    count = int(min(count, MOST / (length * (length / 8 + 2 * width))))
    angles = rng.normal(rng.uniform(0, 2 * math.pi), log_uniform(rng, 0.05, 2), count)
    lengths = length * rng.uniform(0.4, 1.3, count)
    roots, bent = places(canvas, rng, count, -0.12), log_uniform(rng, 0.05, 0.8)
    nodes = curves(rng, roots, angles, lengths, steps=9, bend=bent, wave=0.1)
    colours = palette(rng, count) * rng.uniform(0.4, 1.15, (count, 1))
    widths = tapered(rng, width * rng.uniform(0.4, 1.4, count), 9)
    draw(layer, canvas, nodes, widths, colours)
    return layer[..., :3]
