"""People found by their faces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphamat.door.image import Pixels, as_image
from alphamat.segmentation.colours import from_seeds, grab_cut
from alphamat.segmentation.result import Segmentation


def portrait(image: Pixels) -> Segmentation:
    """Find the people in a portrait by their faces."""
    import cv2
    from skimage import data
    from skimage.feature import Cascade

    image = as_image(image)
    height, width = image.shape[:2]
    nobody = np.zeros((height, width)), 1.0, "I see no face that looks at the camera."
    if min(height, width) < 50:
        return Segmentation(*nobody)
    cascade = Cascade(data.lbp_frontal_face_cascade_filename())
    shrink = min(1.0, 500 / max(height, width))
    small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    faces = cascade.detect_multi_scale(small, 1.2, 1, (40, 40), small.shape[:2])
    if not faces:
        return Segmentation(*nobody)
    face = max(faces, key=lambda face: face["width"])
    x, y, side = (int(face[key] / shrink) for key in ("c", "r", "width"))
    seeds = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    seeds[y : y + side, x : x + side] = cv2.GC_PR_FGD
    seeds[y + side :, max(0, x - side // 2) : x + side + side // 2] = cv2.GC_PR_FGD
    return from_seeds(image, seeds)


def segment(
    image: Pixels, *, box: Sequence[float] | None = None, scribbles: Pixels | None = None
) -> Segmentation:
    """Find the foreground: from a box or from strokes where there are any, else by faces."""
    if box is None and scribbles is None:
        return portrait(image)
    return grab_cut(image, box=box, scribbles=scribbles)
