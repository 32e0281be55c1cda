"""Pictures of a matte: its alpha, the cut-out foreground, and composites."""

from __future__ import annotations

import numpy as np

from alphamat.door.image import FULL_SCALE, refuse_other_size
from alphamat.foreground import estimate_foreground
from alphamat.method import Matte


def alpha_picture(matte: Matte, *, bits: int = 8) -> np.ndarray:
    """Return alpha as an (H, W) array of uint8 or uint16."""
    return _levels(matte.alpha, bits)


def cutout_picture(image: np.ndarray, matte: Matte, *, bits: int = 8) -> np.ndarray:
    """Return a frame's foreground with its alpha, straight: (H, W, 4), uint8 or uint16.

    Where the matte has no foreground, `estimate_foreground` finds it.
    """
    pixels = np.empty((*matte.alpha.shape, 4), f"uint{bits}")
    pixels[..., :3] = _levels(_foreground(image, matte), bits)
    pixels[..., 3] = _levels(matte.alpha, bits)
    return pixels


def composite_picture(
    image: np.ndarray, matte: Matte, backdrop: np.ndarray, *, bits: int = 8
) -> np.ndarray:
    """Return a frame's foreground before another background: (H, W, 3), uint8 or uint16.

    `backdrop` is a picture of the same size, or one colour (3,): uint8, uint16, or floating point
    in [0, 1]. Values are blended as they are.
    """
    if backdrop.ndim == 3:
        refuse_other_size(backdrop.shape, matte.alpha.shape, "backdrop", "the frame")
    alpha = matte.alpha[..., None].astype(np.float32)
    behind = backdrop[..., :3].astype(np.float32) / np.float32(FULL_SCALE.get(backdrop.dtype, 1))
    ahead = _foreground(image, matte).astype(np.float32, copy=False)
    return _levels(behind + alpha * (ahead - behind), bits)


def _foreground(image: np.ndarray, matte: Matte) -> np.ndarray:
    if matte.foreground is not None:
        return matte.foreground
    return estimate_foreground(image, np.clip(matte.alpha, 0, 1)).foreground


def _levels(values: np.ndarray, bits: int) -> np.ndarray:
    full = 2**bits - 1
    return np.clip(values * full + 0.5, 0, full).astype(f"uint{bits}")
