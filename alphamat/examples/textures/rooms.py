"""Rooms."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, letters, log_uniform, places
from alphamat.examples.brushes.fields import points, smooth
from alphamat.examples.brushes.outlines import SUBPIXEL, fixed
from alphamat.examples.brushes.palettes import palette
from alphamat.examples.painting import Canvas


def rooms(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint few large flat things with sharp edges in soft light: walls, furniture, signs."""
    light = 1 + 0.25 * smooth(canvas, rng, 1.5)
    picture = (palette(rng, 1)[0] * light[..., None]).astype(np.float32)
    count, skew = int(rng.integers(4, 40)), rng.normal(0, 0.15)
    for middle, colour in zip(places(canvas, rng, count), palette(rng, count), strict=True):
        _lay_box(picture, canvas, rng, middle, colour, skew)
    for _ in range(int(rng.integers(0, 6))):
        _write(picture, canvas, rng)
    return picture


def _lay_box(picture, canvas, rng, middle, colour, skew):
    """Lay a shaded or striped rectangle over the picture, aslant with the room, or on its own."""
    high, wide = log_uniform(rng, 0.016, 0.6), log_uniform(rng, 0.016, 0.6)
    angle = skew + (rng.uniform(0, math.pi) if chance(rng, 0.2) else 0)
    top, left = middle.tolist()
    part, near = canvas.window(top, left, 0.5 * math.hypot(high, wide) + canvas.pixel)
    y, x = points(near)
    y, x = y - top, x - left
    v, u = y * math.cos(angle) - x * math.sin(angle), x * math.cos(angle) + y * math.sin(angle)
    cover = near.inside(np.maximum(abs(v) - high / 2, abs(u) - wide / 2))
    down, along = rng.normal(0, 0.3, 2).tolist()
    light = 1 + down * y + along * x
    if chance(rng, 0.12):
        stripes = v if chance(rng, 0.5) else u
        light *= 0.7 + 0.3 * np.sin(2 * math.pi / log_uniform(rng, 0.008, 0.08) * stripes)
    picture[part] += cover[..., None] * (colour * light[..., None] - picture[part])


def _write(picture, canvas, rng):
    import cv2

    ink = np.zeros(picture.shape[:2], np.uint8)
    corner = (fixed(canvas, places(canvas, rng, 1, -0.05))[0] >> SUBPIXEL).tolist()
    scale = log_uniform(rng, 0.0008, 0.01) / canvas.pixel
    thick = max(1, int(log_uniform(rng, 0.002, 0.016) / canvas.pixel))
    font = int(rng.integers(0, 8))
    cv2.putText(ink, letters(rng, 11), corner, font, scale, 255, thick, cv2.LINE_AA)
    picture += (ink / np.float32(255))[..., None] * (palette(rng, 1)[0] - picture)
