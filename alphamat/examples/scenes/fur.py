"""A furry animal."""

from __future__ import annotations

import numpy as np

from alphamat.examples.painting import Canvas, draw_strokes, lay, mix, noise
from alphamat.examples.scenes.strands import LIGHT, lay_ellipsoid, lit, unit

COATS = [  # pale and dark
    ([0.92, 0.78, 0.60], [0.62, 0.32, 0.12]),
    ([0.88, 0.86, 0.84], [0.28, 0.27, 0.27]),
    ([0.70, 0.58, 0.44], [0.20, 0.14, 0.10]),
    ([0.97, 0.95, 0.90], [0.72, 0.66, 0.58]),
]
FACE = np.array([0.58, 0.50, 0.24])  # hairs point away from here


def fur(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a furry animal that looks at you, with whiskers."""
    pale, dark = np.array(COATS[rng.integers(len(COATS))])
    iris = mix([0.95, 0.70, 0.15], [0.45, 0.75, 0.45], rng.uniform())
    stripes, fluff, ear = rng.uniform(0, 1.5), rng.uniform(0.8, 1.3), rng.uniform(0.09, 0.15)
    layer = canvas.blank()
    for centre, radii, count, length in [
        ([1.12, 0.50, -0.15], [0.52, 0.33, 0.22], 9000, 0.10),  # body
        ([0.28, 0.35, -0.04], [ear, 0.065, 0.04], 1500, 0.05),  # ears
        ([0.28, 0.65, -0.04], [ear, 0.065, 0.04], 1500, 0.05),
        ([0.50, 0.50, 0.00], [0.21, 0.24, 0.20], 12000, 0.07),  # head
        ([0.60, 0.50, 0.17], [0.085, 0.105, 0.07], 2500, 0.03),  # muzzle
    ]:
        roots, nodes = _hairs(rng, np.array(centre), np.array(radii), count, fluff * length)
        t = np.linspace(0, 1, nodes.shape[1])
        tone = _pattern(rng, nodes[:, 0], stripes)[:, None] - 0.5 * t
        colours = lit(mix(pale, dark, tone), nodes, gloss=0.25)
        colours[..., :3] *= (0.55 + 0.45 * np.maximum(roots @ LIGHT, 0))[:, None, None]
        lay_ellipsoid(layer, canvas, centre, 0.98 * np.array(radii), 0.2 * pale + 0.5 * dark)
        draw_strokes(layer, canvas, nodes[..., :2], 0.003 * (1.05 - t), colours)
    _lay_face(layer, canvas, iris)
    _draw_whiskers(layer, canvas, rng)
    return layer


def _hairs(rng, centre, radii, count, length):
    """Return the directions of hairs' roots from the centre of a body, and nodes, (n, m, 3)."""
    roots = rng.standard_normal((count, 3))
    roots[:, 2] = abs(roots[:, 2]) - 0.05  # only those that are visible
    roots = unit(roots)
    roots = roots[np.argsort(roots[:, 2])]
    skin = centre + radii * roots
    heading = 0.7 * unit(roots / radii) + unit(skin - FACE) + rng.normal(0, 0.2, (count, 3))
    t = np.linspace(0, 1, 9)[:, None]
    bend = t * unit(heading)[:, None] + t**2 * [0.45, 0, 0]
    return roots, skin[:, None] + length * rng.uniform(0.5, 1.25, (count, 1, 1)) * bend


def _pattern(rng, skin, stripes):
    """Return how dark the coat is at points of the skin, (n,): patches, stripes, a pale muzzle."""
    y, x = skin[:, 0], skin[:, 1]
    patches = 0.5 + 0.4 * noise(rng, 7 * y, 7 * x) + rng.normal(0, 0.2, len(skin))
    bands = stripes * np.sin(40 * y + 3 * noise(rng, 4 * y, 4 * x))
    return patches + bands - np.maximum(4 - 25 * np.linalg.norm(skin - FACE, axis=1), 0)


def _lay_face(layer, canvas, iris):
    for x in (0.41, 0.59):
        lay_ellipsoid(layer, canvas, (0.46, x), (0.040, 0.043), [0.06, 0.05, 0.05])
        lay_ellipsoid(layer, canvas, (0.46, x), (0.035, 0.038), iris)
        lay_ellipsoid(layer, canvas, (0.46, x), (0.027, 0.018), [0.02, 0.02, 0.02])
        glint = np.hypot(canvas.y - 0.447, canvas.x - x + 0.011) - 0.007
        lay(layer, [1, 1, 1], canvas.inside(glint))
    lay_ellipsoid(layer, canvas, (0.565, 0.5), (0.022, 0.032), [0.25, 0.14, 0.13])


def _draw_whiskers(layer, canvas, rng):
    side, rise = np.repeat([-1, 1], 5)[:, None], np.tile(np.linspace(-0.09, 0.06, 5), 2)[:, None]
    t = np.linspace(0, 1, 40)
    y = 0.60 + 0.3 * rise + (rise + rng.normal(0, 0.01, (10, 1))) * t + 0.06 * t**2
    x = 0.5 + side * (0.06 + rng.uniform(0.25, 0.36, (10, 1)) * t)
    nodes = np.stack([y, x], axis=2)
    draw_strokes(layer, canvas, nodes, 0.0026 * (1.05 - t), [0.93, 0.92, 0.90, 0.9])
