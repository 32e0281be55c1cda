"""Threads."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform, places
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.brushes.palettes import palette
from alphamat.examples.brushes.strands import curves, draw, tapered
from alphamat.examples.foregrounds.materials import body
from alphamat.examples.painting import Canvas

STEPS = 24


def strands(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint strings, wires, grass or twigs all over the picture or in a tuft, before a body or not.

    A picture without a body may have no pixel of alpha 1.
    """
    layer = canvas.blank(np.float32)
    if chance(rng, 0.6):
        layer = body(canvas, rng, outline(canvas, rng), log_uniform(rng, 0.001, 0.008))
    count = int(log_uniform(rng, 8, 700))
    roots = places(canvas, rng, count, -0.1)
    if chance(rng, 0.5):  # a tuft
        spread = log_uniform(rng, 0.004, 0.18)
        roots = places(canvas, rng, 1, 0.2) + rng.normal(0, spread, (count, 2))
    angle = rng.uniform(0, 2 * math.pi) + rng.normal(0, log_uniform(rng, 0.05, 2), count)
    lengths = log_uniform(rng, 0.15, 1.2) * rng.uniform(0.4, 1.2, count)
    bend, wave, curl = rng.uniform(0, 1.6), rng.uniform(0, 0.6), (0, 0, 1)[rng.integers(3)]
    nodes = curves(rng, roots, angle, lengths, steps=STEPS, bend=bend, wave=wave, curl=curl)
    widths = log_uniform(rng, 0.001, 0.02) * rng.uniform(0.5, 1.5, count)
    if chance(rng, 0.6):
        widths = tapered(rng, widths, STEPS)
    tones = palette(rng, 4)[rng.integers(4, size=count)] * rng.uniform(0.6, 1.3, (count, 1))
    draw(layer, canvas, nodes, widths, tones, 1 if chance(rng, 0.7) else rng.uniform(0.4, 1))
    return layer
