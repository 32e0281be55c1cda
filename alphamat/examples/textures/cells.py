"""Voronoi cells."""

from __future__ import annotations

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform
from alphamat.examples.brushes.fields import bend
from alphamat.examples.brushes.palettes import palette
from alphamat.examples.painting import Canvas


def cells(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint cells around points, as of pebbles, scales, cracked earth or stained glass."""
    import cv2

    height, width = canvas.y.size, canvas.x.size
    count = int(log_uniform(rng, 20, 4000))
    seeds = (rng.uniform(size=(count, 2)) * [height, width]).astype(int)
    free = np.full((height, width), 255, np.uint8)
    free[seeds[:, 0], seeds[:, 1]] = 0
    far, cell = cv2.distanceTransformWithLabels(
        free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    picture = np.take(palette(rng, count + 1), cell.astype(np.intp), axis=0)
    if chance(rng, 0.7):
        rise = rng.choice([-1, 1]) * rng.uniform(0, 0.6)
        picture *= (1 + rise * (far / (2 * far.mean() + 1e-6) - 0.5))[..., None]
    return bend(canvas, rng, picture, 0.1) if chance(rng, 0.7) else picture
