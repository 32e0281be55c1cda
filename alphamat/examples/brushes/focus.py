"""Lenses and motion, for pictures and layers."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform
from alphamat.examples.brushes.fields import smooth
from alphamat.examples.brushes.palettes import blend
from alphamat.examples.painting import Canvas

WIDEST = 3.5  # pixels; what is spread further is made smaller before


def soften(canvas: Canvas, picture: np.ndarray, sigma: float) -> np.ndarray:
    """Return a picture after a Gaussian."""
    import cv2

    def spread(small, radius):
        return cv2.GaussianBlur(small, (0, 0), radius, borderType=cv2.BORDER_REFLECT)

    return _spread(picture, sigma / canvas.pixel, spread)


def defocus(canvas: Canvas, picture: np.ndarray, radius: float) -> np.ndarray:
    """Return a picture of which a lens spreads each point over a disc."""
    import cv2

    def spread(small, radius):
        reach = np.arange(-math.ceil(radius), math.ceil(radius) + 1, dtype=np.float32)
        disc = np.clip(radius + 0.5 - np.hypot(reach[:, None], reach), 0, 1)
        return cv2.filter2D(small, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT)

    return _spread(picture, radius / canvas.pixel, spread)


def _spread(picture, radius, spread):
    import cv2

    picture = np.ascontiguousarray(picture, np.float32)
    if radius < 0.3:
        return picture
    height, width = picture.shape[:2]
    halvings = max(0, math.ceil(math.log2(radius / WIDEST)))
    small = max(width >> halvings, 1), max(height >> halvings, 1)
    if halvings:
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    picture = spread(picture, radius / 2**halvings)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)


def motion(canvas: Canvas, picture: np.ndarray, length: float, angle: float) -> np.ndarray:
    """Return a picture that moved while it was taken: the mean along a line."""
    import cv2

    height, width = picture.shape[:2]
    picture = np.ascontiguousarray(picture, np.float32)
    step = 0.5 * length / canvas.pixel
    while step > 0.5:
        shift = np.array([[1, 0, step * math.cos(angle)], [0, 1, step * math.sin(angle)]])
        moved = cv2.warpAffine(picture, shift, (width, height), borderMode=cv2.BORDER_REFLECT)
        picture, step = 0.5 * (picture + moved), 0.5 * step
    return picture


def varied_focus(canvas: Canvas, rng: np.random.Generator, layer: np.ndarray) -> np.ndarray:
    """Return a layer that is sharp, more often than not; or out of focus, or moved."""
    how = rng.uniform()
    if how < 0.15:
        layer = defocus(canvas, layer, log_uniform(rng, 0.0012, 0.018))
    elif how < 0.25:
        layer = soften(canvas, layer, log_uniform(rng, 0.0008, 0.012))
    elif how < 0.32:
        layer = motion(canvas, layer, log_uniform(rng, 0.006, 0.08), rng.uniform(0, math.pi))
    elif how < 0.42:  # nearer to the lens here than there
        depth = np.clip(0.5 + smooth(canvas, rng, 1.5), 0, 1)
        layer = blend(layer, defocus(canvas, layer, log_uniform(rng, 0.003, 0.018)), depth)
    return layer


def lit(canvas: Canvas, rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Return a picture in uneven light, mostly."""
    if chance(rng, 0.4):
        return picture
    light = 1 + rng.uniform(0.05, 0.35) * smooth(canvas, rng, rng.uniform(0.8, 3))
    return picture * light[..., None]
