"""Foreground and background told apart by their colours, from a box or from strokes.

Rother, Kolmogorov & Blake, "GrabCut: Interactive Foreground Extraction using Iterated Graph Cuts",
SIGGRAPH 2004.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphamat.door.image import Pixels, as_image
from alphamat.segmentation.result import Segmentation
from alphamat.trimap.parse import trimap_levels

LONGEST = 450  # pixels: pictures are reduced to this longer side


def grab_cut(
    image: Pixels, *, box: Sequence[float] | None = None, scribbles: Pixels | None = None
) -> Segmentation:
    """Find the foreground in a box, or from strokes, by its colours.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        See `as_image`.
    box : (left, top, right, bottom), optional
        A rectangle in pixels around all of the foreground, as PIL's `crop` takes it.
    scribbles : (H, W) array_like, or PIL image, optional
        Strokes: full scale is foreground, 0 background, and all between says nothing. Either kind
        may be missing.

    Returns
    -------
    Segmentation
    """
    import cv2

    image = as_image(image)
    height, width = image.shape[:2]
    seeds = np.full((height, width), cv2.GC_PR_FGD, np.uint8)
    if box is not None:
        left, top, right, bottom = (round(x) for x in box)
        seeds[:] = cv2.GC_BGD
        seeds[top:bottom, left:right] = cv2.GC_PR_FGD
    if scribbles is not None:
        levels = trimap_levels(scribbles, image.shape[:2])
        seeds[levels == 0] = cv2.GC_BGD
        seeds[levels == 1] = cv2.GC_FGD
    return from_seeds(image, seeds)


def from_seeds(image: np.ndarray, seeds: np.ndarray) -> Segmentation:
    import cv2

    height, width = seeds.shape
    shrink = min(1.0, LONGEST / max(height, width))
    size = max(1, round(shrink * width)), max(1, round(shrink * height))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    marks = cv2.resize(seeds, size, interpolation=cv2.INTER_NEAREST)
    cv2.setRNGSeed(7)
    pixels = np.ascontiguousarray((255 * small).round().astype(np.uint8)[..., ::-1])
    models = np.zeros((1, 65)), np.zeros((1, 65))
    try:
        cv2.grabCut(pixels, marks, None, *models, 5, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        return Segmentation(np.zeros((height, width)), 1.0, "Nothing is foreground.")
    found = (marks & 1).astype(np.float64)
    whole = cv2.resize(cv2.GaussianBlur(found, (0, 0), 1.0), (width, height))
    return Segmentation(np.clip(whole, 0, 1))
