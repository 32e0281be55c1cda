"""Trimaps carried from frame to frame by optical flow.

Kroeger, Timofte, Dai & Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016. Chuang,
Agarwala, Curless, Salesin & Szeliski, "Video Matting of Complex Scenes", SIGGRAPH 2002, carried
the trimaps themselves. Here alphas are carried: they show where the edge is, so that the unknown
band neither widens nor falls behind.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alphamat.door.colour import luma
from alphamat.door.image import Pixels, as_alpha, as_image, refuse_other_size
from alphamat.trimap import Diagonal, from_alpha
from alphamat.trimap.widths import Width

NEARLY = 0.05  # alphas this near to 0 or 1 count as 0 or 1
LEAST = 16  # pixels a side, for motion to be seen
BAND = Diagonal(0.0055)


def trimap_by_flow(
    image: Pixels, previous: Pixels, alpha: Pixels, *, band: Width = BAND
) -> np.ndarray:
    """Make a frame's trimap from the alpha of the frame before.

    Alpha moves with its pixels. Unknown are then the pixels of fractional alpha, and a band around
    them. Objects that come from behind others, or into the picture, are not found: such a frame
    needs a trimap of its own.

    Parameters
    ----------
    image, previous : (H, W, 3) array_like
        The frame, and the one before; see `as_image`.
    alpha : (H, W) array_like
        Alpha of `previous`, in [0, 1].
    band : float, or callable
        How far the unknown region reaches on either side, as `alphamat.trimap.from_alpha` takes it.
        It has to be wider than the error of the flow. Half a per cent of the diagonal is enough
        where motion is smooth.

    Returns
    -------
    (H, W) uint8 array of 0, 128 and 255; it may lack one of them.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat import examples
    >>> from alphamat.video import trimap_by_flow
    >>> scene = examples.synthetic(examples.fur, 96, 128)
    >>> moved = np.roll(scene.image, 2, axis=1)
    >>> trimap = trimap_by_flow(moved, scene.image, scene.alpha)
    >>> bool((trimap == 128).any())
    True
    """
    image, previous = as_image(image), as_image(previous, name="previous")
    refuse_other_size(previous.shape, image.shape[:2], "previous")
    alpha = as_alpha(alpha, shape=image.shape[:2])
    carried = np.clip(_carried(alpha.astype(np.float32), previous, image), 0, 1)
    return from_alpha(carried, inner=band, outer=band, low=NEARLY, high=1 - NEARLY)


def _carried(alpha: np.ndarray, previous: np.ndarray, image: np.ndarray) -> np.ndarray:
    import cv2

    if min(alpha.shape) < LEAST:
        return alpha
    search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = search.calc(luma(image), luma(previous), None)
    y, x = np.indices(alpha.shape, np.float32)
    here = x + flow[..., 0], y + flow[..., 1]
    return cv2.remap(alpha, *here, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
