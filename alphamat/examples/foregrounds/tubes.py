"""Thick strands over each other."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform, places
from alphamat.examples.brushes.fields import spectral
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.brushes.palettes import palette
from alphamat.examples.brushes.strands import curves, draw
from alphamat.examples.foregrounds.materials import body
from alphamat.examples.painting import Canvas

STEPS = 24
ROUND = np.array([  # the strokes that make one round strand: width, tone, way to the light
    [1.00, 0.45, 0.00],
    [0.75, 0.75, 0.06],
    [0.50, 1.00, 0.10],
    [0.22, 1.30, 0.14],
])  # fmt: skip


def tubes(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint round strands over each other, with gaps: wicker, ropes, roots, cables, noodles."""
    layer = canvas.blank(np.float32)
    if chance(rng, 0.4):
        layer = body(canvas, rng, outline(canvas, rng, rng.uniform(0.1, 0.3)))
    count = int(log_uniform(rng, 8, 90))
    nodes, widths = _strands(canvas, rng, count), log_uniform(rng, 0.006, 0.048)
    widths = widths * rng.uniform(0.7, 1.3, count)
    tones = palette(rng, 3)[rng.integers(3, size=count)] * rng.uniform(0.7, 1.2, (count, 1))
    light = rng.uniform(0, 2 * math.pi)
    toward = np.array([math.sin(light), math.cos(light)])

    share, tone, lean = ROUND.T[:, :, None]
    shift = lean * widths * np.ones_like(share)  # (4, count)
    strokes = nodes[:, None] + shift.T[..., None, None] * toward
    colours = tones[:, None] * tone
    inked = canvas.blank(np.float32)
    flat = strokes.reshape(-1, STEPS, 2), (share * widths).T.ravel(), colours.reshape(-1, 3)
    draw(inked, canvas, *flat)
    grain = 1 + log_uniform(rng, 0.02, 0.2) * spectral(canvas, rng, rng.uniform(0.2, 1.2))
    inked[..., :3] = np.clip(inked[..., :3] * grain[..., None], 0, inked[..., 3:])
    return inked + layer * (1 - inked[..., 3:])


def _strands(canvas, rng, count):
    middle, radius = places(canvas, rng, 1, 0.3)[0], rng.uniform(0.15, 0.4)
    turn = rng.uniform(0, 2 * math.pi, count)
    far = radius * rng.uniform(0.2, 1, (count, 1))
    roots = middle + far * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    heading = turn + rng.choice([-1, 1], count) * rng.uniform(0.6, 2.4, count)
    lengths, bend = radius * rng.uniform(0.8, 3, count), rng.uniform(0.5, 3)
    nodes = curves(rng, roots, heading, lengths, steps=STEPS, bend=bend, wave=rng.uniform(0, 0.3))
    if chance(rng, 0.5):  # a ball
        out = nodes - middle
        far = np.linalg.norm(out, axis=2, keepdims=True)
        nodes = middle + out * np.minimum(1, radius / np.maximum(far, 1e-6))
    return nodes
