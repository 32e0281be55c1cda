"""Patterns that repeat."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform
from alphamat.examples.brushes.fields import points, smooth, spectral
from alphamat.examples.brushes.palettes import blend, palette
from alphamat.examples.painting import Canvas
from alphamat.examples.textures.mottle import mottle


def pattern(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint stripes, checks, bricks, dots, plaid or bars; on cloth in waves, or seen aslant."""
    period = log_uniform(rng, 0.01, 0.18)
    u, v = lattice(canvas, rng, period, log_uniform(rng, 0.4, 2.5))
    soft = log_uniform(rng, 0.0024, 0.016) / period + canvas.pixel / period
    paint = (_stripes, _checks, _bricks, _dots, _plaid, _bars)[rng.integers(6)]
    share, tone = paint(rng, u, v, soft)
    first, second = palette(rng, 2)
    if chance(rng, 0.3):
        first, second = mottle(canvas, rng), mottle(canvas, rng)
    grain = log_uniform(rng, 0.01, 0.25) * spectral(canvas, rng, rng.uniform(0.3, 1.5))
    return blend(first, second, share) * (1 + share * tone + grain)[..., None]


def lattice(canvas: Canvas, rng: np.random.Generator, period: float, ratio: float):
    """Return u and v, (H, W), that grow by 1 in each period; turned, waved, in perspective."""
    y, x = points(canvas)
    angle = rng.uniform(0, math.pi)
    u = (x * math.cos(angle) + y * math.sin(angle)) / period
    v = (y * math.cos(angle) - x * math.sin(angle)) / (period * ratio)
    if chance(rng, 0.5):
        waves = rng.uniform(0.05, 1) * smooth(canvas, rng, log_uniform(rng, 1.5, 6), 2)
        u, v = u + waves[..., 0], v + waves[..., 1]
    if chance(rng, 0.4):
        lean = rng.uniform(-0.7, 0.7, 2) / max(y.size, x.size) / canvas.pixel
        far = 1 + float(lean[0]) * (y - 0.5) + float(lean[1]) * (x - 0.5)
        u, v = u / far, v / far
    return u, v


def gap(u: np.ndarray) -> np.ndarray:
    """Return the distance to the nearest whole number, times two."""
    return 2 * np.abs(u - np.round(u))


def _stripes(rng, u, v, soft):
    return np.clip((gap(u) - rng.uniform(0.2, 0.8)) / (2 * soft) + 0.5, 0, 1), 0.0


def _checks(rng, u, v, soft):
    waves = np.sin(2 * math.pi * u) * np.sin(2 * math.pi * v)
    return np.clip(waves / (3 * soft) + 0.5, 0, 1), 0.0


def _bricks(rng, u, v, soft):
    row = np.floor(v)
    u = 0.5 * u + 0.5 * (row % 2)
    edge = np.minimum(0.5 * gap(v), gap(u))
    tones = rng.normal(0, 0.2, 4096).astype(np.float32)
    tone = np.take(tones, (57 * row + 131 * np.floor(u)).astype(np.int32) % 4096)
    return np.clip((edge - rng.uniform(0.03, 0.15)) / soft + 0.5, 0, 1), tone


def _dots(rng, u, v, soft):
    far = 0.5 * np.hypot(gap(u), gap(v))
    return np.clip((rng.uniform(0.15, 0.45) - far) / soft + 0.5, 0, 1), 0.0


def _plaid(rng, u, v, soft):
    width = rng.uniform(0.2, 0.7)
    bands = (np.clip((width - gap(along)) / (2 * soft) + 0.5, 0, 1) for along in (u, v))
    return 0.5 * sum(bands), 0.0


def _bars(rng, u, v, soft):
    bars = rng.uniform(0, 1, 512).astype(np.float32)
    return np.take(bars, np.floor(2 * u).astype(np.int32) % 512), 0.0
