"""Plants."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform, places
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.brushes.palettes import palette
from alphamat.examples.brushes.strands import draw, spindle
from alphamat.examples.foregrounds.materials import body, either_over
from alphamat.examples.painting import Canvas

STEPS = 8  # of a branch
MOST = 500  # branches, and leaves


def plant(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint branches, twigs and leaves, perhaps with a body.

    A picture without a body may have no pixel of alpha 1.
    """
    branches, buds = [], []
    count = int(rng.integers(1, 6))
    for root, goal in zip(places(canvas, rng, count, 0.1), places(canvas, rng, count), strict=True):
        length, width = rng.uniform(0.3, 0.8), log_uniform(rng, 0.003, 0.028)
        angle, depth = math.atan2(*(goal - root)), int(rng.integers(2, 4))
        _grow(rng, branches, buds, root, angle, length, width, depth)
    layer = canvas.blank(np.float32)
    nodes, widths = (np.array(part) for part in zip(*branches[:MOST], strict=True))
    tones = palette(rng, 1) * rng.uniform(0.6, 1.2, (len(nodes), 1))
    draw(layer, canvas, nodes, widths[:, None] * np.linspace(1, 0.6, STEPS), tones)
    _draw_leaves(layer, canvas, rng, rng.permutation(buds)[: int(log_uniform(rng, 10, MOST))])
    if chance(rng, 0.4):
        other = body(canvas, rng, outline(canvas, rng, rng.uniform(0.1, 0.3)))
        return either_over(rng, layer, other)
    return layer


def _grow(rng, branches, buds, root, angle, length, width, depth):
    """Add a branch and those that grow out of it, and the places and angles of leaves."""
    turn = angle + np.cumsum(rng.normal(0, 0.18, STEPS - 1))
    steps = length / (STEPS - 1) * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    nodes = root + np.concatenate([[[0, 0]], np.cumsum(steps, axis=0)])
    branches.append((nodes, width))
    if depth == 0:
        return
    for _ in range(int(rng.integers(2, 6 if depth > 1 else 8))):
        k = int(rng.integers(1, STEPS))
        fork = turn[k - 1] + rng.choice([-1, 1]) * rng.uniform(0.3, 1.1)
        if depth == 1 or chance(rng, 0.3):
            buds.append([*nodes[k], fork])
        if depth > 1 or chance(rng, 0.3):
            shorter = length * rng.uniform(0.4, 0.8)
            _grow(rng, branches, buds, nodes[k], fork, shorter, 0.6 * width, depth - 1)


def _draw_leaves(layer, canvas, rng, buds):
    """Draw leaves, each with its rib."""
    if not len(buds):
        return
    count, steps = len(buds), 17
    lengths = log_uniform(rng, 0.012, 0.15) * rng.uniform(0.5, 1.3, count)
    turn = buds[:, 2]
    tips = buds[:, :2] + lengths[:, None] * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    halves = rng.uniform(0.1, 0.5) * lengths * rng.uniform(0.5, 1, count)
    full = (0.5, 1, 1.6)[rng.integers(3)]
    nodes, widths = spindle(buds[:, :2], tips, halves, steps, full=full)
    if chance(rng, 0.3):  # lobes
        widths = widths * (1 + 0.2 * np.sin(1.3 * np.arange(steps)))
    tones = palette(rng, 5)[rng.integers(5, size=count)] * rng.uniform(0.6, 1.25, (count, 1))
    ribs = tones * rng.uniform(0.7, 1.3, (count, 1))
    thin = np.broadcast_to(lengths[:, None] / 25, widths.shape)
    nodes = np.stack([nodes, nodes], axis=1).reshape(-1, steps, 2)
    widths = np.stack([widths, np.minimum(thin, widths)], axis=1).reshape(-1, steps)
    draw(layer, canvas, nodes, widths, np.stack([tones, ribs], axis=1).reshape(-1, 3))
