"""Outlines of bodies: how far each pixel lies outside, (H, W), negative inside."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, letters, log_uniform, places
from alphamat.examples.brushes.fields import bend, fractal, points
from alphamat.examples.painting import Canvas

SUBPIXEL = 4  # bits of OpenCV's coordinates
TRIES = 12


def outline(canvas: Canvas, rng: np.random.Generator, size: float = 0.0) -> np.ndarray:
    """Return a body of any form; `size` is about its radius, by chance by default.

    Bodies that nearly fill the picture, or hardly reach into it, are drawn again.
    """
    forms = (_blob, _blob, _union, _stains, _side, _star, _limbs, _word)
    mask = np.zeros((canvas.y.size, canvas.x.size), np.uint8)
    for _ in range(TRIES):
        form = forms[rng.integers(len(forms))]
        mask = form(canvas, rng, size or rng.uniform(0.15, 0.45))
        inside = mask > 0
        if inside.sum() * canvas.pixel**2 > 0.06 and inside.mean() < 0.75:
            break
    return distance(canvas, mask)


def distance(canvas: Canvas, mask: np.ndarray) -> np.ndarray:
    """Return how far pixels lie outside a mask, whose edge is rounded by a pixel."""
    import cv2

    out = cv2.distanceTransform(255 - mask, cv2.DIST_L2, 5)
    out = np.minimum(out - cv2.distanceTransform(mask, cv2.DIST_L2, 5), 1e4)
    return canvas.pixel * cv2.GaussianBlur(out, (0, 0), 1, borderType=cv2.BORDER_REFLECT)


def blob(rng: np.random.Generator, middle: np.ndarray, radius: float) -> np.ndarray:
    """Return a contour around `middle`, (n, 2), that a few waves dent."""
    turn = np.linspace(0, 2 * math.pi, 200, endpoint=False)
    far, rough = np.ones_like(turn), rng.uniform(0.05, 0.5)
    for wave in range(1, int(rng.integers(2, 14))):
        height = rough / wave ** rng.uniform(0.8, 1.6) * rng.normal()
        far += height * np.cos(wave * turn + rng.uniform(0, 2 * math.pi))
    far = radius * np.clip(far, 0.12, 2.5)
    around = np.stack([far * np.sin(turn) * rng.uniform(0.5, 1), far * np.cos(turn)], axis=1)
    c, s = math.cos(angle := rng.uniform(0, 2 * math.pi)), math.sin(angle)
    return middle + around @ np.array([[c, -s], [s, c]])


def filled(canvas: Canvas, *contours: np.ndarray) -> np.ndarray:
    """Return a mask of what lies within any of the contours, 0 or 255."""
    import cv2

    mask = np.zeros((canvas.y.size, canvas.x.size), np.uint8)
    for contour in contours:
        cv2.fillPoly(mask, [fixed(canvas, contour)], 255, cv2.LINE_8, SUBPIXEL)
    return mask


def fixed(canvas, nodes):
    """Return points, (n, 2), as x and y in OpenCV's integers."""
    pixels = (nodes - np.array([canvas.y[0, 0], canvas.x[0, 0]])) / canvas.pixel
    return np.round(np.clip(pixels[:, ::-1], -2000, 20_000) * 2**SUBPIXEL).astype(np.int32)


def _lined(canvas, mask, nodes, widths):
    import cv2

    thick = np.maximum(np.round(np.asarray(widths) / canvas.pixel), 1).astype(int)
    for first, second, pixels in zip(nodes[:-1], nodes[1:], thick, strict=False):
        ends = fixed(canvas, np.stack([first, second]))
        cv2.line(mask, ends[0].tolist(), ends[1].tolist(), 255, int(pixels), cv2.LINE_8, SUBPIXEL)


def _blob(canvas, rng, size):
    return filled(canvas, blob(rng, places(canvas, rng, 1, 0.2)[0], size))


def _union(canvas, rng, size):
    middle = places(canvas, rng, 1, 0.2)[0]
    others = middle + rng.normal(0, 0.7 * size, (int(rng.integers(1, 6)), 2))
    sizes = size * rng.uniform(0.15, 0.7, len(others))
    parts = [blob(rng, other, part) for other, part in zip(others, sizes, strict=True)]
    mask = filled(canvas, blob(rng, middle, 0.7 * size), *parts)
    for other in others:
        _lined(canvas, mask, np.stack([middle, other]), [rng.uniform(0.008, 0.12)])
    return mask


def _stains(canvas, rng, size):
    gain, octaves = rng.uniform(0.3, 0.65), int(rng.integers(1, 6))
    field = fractal(canvas, rng, rng.uniform(1.2, 5), octaves, gain)
    return np.where(field > rng.uniform(0, 1.2) - size, 255, 0).astype(np.uint8)


def _side(canvas, rng, size):
    """Return a body that enters from a side."""
    y, x = points(canvas)
    middle, angle = places(canvas, rng, 1, 0.2)[0], rng.uniform(0, 2 * math.pi)
    rough = fractal(canvas, rng, rng.uniform(1.5, 6), int(rng.integers(1, 6)))
    inwards = (y - middle[0]) * math.sin(angle) + (x - middle[1]) * math.cos(angle)
    return np.where(inwards + 0.4 * size * rough > 0, 255, 0).astype(np.uint8)


def _star(canvas, rng, size):
    count = int(rng.integers(3, 12))
    turn = np.linspace(0, 2 * math.pi, count, endpoint=False) + rng.uniform(0, 1)
    if chance(rng, 0.5):
        turn = np.sort(rng.uniform(0, 2 * math.pi, count))
    far = rng.uniform(0.3, 1.2, count) if chance(rng, 0.6) else np.ones(count)
    around = size * far[:, None] * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    return filled(canvas, places(canvas, rng, 1, 0.2)[0] + around)


def _limbs(canvas, rng, size):
    middle, steps = places(canvas, rng, 1, 0.2)[0], 8
    mask = filled(canvas, blob(rng, middle, 0.6 * size))
    for _ in range(int(rng.integers(2, 8))):
        turn = rng.uniform(0, 2 * math.pi) + np.cumsum(rng.normal(0, 0.25, steps))
        step = size * rng.uniform(0.1, 0.3)
        along = np.cumsum(np.stack([np.sin(turn), np.cos(turn)], axis=1), axis=0)
        width = log_uniform(rng, 0.006, 0.1) * np.linspace(1, 0.4, steps)
        _lined(canvas, mask, middle + step * along, width)
    return mask


def _word(canvas, rng, size):
    import cv2

    mask = np.zeros((canvas.y.size, canvas.x.size), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        corner = fixed(canvas, places(canvas, rng, 1, 0.1))[0] >> SUBPIXEL
        scale = size / canvas.pixel / 20 * log_uniform(rng, 0.5, 1.5)  # letters are 20 high
        thick = max(1, int(log_uniform(rng, 0.008, 0.09) / canvas.pixel))
        font = int(rng.integers(0, 8))
        cv2.putText(mask, letters(rng, 4), corner.tolist(), font, scale, 255, thick, cv2.LINE_8)
    return np.where(bend(canvas, rng, mask) > 127, 255, 0).astype(np.uint8)
