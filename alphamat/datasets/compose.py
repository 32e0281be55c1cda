"""8-bit foregrounds put over backgrounds, by the script of Composition-1k."""

from __future__ import annotations

import math

import numpy as np


def cover(background: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the upper left of an 8-bit background, enlarged where it is too small.

    Height and width are scaled by the same factor, the least that covers `height` × `width`, with
    Pillow's bicubic filter.

    Examples
    --------
    >>> cover(np.zeros((4, 9, 3), np.uint8), 5, 7).shape
    (5, 7, 3)
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
    """Blend 8-bit layers in double precision, and truncate to whole levels.

    Examples
    --------
    200 over 100 is 150.2 where alpha is 128 of 255:

    >>> foreground, background = np.full((2, 1, 1, 3), [[[[200]]], [[[100]]]], np.uint8)
    >>> blend(foreground, np.full((1, 1), 128, np.uint8), background).tolist()
    [[[150, 150, 150]]]
    """
    opacity = alpha[..., None] / 255
    return (opacity * foreground + (1 - opacity) * background).astype(np.uint8)
