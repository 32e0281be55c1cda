"""Looks at a picture from farther away, where the network cannot decide from near.

The network sees 224 pixels around. A wide and translucent area has nothing known within, and the
network calls it grey. In half the size the same area is small. What is more decided there, by the
mean of 4 α (1 - α) in a window, moves alpha; details stay those of the full size.
"""

from __future__ import annotations

import numpy as np

from alphamat.network.matting import REACH, estimate_alpha
from alphamat.network.unet import Weights
from alphamat.trimap import Trimap
from alphamat.trimap.widths import distance_to

WINDOW = 33  # pixels of the smaller picture
MARGIN, SLOPE = 0.05, 0.1  # how much more decided counts, and from where on it counts in full
NEAR, FAR = 4, 10  # pixels of the smaller picture: nearer to known ones than this alpha stays


def estimate_by_looks(
    image: np.ndarray, trimap: Trimap, weights: Weights, *, looks: int
) -> np.ndarray:
    """Return alpha (H, W) in [0, 1] of an image (H, W, 3), from up to `looks` sizes of it.

    Each is half the one before. A picture with no more than 224 pixels a side has one size, and so
    has one where no unknown pixel lies far from known ones.
    """
    alpha = estimate_alpha(image, trimap, weights)
    if looks == 1 or min(alpha.shape) <= REACH:
        return alpha
    coarse = Trimap(*(halved(part) > 1 - 1e-6 for part in trimap))
    far = np.clip((distance_to(coarse.known) - NEAR) / (FAR - NEAR), 0, 1)
    near = halved(alpha)
    doubt = greyness(near, coarse.unknown)
    if not (far * (doubt > MARGIN)).any():
        return alpha
    farther = estimate_by_looks(halved(image), coarse, weights, looks=looks - 1)
    gain = doubt - greyness(farther, coarse.unknown)
    weight = far * np.clip((gain - MARGIN) / SLOPE, 0, 1)
    moved = alpha + _enlarged(weight * (farther - near), alpha.shape)
    return np.where(trimap.unknown, np.clip(moved, 0, 1), alpha)


def halved(field: np.ndarray) -> np.ndarray:
    """Return the means of a field (H, W) or (H, W, 3) over the pixels of half its size."""
    import cv2

    height, width = field.shape[:2]
    size = width // 2, height // 2
    return cv2.resize(field.astype(np.float64), size, interpolation=cv2.INTER_AREA)


def greyness(alpha: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """Return the mean of 4 α (1 - α) over the unknown pixels around each: 0 is decided."""
    import cv2

    def sums(field: np.ndarray) -> np.ndarray:
        size = WINDOW, WINDOW
        return cv2.boxFilter(
            field * unknown, -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT
        )

    return sums(4 * alpha * (1 - alpha)) / np.maximum(sums(np.ones_like(alpha)), 1)


def _enlarged(field: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    import cv2

    return cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
