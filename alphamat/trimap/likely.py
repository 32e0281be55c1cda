"""A trimap from a coarse segmentation of a photograph."""

from __future__ import annotations

import math

import numpy as np

from alphamat.door.image import Pixels, as_image, as_plane, refuse_other_size
from alphamat.trimap.make import from_mask


def from_segmentation(image: Pixels, foreground: Pixels) -> np.ndarray:
    """Make a trimap from a photograph and from how likely its pixels are foreground.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        See `as_image`.
    foreground : (H, W) array_like, or PIL image
        Likelihood in [0, 1]: the alpha of a network, or `Segmentation.foreground`.

    Returns
    -------
    (H, W) uint8 array of 0, 128 and 255.
    """
    image = as_image(image)
    likely = as_plane(foreground, name="foreground")
    refuse_other_size(likely.shape, image.shape, "foreground")
    width = 0.012 * math.sqrt((likely > 0.5).sum()) + 2
    return from_mask(likely, inner=width, outer=1.5 * width, low=0.25, high=0.75)
