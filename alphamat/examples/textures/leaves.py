"""Dead leaves."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform, places
from alphamat.examples.brushes.fields import points, spectral, streaked
from alphamat.examples.brushes.outlines import SUBPIXEL, fixed
from alphamat.examples.brushes.palettes import palette
from alphamat.examples.painting import Canvas


def leaves(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint shapes over shapes, each shaded and grained, whose sizes follow a power law.

    Photographs have edges and statistics like these (Lee, Mumford & Huang, IJCV 2001).
    """
    count = int(log_uniform(rng, 150, 2500))
    middles = places(canvas, rng, count, -0.04)
    sizes = np.clip(rng.pareto(rng.uniform(1.0, 2.2), count) + 1, 0, 60)
    sizes = np.minimum(sizes * log_uniform(rng, 0.004, 0.018), 0.35)
    jumble = rng.normal(0, sizes.std() * rng.uniform(0, 0.7), count)
    order = np.argsort(jumble - sizes)
    middles, sizes = middles[order], sizes[order]
    leaf = _fallen(canvas, rng, middles, sizes)  # its number at each pixel, from 1

    colours = palette(rng, count + 1)
    if chance(rng, 0.3):
        colours = np.clip(colours * rng.uniform(0.3, 1.2, (count + 1, 1)), 0, 1)
    picture = np.take(colours.astype(np.float32), leaf, axis=0)
    if chance(rng, 0.7):
        picture *= _shade(canvas, rng, middles, sizes, leaf)[..., None]
    if chance(rng, 0.7):
        coarse = streaked(canvas, rng, rng.uniform(0.3, 1.6))
        fine = spectral(canvas, rng, rng.uniform(0, 1))
        depth = log_uniform(rng, 0.02, 0.3) * rng.uniform(0, 1, (2, count + 1))
        first, second = np.take(depth.astype(np.float32), leaf, axis=1)
        picture *= (1 + first * coarse + 0.5 * second * fine)[..., None]
    return picture


def _fallen(canvas, rng, middles, sizes):
    import cv2

    leaf = np.zeros((canvas.y.size, canvas.x.size), np.int32)
    form, count = rng.integers(5), len(sizes)
    angles = rng.uniform(0, 360, count)
    if chance(rng, 0.3):
        angles = rng.normal(rng.uniform(0, 360), 20, count)
    narrow = np.ones(count) if form == 0 else rng.uniform(0.15, 1, count)
    halves = np.stack([sizes, sizes * narrow], axis=1) / canvas.pixel
    at = fixed(canvas, middles)
    for k in range(count):
        if form <= 1 or (form == 4 and k % 2):
            axes = np.maximum(halves[k] * 2**SUBPIXEL, 8).astype(int).tolist()
            middle = at[k].tolist()
            cv2.ellipse(leaf, middle, axes, angles[k], 0, 360, k + 1, -1, cv2.LINE_8, SUBPIXEL)
            continue
        if form == 3:
            corners = _polygon(rng) * halves[k, 0]
        else:
            corners = cv2.boxPoints(((0, 0), 2 * halves[k], angles[k]))
        corners = (at[k] + corners * 2**SUBPIXEL).astype(np.int32)
        cv2.fillPoly(leaf, [corners], k + 1, cv2.LINE_8, SUBPIXEL)
    return leaf


def _polygon(rng):
    turn = np.sort(rng.uniform(0, 2 * math.pi, rng.integers(3, 8)))
    return np.stack([np.cos(turn), np.sin(turn)], axis=1) * rng.uniform(0.5, 1, (turn.size, 1))


def _shade(canvas, rng, middles, sizes, leaf):
    y, x = points(canvas)
    slopes = rng.normal(0, log_uniform(rng, 0.03, 0.4), (len(sizes), 2)) / (sizes + 0.006)[:, None]
    level = 1 - (slopes * middles).sum(axis=1)  # 1 in the middle of each
    table = np.concatenate([slopes, level[:, None]], axis=1)
    table = np.concatenate([[[0, 0, 1]], table]).astype(np.float32)
    down, along, level = np.moveaxis(np.take(table, leaf, axis=0), 2, 0)
    return np.clip(down * y + along * x + level, 0.2, 1.8)
