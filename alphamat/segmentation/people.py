"""People, found by their faces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphamat.door.image import Pixels, as_image
from alphamat.segmentation.colours import grab_cut
from alphamat.segmentation.cut import (
    BACKGROUND,
    FOREGROUND,
    PERHAPS_BACKGROUND,
    PERHAPS_FOREGROUND,
    cut,
    enlarged,
    shrunk,
)
from alphamat.segmentation.faces import Face, find_faces
from alphamat.segmentation.result import Segmentation, worst

BUILDS = 1.1, 1.2, 1.35  # of people, in the runs: how wide they are for their faces
SMALLEST = 0.25  # of the largest face: smaller ones are people in the background


def portrait(image: Pixels) -> Segmentation:
    """Find the people in a portrait by their faces.

    Below a face there are a neck, shoulders and a body down to the border of the picture; the rest
    is told by colours, as `grab_cut` does it. Faces have to look at the camera, nearly upright, and
    to be at least an eighth of the picture's longer side.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        See `as_image`.

    Returns
    -------
    Segmentation
        Of all people whose faces are of about one size. Without a face the doubt is 1.

    Raises
    ------
    TypeError, ValueError
        If the image is refused.

    Examples
    --------
    >>> from alphamat import examples
    >>> from alphamat.segmentation import portrait
    >>> image, _ = examples.astronaut()
    >>> found = portrait(image)
    >>> bool(found.foreground[118, 220] == 1)
    True
    """
    image = as_image(image)
    faces = find_faces(image)
    if not faces:
        reason = "I see no face that looks at the camera."
        return Segmentation(np.zeros(image.shape[:2]), 1.0, reason)
    most = max(face.size for face in faces)
    faces = [face for face in faces if face.size >= SMALLEST * most]
    small = shrunk(image)
    scale = small.shape[1] / image.shape[1]
    faces = [Face(scale * x, scale * y, scale * size, score) for x, y, size, score in faces]
    found = cut(small, [_bodies(faces, small.shape[:2], build) for build in BUILDS])
    return Segmentation(enlarged(found.foreground, image.shape[:2]), *worst(*found.doubts))


def _bodies(faces: list[Face], shape: tuple[int, ...], build: float) -> np.ndarray:
    """Return seeds for people with these faces: head, neck and shoulders down to the border."""
    near, person, inner = np.zeros((3, *shape), bool)
    y, x = np.mgrid[: shape[0], : shape[1]]
    for face in faces:
        aside, down = np.abs(x - face.x) / face.size, (y - face.y) / face.size
        near |= (aside < 2 + 0.6 * np.clip(down, 0, 2)) & (down > -1.7)
        person |= np.hypot(aside / (0.62 * build), (down + 0.1) / 0.85) < 1
        half = np.interp(down, (0.4, 0.7, 0.9, 1.3, 3.0), (0.3, 0.35, 0.6, 1.1, 1.4))
        person |= (down > 0.4) & (aside < build * half)
        inner |= np.hypot(aside / 0.32, down / 0.42) < 1
    levels = FOREGROUND, PERHAPS_FOREGROUND, PERHAPS_BACKGROUND
    return np.select([inner, person, near], levels, BACKGROUND).astype(np.uint8)


def segment(
    image: Pixels, *, box: Sequence[float] | None = None, scribbles: Pixels | None = None
) -> Segmentation:
    """Find the foreground: from a box or from strokes where there are any, else by faces.

    See `grab_cut` and `portrait`.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat.segmentation import segment
    >>> segment(np.zeros((30, 40))).reason
    'I see no face that looks at the camera.'
    """
    if box is None and scribbles is None:
        return portrait(image)
    return grab_cut(image, box=box, scribbles=scribbles)
