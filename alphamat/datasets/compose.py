"""Layers put over backgrounds, as Adobe's script for Composition-1k does it."""

from __future__ import annotations

import math

import numpy as np


def cover(background: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the upper left of an 8-bit background, enlarged where it is too small.

    Both directions are scaled alike, by the least factor that covers `height` × `width`, with
    Pillow's bicubic filter.
    """
    from PIL import Image

    rows, columns = background.shape[:2]
    ratio = max(width / columns, height / rows)
    if ratio > 1:
        enlarged = math.ceil(columns * ratio), math.ceil(rows * ratio)
        picture = Image.fromarray(background).resize(enlarged, Image.Resampling.BICUBIC)
        background = np.asarray(picture)
    return background[:height, :width]


def blend(foreground: np.ndarray, alpha: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Compose 8-bit layers in double precision, and cut off the fractions."""
    opacity = alpha[..., None] / 255
    return (opacity * foreground + (1 - opacity) * background).astype(np.uint8)
