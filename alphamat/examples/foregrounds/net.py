"""Nets."""

from __future__ import annotations

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform
from alphamat.examples.brushes.fields import fractal, smooth
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.foregrounds.materials import dressed
from alphamat.examples.painting import Canvas, lay
from alphamat.examples.textures.pattern import gap, lattice


def net(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint nets, sieves, fences, grilles or lace, flat, in waves or seen aslant.

    A picture of fine threads alone may have no pixel of alpha 1.
    """
    outside = outline(canvas, rng, rng.uniform(0.25, 0.5))
    colours = dressed(canvas, rng, outside)
    cover, shade = _meshes(canvas, rng, log_uniform(rng, 0.014, 0.14))
    inside = canvas.inside(outside, 0.001)
    if chance(rng, 0.3):
        inside = inside * 0 + 1  # all over the picture
    cover = cover * inside * (rng.uniform(0.4, 1) if chance(rng, 0.3) else 1)
    if chance(rng, 0.6):
        rim = canvas.inside(np.abs(outside) - log_uniform(rng, 0.002, 0.05), 0.001)
        cover = np.maximum(cover, rim * inside)
    if chance(rng, 0.5):
        patch = canvas.inside(outline(canvas, rng, rng.uniform(0.1, 0.25)), 0.001)
        cover, shade = np.maximum(cover, patch), shade + patch * (1 - shade)
    layer = canvas.blank(np.float32)
    lay(layer, colours * shade[..., None], cover)
    return layer


def _meshes(canvas, rng, period):
    """Return how much of each pixel threads cover, and their light, which is less at the sides."""
    u, v = lattice(canvas, rng, period, log_uniform(rng, 0.5, 2))
    width = min(log_uniform(rng, 0.0014, 0.35 * period + 0.002), 0.6 * period)
    far = (_square, _woven, _triangles, _bars, _dots, _rings)[rng.integers(6)](
        canvas, rng, u, v, period
    )
    thick = width * np.clip(1 + 0.2 * smooth(canvas, rng, 8), 0.3, 2)
    soft = 0.0 if chance(rng, 0.6) else log_uniform(rng, 0.002, 0.008)
    outside = far - 0.5 * thick
    cover = np.minimum(canvas.inside(outside, soft), thick / canvas.pixel)
    if chance(rng, 0.15):
        cover = 1 - cover
    return cover, 1 - rng.uniform(0, 0.8) * np.clip(far / (0.5 * thick + canvas.pixel), 0, 1)


def _square(canvas, rng, u, v, period):
    return 0.5 * period * np.minimum(gap(u), gap(v))


def _woven(canvas, rng, u, v, period):
    """Wires that pass each other to the left and right, as in a fence of chain links."""
    bulge = rng.uniform(0.1, 0.5)
    along = u + bulge * np.sin(2 * np.pi * v)
    across = u - bulge * np.sin(2 * np.pi * v) + rng.choice([0.0, 0.5])
    return 0.4 * period * np.minimum(gap(along), gap(across))


def _triangles(canvas, rng, u, v, period):
    aslant = np.minimum(gap(0.5 * u + 0.866 * v), gap(-0.5 * u + 0.866 * v))
    return 0.5 * period * np.minimum(gap(u), aslant)


def _bars(canvas, rng, u, v, period):
    return 0.5 * period * gap(u)


def _dots(canvas, rng, u, v, period):
    """Threads around round holes, every other row shifted."""
    row = np.floor(u)
    far = 0.5 * np.hypot(gap(u + 0.5), gap(v + 0.5 * (row % 2)))
    return period * np.maximum(rng.uniform(0.35, 0.55) - far, 0)


def _rings(canvas, rng, u, v, period):
    """Threads as irregular as lace."""
    fields = [np.abs(fractal(canvas, rng, 0.7 / period, 2)) for _ in range(2)]
    return 0.6 * period * np.minimum(*fields)
