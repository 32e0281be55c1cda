"""A head of long hair."""

from __future__ import annotations

import numpy as np

from alphamat.examples.painting import Canvas, draw_strokes, mix, noise
from alphamat.examples.scenes.strands import lay_ellipsoid, lit, unit

HEAD = np.array([[0.33, 0.50, 0.00], [0.17, 0.14, 0.16]])  # centre and radii
NECK = np.array([[0.56, 0.50, 0.00], [0.16, 0.075, 0.07]])
SHOULDERS = np.array([[1.07, 0.50, -0.04], [0.40, 0.40, 0.16]])
DYES = [  # dark and light
    ([0.05, 0.035, 0.03], [0.36, 0.27, 0.22]),
    ([0.16, 0.08, 0.04], [0.58, 0.36, 0.22]),
    ([0.34, 0.11, 0.04], [0.85, 0.42, 0.18]),
    ([0.42, 0.29, 0.14], [0.94, 0.80, 0.55]),
    ([0.35, 0.34, 0.34], [0.88, 0.87, 0.85]),
]


def hair(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint long hair, seen from behind, in some wind: locks, gaps, and strands that stand off."""
    dark, light = np.array(DYES[rng.integers(len(DYES))])
    cloth = mix([0.18, 0.20, 0.32], [0.55, 0.25, 0.22], rng.uniform())
    nodes, astray = _locks(rng)
    t = np.linspace(0, 1, nodes.shape[1])
    tone = rng.uniform(0.3, 1.0, (len(nodes), 1)) * (0.6 + 0.4 * t)
    colours = lit(mix(dark, light, tone), nodes, gloss=0.5)
    widths = np.where(astray, 0.0012, 0.0018)[:, None] * np.minimum(1, 4 * (1.02 - t))

    depth = nodes[..., 2].mean(axis=1)
    order = np.argsort(depth)
    behind, before = np.split(order, [np.searchsorted(depth[order], 0)])
    layer = canvas.blank()
    draw_strokes(layer, canvas, nodes[behind, :, :2], widths[behind], colours[behind])
    for (centre, radii), colour in ((NECK, 0.9 * dark), (SHOULDERS, cloth), (HEAD, 0.9 * dark)):
        lay_ellipsoid(layer, canvas, centre, radii, colour)
    draw_strokes(layer, canvas, nodes[before, :, :2], widths[before], colours[before])
    return layer


def _locks(rng):
    """Return strands that fall from the head in locks, (n, m, 3), and which of them go astray."""
    count, steps, locks = 6000, 72, 150
    length, wind = rng.uniform(0.5, 0.75), rng.uniform(-0.7, 0.7)
    curl, turns = rng.uniform(0.0, 0.022), rng.uniform(1.5, 4.5)

    roots = rng.standard_normal((count, 3))
    roots[:, 0] = 0.3 - abs(roots[:, 0])  # on the upper half
    roots = unit(roots)
    lock = np.argmax(roots @ roots[:locks].T, axis=1)  # that of the nearest leader
    astray = rng.uniform(size=count) < 0.04
    free = astray.astype(float)
    gust = 0.6 + 0.3 * rng.standard_normal(locks)[lock] + 0.15 * rng.standard_normal(count)
    pull = (0.3 - 0.2 * free) * np.stack([np.ones(count), wind * gust, np.zeros(count)])
    lift = (0.03 + 0.06 * free) * rng.uniform(size=count) ** 1.5
    lengths = length * rng.uniform(0.7, 1.05, count) * (1 - 0.3 * free)
    sprout = (0.3 + 0.7 * free)[:, None] * roots
    nodes = _fallen(roots, sprout, pull.T, lift[:, None], lengths[:, None] / steps, steps)

    t = np.linspace(0, 1, steps)
    gather = rng.uniform(0.35, 0.8, (count, 1)) * t**1.2 * (1 - 0.8 * free)[:, None]
    nodes += gather[..., None] * (nodes[lock] - nodes)
    phase = rng.uniform(0, 2 * np.pi, locks)[lock] + rng.normal(0, 0.4, count)
    swing = 2 * np.pi * turns * t * (lengths / length)[:, None] + phase[:, None]
    reach = curl * rng.uniform(0.5, 1.5, (count, 1)) * np.minimum(3 * t, 1)
    drift = (0.004 + 0.02 * free)[:, None] * t * noise(rng, 1.7 * np.arange(count)[:, None], 4 * t)
    nodes[..., 1] += reach * np.sin(swing) + drift
    nodes[..., 2] += reach * np.cos(swing)
    return nodes, astray


def _fallen(roots, heading, pull, lift, step, steps):
    """Let strands grow from the head, and slide off it and the shoulders; (n, steps, 3).

    They set out along `heading`, which `pull` bends, and keep `lift` away from the skin.
    """
    nodes = [HEAD[0] + HEAD[1] * roots]
    for _ in range(steps - 1):
        at = nodes[-1] + step * unit(heading + pull)
        for centre, radii in (HEAD, SHOULDERS):
            out = (at - centre) / radii
            far = np.linalg.norm(out, axis=1, keepdims=True)
            at += np.maximum((1 + lift / radii.min()) / far - 1, 0) * out * radii
        heading = unit(at - nodes[-1])
        nodes.append(at)
    return np.stack(nodes, axis=1)
