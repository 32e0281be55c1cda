"""What becomes of a trimap of 0, 128 and 255 as a network's input."""

from __future__ import annotations

import numpy as np

NEAR_WIDTHS = 6.4, 25.6, 51.2  # pixels: 2, 8 and 16 % of the 320 that FBA was trained on


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


def known_parts(trimap: np.ndarray) -> np.ndarray:
    """(H, W) uint8 → (H, W, 2): background and foreground, each 0 or 1."""
    return (trimap[..., None] == np.array([0, 255])).astype(np.float32)


def known_and_near(trimap: np.ndarray) -> np.ndarray:
    """(H, W) uint8, or the (H, W, 2) of `lanczos_parts` → (H, W, 8), as FBA takes it.

    The background and the foreground come first, then how near the background is, then how near
    the foreground is. Near is exp(-d² / 2 w²) at a distance of d pixels, for each of `NEAR_WIDTHS`.
    """
    known = trimap if trimap.ndim == 3 else known_parts(trimap)
    return np.concatenate([known, *(nearness(part) for part in np.moveaxis(known, -1, 0))], axis=-1)


def nearness(part: np.ndarray) -> np.ndarray:
    """(H, W) → (H, W, 3) by `NEAR_WIDTHS`; 0 where there is no such part."""
    import cv2

    if not part.any():
        return np.zeros((*part.shape, len(NEAR_WIDTHS)), np.float32)
    # As in 8 bits: resized edges that miss 1 by a level lie outside the part.
    outside = (np.abs(1 - part) * 255 >= 1).astype(np.uint8)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.exp(-np.square(distance[..., None] / np.array(NEAR_WIDTHS, np.float32)) / 2)


ENCODINGS = {encode.__name__: encode for encode in (levels, raw_levels, one_hot, known_and_near)}
