"""Webs."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform, places
from alphamat.examples.brushes.fields import bend
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.brushes.palettes import palette
from alphamat.examples.brushes.strands import draw
from alphamat.examples.foregrounds.materials import body, over
from alphamat.examples.painting import Canvas


def web(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a cobweb, or a wheel, perhaps behind a body.

    A picture without a body may have no pixel of alpha 1.
    """
    middle, radius = places(canvas, rng, 1, 0.2)[0], rng.uniform(0.3, 0.8)
    count = int(rng.integers(9, 40))
    turn = np.linspace(0, 2 * math.pi, count, endpoint=False)
    if chance(rng, 0.5):
        turn = np.sort(rng.uniform(0, 2 * math.pi, count))
    out = np.stack([np.sin(turn), np.cos(turn)], axis=1)
    spokes = middle + radius * np.linspace(0, 1, 24)[:, None] * out[:, None]
    rings = _rings(rng, turn, int(rng.integers(5, 40)))
    layer = canvas.blank(np.float32)
    for nodes, thickest in ((spokes, 0.004), (middle + radius * rings, 0.0032)):
        widths = np.full(len(nodes), log_uniform(rng, 0.0008, thickest))
        tones = palette(rng, 1).repeat(len(nodes), axis=0)
        draw(layer, canvas, nodes, widths, tones, rng.uniform(0.3, 1))
    layer = bend(canvas, rng, layer, 0.05)
    if chance(rng, 0.7):
        layer = over(layer, body(canvas, rng, outline(canvas, rng)))
    return layer


def _rings(rng, turn, count):
    """Return rings around zero that hang from spoke to spoke, (count, m, 2)."""
    part, sag = np.linspace(0, 1, 4, endpoint=False), rng.uniform(0.05, 0.15)
    ends = np.append(turn, turn[0] + 2 * math.pi)
    around = (ends[:-1, None] + part * np.diff(ends)[:, None]).ravel()
    far = np.linspace(0.08, 0.97, count)[:, None] + rng.normal(0, 0.004, (count, len(turn)))
    far = (far[..., None] * (1 - sag * np.sin(math.pi * part))).reshape(count, -1)
    rings = far[..., None] * np.stack([np.sin(around), np.cos(around)], axis=1)
    return np.concatenate([rings, rings[:, :1]], axis=1)
