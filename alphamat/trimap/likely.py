"""A trimap from a photograph and a rough segmentation of it.

The segmentation is drawn towards the edges of the photograph by a guided filter: He, Sun & Tang,
"Guided Image Filtering", ECCV 2010. Along an edge that colours tell apart it changes little. In
hair, and where both sides look alike, it becomes soft; there the unknown region is wide.
"""

from __future__ import annotations

import math

import numpy as np

from alphamat.door.image import Pixels, as_image, refuse_other_size
from alphamat.trimap.make import mask_levels

SIDE = 400  # pixels: both are reduced to this longer side
REACH = 0.05  # of the scale: how far the guided filter looks
BAND = 0.004  # of the scale: the unknown region reaches this far at least
SOFT = 0.15  # by how much the guided filter changes a pixel that is not known
NEAR = 0.6  # of that reach: what lies farther from the outline is known, if it is sure
SURE = 0.9  # likelihood of known foreground; background is as sure
MARGIN = 8  # pixels around a small foreground that are looked at, and half its size
EPSILON = 3e-4  # ε of the guided filter
CORE = 0.7  # of its greatest depth: pixels of a part that lie deeper stay known


def from_segmentation(image: Pixels, foreground: Pixels) -> np.ndarray:
    """Make a trimap from a photograph and from how likely its pixels are foreground.

    Unknown is what is unsure, and a band along the outline. The band is narrow where the outline
    follows a clear edge, and wide at hair and where foreground and background look alike. Its scale
    comes from the size of the foreground.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        The photograph. See `as_image`.
    foreground : (H, W) array_like, or PIL image
        Likelihood in [0, 1]: `Segmentation.foreground`, the alpha of a network, or a mask, bool or
        of 0 and 1. It may be a little wrong along the outline.

    Returns
    -------
    (H, W) uint8 array of 0, 128 and 255.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused, or if no foreground or no background is sure.

    Examples
    --------
    >>> from alphamat.examples import fur, synthetic
    >>> from alphamat.trimap import from_segmentation
    >>> scene = synthetic(fur, 120, 160)
    >>> trimap = from_segmentation(scene.image, scene.alpha > 0.5)
    >>> bool(0 < (trimap == 128).mean() < 0.5)
    True
    """
    image = as_image(image)
    whole = mask_levels(foreground, "foreground")
    refuse_other_size(whole.shape, image.shape, "foreground")
    around = surroundings(whole > 1 - SURE)
    trimap = np.zeros(whole.shape, np.uint8)
    trimap[around] = _banded(image[around], whole[around])
    for part, level in (("foreground", 255), ("background", 0)):
        if not (trimap == level).any():
            raise ValueError(
                f"`foreground` leaves no {part} that is known: its values run from "
                f"{whole.min():.3g} to {whole.max():.3g}, and {SURE if level else 1 - SURE:.1f} "
                "would be sure. Mark some with strokes."
            )
    return trimap


def surroundings(part: np.ndarray) -> tuple[slice, slice]:
    """Return the rows and columns of a part, and half as many around it on each side."""
    if not part.any():
        return slice(None), slice(None)
    rows, columns = (np.flatnonzero(part.any(axis=axis)) for axis in (1, 0))
    sides = []
    for side in rows, columns:
        margin = len(side) // 2 + MARGIN
        sides.append(slice(max(0, side[0] - margin), side[-1] + 1 + margin))
    return sides[0], sides[1]


def _banded(image: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return the trimap of a picture; the band is found on a small copy."""
    import cv2

    shrink = min(1.0, SIDE / max(whole.shape))
    size = max(1, round(shrink * whole.shape[1])), max(1, round(shrink * whole.shape[0]))
    small, likely = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (image, whole))
    unknown = _unknown(small.astype(np.float32), likely.astype(np.float32))
    # What the small copy has lost is unknown: strands thinner than its pixels.
    unknown, rough = (
        cv2.resize(x.astype(np.float32), whole.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5
        for x in (unknown, likely)
    )
    unknown |= ((whole > 1 - SURE) & (whole < SURE)) | (rough != (whole > 0.5))
    return np.where(unknown, 128, np.where(rough, 255, 0)).astype(np.uint8)


def _unknown(image: np.ndarray, likely: np.ndarray) -> np.ndarray:
    """Return what is not known on a small picture, (h, w) bool."""
    part = likely > 0.5
    unsure = (likely > 1 - SURE) & (likely < SURE)
    scale = min(math.hypot(*part.shape), 3 * math.sqrt(max(part.sum(), 1)))
    radius = max(1, round(REACH * scale))
    drawn = _guided(image, part.astype(np.float32), radius)
    inside, outside = depth_in(part), depth_in(~part)
    away = inside + outside
    soft = (away <= NEAR * radius) & (np.abs(drawn - part) > SOFT)
    seen = _touching(unsure | soft, away <= 1) | unsure
    unknown = depth_in(~seen) <= max(1, BAND * scale)
    core = (inside >= CORE * inside.max()) & part | (outside >= CORE * outside.max()) & ~part
    return unknown & (~core | unsure)


def _touching(mask: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return `others` with those connected parts of a mask that touch them."""
    import cv2

    parts = cv2.connectedComponents((mask | others).astype(np.uint8), connectivity=8)[1]
    return np.isin(parts, np.unique(parts[others]))


def depth_in(part: np.ndarray) -> np.ndarray:
    """Return how deep each pixel lies in a part of a picture, in pixels; 0 outside of it."""
    import cv2

    return cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)


def _guided(image: np.ndarray, part: np.ndarray, radius: int) -> np.ndarray:
    """Filter a part (h, w) so that it is affine in the image's colours around each pixel."""
    import cv2

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REPLICATE)

    colour, share = mean(image), mean(part)
    products = (image[..., :, None] * image[..., None, :]).reshape(*part.shape, 9)
    spread = mean(products).reshape(*part.shape, 3, 3) - colour[..., :, None] * colour[..., None, :]
    spread += EPSILON * np.eye(3, dtype=np.float32)
    covariance = mean(image * part[..., None]) - colour * share[..., None]
    slope = np.linalg.solve(spread, covariance[..., None])[..., 0]
    offset = share - (slope * colour).sum(axis=2)
    return (mean(slope) * image).sum(axis=2) + mean(offset)
