"""Glass."""

from __future__ import annotations

import numpy as np

from alphamat.examples.painting import Canvas, lay, noise

TINTS = [[0.16, 0.45, 0.22], [0.55, 0.28, 0.06], [0.15, 0.32, 0.62], [0.72, 0.80, 0.80]]
LINES = [  # on the label: height, half width, half thickness
    (0.575, 0.17, 0.003),
    (0.640, 0.11, 0.016),
    (0.690, 0.14, 0.006),
    (0.760, 0.08, 0.004),
    (0.805, 0.17, 0.003),
]


def glass(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a bottle of tinted glass, half full, with label and cork.

    Alpha is one constant where it is empty, another where it is full, and more along its sides and
    where it shines.
    """
    y, x = canvas.y, canvas.x
    tint = np.array(TINTS[rng.integers(len(TINTS))])
    clear, full, level = rng.uniform(0.25, 0.45), rng.uniform(0.65, 0.85), rng.uniform(0.40, 0.52)
    shoulder = 1 / (1 + np.exp(np.minimum(-(y - 0.34) / 0.025, 700)))  # far above it is zero
    half = 0.065 + 0.155 * shoulder
    slope = 6.2 * shoulder * (1 - shoulder)
    outside = np.maximum((abs(x - 0.5) - half) / np.hypot(1, slope), 0.10 - y)
    across = (x - 0.5) / half

    layer = canvas.blank()
    body = canvas.inside(outside)
    lay(layer, tint, clear * body)
    lay(layer, 0.7 * tint, full * canvas.inside(np.maximum(outside + 0.008, level - y)))
    lay(layer, 0.35 * tint, 0.75 * body * np.clip(1 + outside / 0.02, 0, 1) ** 2)
    shine = np.exp(-(((across + 0.62) / 0.1) ** 2)) + 0.5 * np.exp(-(((across - 0.7) / 0.06) ** 2))
    lay(layer, [0.95, 0.97, 1.0], 0.6 * shine * canvas.inside(outside + 0.015, 0.02))
    round_ = 0.55 + 0.45 * np.sqrt(np.maximum(1 - across**2, 0)) - 0.15 * across
    _lay_label(layer, canvas, rng, round_, tint)
    cork = np.maximum(abs(x - 0.5) - 0.08, abs(y - 0.09) - 0.07)
    wood = round_ + 0.12 * noise(rng, 40 * y, 40 * x, octaves=2)
    lay(layer, wood[..., None] * [0.66, 0.47, 0.30], canvas.inside(cork))
    return layer


def _lay_label(layer, canvas, rng, round_, tint):
    y, x = canvas.y, canvas.x
    paper, ink = [
        (np.array([0.93, 0.90, 0.82]), 0.8 * tint),
        (np.array([0.15, 0.22, 0.20]), np.array([0.85, 0.75, 0.50])),
    ][rng.integers(2)]
    light = (round_ + 0.02 * noise(rng, 50 * y, 50 * x))[..., None]
    lay(layer, light * paper, canvas.inside(np.maximum(abs(x - 0.5) - 0.222, abs(y - 0.69) - 0.15)))
    for height, wide, high in LINES:
        line = np.maximum(abs(x - 0.5) - wide, abs(y - height) - high)
        lay(layer, light * ink, 0.9 * canvas.inside(line))
