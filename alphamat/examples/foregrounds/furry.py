"""Fur."""

from __future__ import annotations

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform
from alphamat.examples.brushes.fields import smooth
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.brushes.palettes import palette
from alphamat.examples.brushes.strands import at, away, curves, draw, scattered, tapered
from alphamat.examples.foregrounds.materials import dressed
from alphamat.examples.painting import Canvas, lay

STEPS = 9


def furry(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a body that hairs grow out of, of its own colours: animals, moss, meadows, brushes."""
    outside = outline(canvas, rng)
    colours = dressed(canvas, rng, outside)
    skin = outside + rng.uniform(0, 0.01)
    layer = canvas.blank(np.float32)
    shade = rng.uniform(0.4, 1)
    lay(layer, shade * colours, canvas.inside(skin, log_uniform(rng, 0.0024, 0.016)))

    count, length = int(log_uniform(rng, 800, 7000)), log_uniform(rng, 0.01, 0.18)
    band = min(0.008 + length * rng.uniform(0.3, 1.5), 0.12)
    edge = (outside < canvas.pixel) & (outside > -band - canvas.pixel)
    roots = scattered(canvas, rng, edge, count)
    if not len(roots):
        return layer
    roots = roots[np.argsort(at(canvas, outside, roots))]  # those at the outline are on top
    nodes = _hairs(canvas, rng, outside, roots, length)
    dark = 1 - rng.uniform(-0.3, 0.6) * np.linspace(1, 0, STEPS)[:, None]
    tones = at(canvas, colours, roots)
    if chance(rng, 0.3):
        tones = tones + rng.uniform(0.3, 1) * (palette(rng, 1) - tones)
    tones = tones * np.exp(rng.normal(0, rng.uniform(0.05, 0.4), (count, 1)))
    widths = tapered(rng, log_uniform(rng, 0.0008, 0.005) * rng.uniform(0.6, 1.4, count), STEPS)
    draw(layer, canvas, nodes, widths, tones[:, None] * dark, rng.uniform(0.6, 1))
    return layer


def _hairs(canvas, rng, outside, roots, length):
    count = len(roots)
    comb = rng.uniform(0, 1.2) * smooth(canvas, rng, rng.uniform(1, 5)) + rng.uniform(-0.8, 0.8)
    angle = at(canvas, away(canvas, outside) + comb, roots)
    angle = angle + rng.normal(0, log_uniform(rng, 0.05, 0.8), count)
    lengths = length * rng.uniform(0.3, 1.3, count)
    lengths = lengths * np.exp(0.4 * at(canvas, smooth(canvas, rng, 6), roots))
    tufts = (0, 0, count // 8, count // 25)[rng.integers(4)]
    lock = rng.integers(tufts, size=count) if tufts else None
    bend, wave = rng.uniform(0.1, 1.2), rng.uniform(0, 0.3)
    return curves(rng, roots, angle, lengths, steps=STEPS, bend=bend, wave=wave, lock=lock)
