"""Smoke."""

from __future__ import annotations

import numpy as np

from alphamat.examples.painting import Canvas, draw_strokes, lay, mix, noise

MOUTH = 0.76  # height of the bowl's rim
CLAYS = [[0.62, 0.33, 0.22], [0.45, 0.55, 0.50], [0.16, 0.17, 0.19], [0.80, 0.76, 0.68]]


def smoke(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a bowl with smouldering herbs, and their smoke, which is dense below and thins out.

    Smoke is a curtain that turbulence folds: many faint strands side by side, which lie close
    together along the folds.
    """
    clay = np.array(CLAYS[rng.integers(len(CLAYS))])
    layer = canvas.blank()
    hollow, bowl, front = _bowl(canvas)
    light = _glaze(canvas, rng)
    lay(layer, 1.1 * light * clay, bowl)
    lay(layer, 0.3 * clay, hollow)
    _draw_curtain(layer, canvas, rng)
    lay(layer, light * clay, front)
    return layer


def _draw_curtain(layer, canvas, rng):
    rise = MOUTH + 0.1 - min(canvas.y[0, 0], 0.0)
    h = np.linspace(-0.02, rise, int(300 * rise))  # height above the rim
    s = np.linspace(-1, 1, 1800)[:, None]  # across the curtain
    lean, calm = rng.uniform(-0.15, 0.15), rng.uniform(0.05, 0.12)
    loose = np.maximum(h - calm, 0)
    sway = noise(rng, 0, 4 * h)
    folds = [noise(rng, 1.5 * s, 6 * h - 2 * abs(s), octaves=3) for _ in range(2)]
    column = 0.15 - 0.05 * np.minimum(h / 0.2, 1)
    y = MOUTH - h + 0.12 * loose * folds[0] + 0.03 * (1 - s**2) * (h < 0.1)
    x = (
        0.5
        + lean * h
        + column * (0.4 + 0.6 * s**2) * s
        + 0.16 * loose * (sway - sway[0])
        + 0.22 * loose**0.9 * folds[1]
    )

    shade = 0.5 + 0.2 * noise(rng, 2.5 * s, 7 * h, octaves=3)
    colours = np.empty((*x.shape, 4))
    colours[..., :3] = mix([0.56, 0.62, 0.72], [0.96, 0.94, 0.91], shade)
    colours[..., 3] = 0.01 * np.exp(-0.5 * h) + 0.08 * np.exp(-((h / 0.2) ** 2))
    draw_strokes(layer, canvas, np.stack([y, x], axis=2), 0.01 + 0.006 * loose, colours)


def _bowl(canvas):
    """Return the cover of a bowl's hollow, of the bowl, and of its part in front of the smoke."""
    y, x = canvas.y - MOUTH, canvas.x - 0.5
    half = 0.2 - 0.25 * np.maximum(y, 0) ** 1.5
    rim = 0.035 * (np.hypot(y / 0.035, x / 0.2) - 1)
    brink = 0.035 * np.sqrt(np.maximum(1 - (x / 0.2) ** 2, 0))
    side = abs(x) - half
    bowl = np.minimum(rim, np.maximum(side, -y))
    front = np.maximum(side, brink - y)
    return canvas.inside(rim + 0.005), canvas.inside(bowl), canvas.inside(front)


def _glaze(canvas, rng):
    across = (canvas.x - 0.5) / 0.2
    light = 0.35 + np.maximum(0.55 * np.sqrt(np.maximum(1 - across**2, 0)) - 0.35 * across, 0)
    light = light + 0.5 * np.exp(-(((across + 0.5) / 0.1) ** 2))  # a window in the glaze
    return (light * (1 + 0.06 * noise(rng, 30 * canvas.y, 12 * canvas.x, octaves=3)))[..., None]
