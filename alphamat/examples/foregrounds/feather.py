"""Feathers."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform, places
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.brushes.palettes import palette
from alphamat.examples.brushes.strands import curves, draw, tapered
from alphamat.examples.foregrounds.materials import body
from alphamat.examples.painting import Canvas

STEPS = 8  # of a barb


def feather(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint feathers, or leaves of palms and ferns, whose barbs part here and there.

    A picture without a body may have no pixel of alpha 1.
    """
    layer = canvas.blank(np.float32)
    if chance(rng, 0.5):
        layer = body(canvas, rng, outline(canvas, rng, rng.uniform(0.1, 0.3)))
    for _ in range(int(rng.integers(1, 5))):
        _draw_feather(layer, canvas, rng)
    return layer


def _draw_feather(layer, canvas, rng):
    angle, length, curve = rng.uniform(0, 2 * math.pi), rng.uniform(0.4, 1.2), rng.normal(0, 0.5)
    root = places(canvas, rng, 1, 0.35)[0]
    root = root - 0.5 * length * np.array([math.sin(angle), math.cos(angle)])

    def shaft(t):
        turn = angle + 0.5 * curve * (t - 0.5)
        return root + length * t[:, None] * np.stack([np.sin(turn), np.cos(turn)], axis=1)

    count = int(log_uniform(rng, 120, 1200))
    t = np.sort(rng.uniform(0.08, 1, count))
    side = rng.choice([-1, 1], count)
    lean = rng.uniform(0.4, 1.1) + rng.uniform(0, 0.3) * np.sin(rng.uniform(10, 60) * t + 3 * side)
    lengths = length * rng.uniform(0.08, 0.35) * np.sin(math.pi * np.minimum(t, 0.97)) ** 0.5
    lengths = lengths * rng.uniform(1 - rng.uniform(0, 0.4), 1.1, count)
    lock = (t * rng.uniform(5, 60)).astype(int) * 2 + (side > 0)
    heading = angle + curve * (t - 0.5) + side * lean
    bend = log_uniform(rng, 0.02, 0.4)
    nodes = curves(rng, shaft(t), heading, lengths, steps=STEPS, bend=bend, wave=0.05, lock=lock)
    tones = palette(rng, 3)
    bands = np.clip(3 * t + 0.5 * np.sin(9 * t), 0, 2).astype(int)
    colours = tones[bands] * rng.uniform(0.75, 1.2, (count, 1))
    widths = tapered(rng, np.full(count, log_uniform(rng, 0.0012, 0.006)), STEPS)
    draw(layer, canvas, nodes, widths, colours, rng.uniform(0.6, 1))
    widths = np.linspace(1, 0.3, 16)[None] * log_uniform(rng, 0.002, 0.01)
    draw(layer, canvas, shaft(np.linspace(0, 1, 16))[None], widths, 1.1 * tones[:1])
