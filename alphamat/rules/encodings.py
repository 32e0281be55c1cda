"""What becomes of a trimap of 0, 128 and 255 as a network's input."""

from __future__ import annotations

import numpy as np


def levels(trimap: np.ndarray) -> np.ndarray:
    """(H, W) uint8 → (H, W, 1) in [0, 1]."""
    return trimap[..., None] / np.float32(255)


def raw_levels(trimap: np.ndarray) -> np.ndarray:
    """(H, W) uint8 → (H, W, 1) in 0 … 255."""
    return trimap[..., None].astype(np.float32)


def one_hot(trimap: np.ndarray) -> np.ndarray:
    """(H, W) uint8 → (H, W, 3): background, unknown, foreground, each 0 or 1."""
    third = np.digitize(trimap, (85, 170))
    return (third[..., None] == np.arange(3)).astype(np.float32)


ENCODINGS = {encode.__name__: encode for encode in (levels, raw_levels, one_hot)}
