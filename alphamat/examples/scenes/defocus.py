"""A flower out of focus."""

from __future__ import annotations

import numpy as np

from alphamat.examples.painting import Canvas, draw_strokes, lay, mix, noise

FLOWERS = [  # petals and heart
    ([0.98, 0.97, 0.95], [0.95, 0.72, 0.10]),
    ([1.00, 0.80, 0.15], [0.32, 0.18, 0.08]),
    ([0.90, 0.42, 0.60], [0.95, 0.80, 0.30]),
    ([0.62, 0.50, 0.90], [0.85, 0.70, 0.20]),
]


def defocus(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a flower too near for the lens, which spreads each point of it over a disc.

    Alpha is the share of the disc that the flower fills.
    """
    from scipy.signal import oaconvolve

    radius = rng.uniform(0.014, 0.026)
    reach = int(np.ceil(radius / canvas.pixel)) + 1
    span = canvas.pixel * np.arange(-reach, reach + 1)
    disc = canvas.inside(np.hypot(span[:, None], span) - radius)
    layer = np.pad(_flower(canvas, rng), ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    blurred = [
        oaconvolve(layer[..., channel], disc / disc.sum(), mode="valid") for channel in range(4)
    ]
    return np.clip(np.stack(blurred, axis=2), 0, 1)


def _flower(canvas, rng):
    middle = np.array([rng.uniform(0.40, 0.46), rng.uniform(0.44, 0.56)])
    petal, heart = np.array(FLOWERS[rng.integers(len(FLOWERS))])
    green = mix([0.16, 0.30, 0.08], [0.30, 0.45, 0.16], rng.uniform())
    layer = canvas.blank()
    t = np.linspace(0, 1, 60)
    stem = middle + np.stack([1.2 * t, rng.uniform(-0.4, 0.4) * t * (1 - t)], axis=1)
    draw_strokes(layer, canvas, stem[None], 0.045, [*green, 1])
    count = int(rng.integers(11, 18))
    for turn in (rng.permutation(count) + rng.uniform(-0.2, 0.2, count)) / count:
        _lay_petal(layer, canvas, middle, 2 * np.pi * turn, rng.uniform(0.28, 0.34), petal)
    y, x = canvas.y - middle[0], canvas.x - middle[1]
    far = np.hypot(y, x)
    dome = np.clip(0.55 + 2.5 * (0.1 - far) - 2 * (x + y), 0.3, 1.2)
    seeds = 1 + 0.2 * noise(rng, 60 * canvas.y, 60 * canvas.x)
    lay(layer, (dome * seeds)[..., None] * heart, canvas.inside(far - 0.105))
    return layer


def _lay_petal(layer, canvas, middle, angle, length, colour):
    toward = np.array([np.sin(angle), np.cos(angle)])
    part, near = canvas.window(*(middle + 0.5 * length * toward), 0.5 * length + 0.02)
    y, x = near.y - middle[0], near.x - middle[1]
    along = (y * toward[0] + x * toward[1]) / length
    across = x * toward[0] - y * toward[1]
    half = 0.107 * np.sqrt(np.maximum(along * (1.9 - along) * (1 - along), 0)) + 1e-6
    ridges = 0.06 * np.cos(9 * np.clip(across / half, -1, 1))
    light = 0.72 + 0.22 * along + ridges + 0.12 * np.sin(angle + 4)
    outside = np.maximum(abs(across) - half, length * (abs(along - 0.5) - 0.5))
    lay(layer[part], light[..., None] * colour, near.inside(outside))
