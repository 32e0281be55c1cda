"""JPEG: what it loses, with colours at half the size (4:2:0)."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from alphamat_deep.training.bank.colours import Colours, mixed

# ITU-T T.81, annex K: steps of brightness and of colour.
BRIGHTNESS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
COLOUR = np.full((8, 8), 99, np.float32)
COLOUR[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]

TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
FROM_YCC = np.linalg.inv(TO_YCC).astype(np.float32)

FREQUENCY, PLACE = np.mgrid[:8, :8]
COSINES = np.cos((2 * PLACE + 1) * FREQUENCY * np.pi / 16) * np.where(FREQUENCY == 0, 0.5**0.5, 1)
COSINES = (COSINES / 2).astype(np.float32)
"""The discrete cosine transform of eight numbers, an orthogonal matrix."""


def jpeg(image: Colours, quality: Array | float) -> Colours:
    """Return a picture of sides that are multiples of 16 as it is read from a JPEG file.

    Quality is that of libjpeg, 1 … 100. Colours at half the size are repeated, not interpolated.
    """
    scale = jnp.where(quality < 50, 50 / quality, 2 - quality / 50)
    side, across, _ = image.shape
    ycc = 255 * mixed(image, TO_YCC.astype(np.float32))
    y = coarse(ycc[..., 0] - 128, BRIGHTNESS, scale) + 128
    half = ycc[..., 1:].reshape(side // 2, 2, across // 2, 2, 2).mean((1, 3))
    colours = [coarse(half[..., at], COLOUR, scale).repeat(2, 0).repeat(2, 1) for at in (0, 1)]
    return jnp.clip(mixed(jnp.stack([y, *colours], -1), FROM_YCC) / 255, 0, 1)


def coarse(plane: Float[Array, "H W"], steps: np.ndarray, scale: Array) -> Float[Array, "H W"]:
    """Round the frequencies of each 8 × 8 block to multiples of their steps."""
    height, width = plane.shape
    blocks = plane.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2)
    steps_ = jnp.clip(jnp.floor(steps * scale + 0.5), 1, 255)
    kept = jnp.round(transformed(blocks, COSINES) / steps_) * steps_
    return transformed(kept, COSINES.T).swapaxes(1, 2).reshape(height, width)


def transformed(blocks: Float[Array, "h w 8 8"], matrix: np.ndarray) -> Float[Array, "h w 8 8"]:
    """Return M X Mᵀ of each block X."""
    rows = (jnp.asarray(matrix)[:, :, None] * blocks[..., None, :, :]).sum(-2)
    return (rows[..., :, None, :] * matrix).sum(-1)
