"""The foreground in a box, or by strokes, told from the background by its colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphamat.door.image import Pixels, as_image, as_plane, refuse_other_size
from alphamat.door.parameters import as_numbers
from alphamat.segmentation.cut import (
    BACKGROUND,
    FOREGROUND,
    PERHAPS_BACKGROUND,
    PERHAPS_FOREGROUND,
    between,
    cut,
    enlarged,
    shrunk,
)
from alphamat.segmentation.result import Doubt, Segmentation, worst
from alphamat.trimap.likely import surroundings

RIMS = 0.05, 0.12, 0.2  # share of a box's sides that is perhaps background, in each run
FAR = 0.2, 0.6, 1.8  # what the longest side counts beside a step from black to white, in each run
SAMPLES = 300  # pixels of each kind of strokes that the others are compared with


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
        Strokes keep their pixels, and all outside the box is background. The doubt is greatest
        where a little change of the seeds changes the outline, where both sides have the same
        colours, and where the foreground runs out of the box.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused, or if there is neither a box nor a stroke.

    Examples
    --------
    >>> from alphamat.examples import fur, synthetic
    >>> from alphamat.segmentation import grab_cut
    >>> image = synthetic(fur, 120, 160).image
    >>> found = grab_cut(image, box=(30, 10, 130, 120))
    >>> found.foreground.shape
    (120, 160)
    """
    image = as_image(image)
    shape = image.shape[:2]
    if box is None and scribbles is None:
        raise ValueError("`box` and `scribbles` are missing; one of them has to say what to find.")
    within = np.ones(shape, bool) if box is None else _within(box, shape)
    levels = np.full(shape, 0.5) if scribbles is None else as_plane(scribbles, name="scribbles")
    refuse_other_size(levels.shape, shape, "scribbles")
    if box is None and not ((levels == 0) | (levels == 1)).any():
        raise ValueError(
            "`scribbles` has no stroke; full scale (255, or 1.0) is foreground and 0 background."
        )
    if (levels[~within] == 1).any():
        raise ValueError(
            "`scribbles` has strokes of the foreground outside of `box`; make the box larger, or "
            "leave out one of the two."
        )
    around = surroundings(within)
    small = shrunk(image[around])
    marks = _marks(levels[around], within[around], small.shape[:2])
    found = cut(small, _from_strokes(small, marks) if (levels == 1).any() else _from_box(marks))
    foreground = np.zeros(shape)
    foreground[around] = enlarged(found.foreground, image[around].shape)
    foreground[~within | (levels == 0)] = 0
    foreground[within & (levels == 1)] = 1
    return Segmentation(foreground, *worst(*found.doubts, _runs_out(foreground, within)))


def _within(box: Sequence[float], shape: tuple[int, ...]) -> np.ndarray:
    """Return which pixels lie in a box."""
    edges = as_numbers(box, "box", "a number of pixels of at least 0", least=0)
    height, width = shape
    if len(edges) != 4:
        raise ValueError(f"`box` has {len(edges)} numbers; expected left, top, right, bottom.")
    left, top, right, bottom = (round(edge) for edge in edges)
    if right > width or bottom > height:
        raise ValueError(
            f"`box` is {tuple(box)}, which reaches out of the picture of {width} × {height} pixels."
        )
    if left >= right or top >= bottom:
        raise ValueError(
            f"`box` is {tuple(box)}, which is empty; expected left < right, top < bottom."
        )
    within = np.zeros(shape, bool)
    within[top:bottom, left:right] = True
    return within


def _marks(levels: np.ndarray, within: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Return strokes and what lies outside the box, at a smaller size; even thin strokes stay."""
    import cv2

    white, black, inside = (
        cv2.resize(part.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
        for part in (levels == 1, levels == 0, within)
    )
    marks = np.full(size, PERHAPS_FOREGROUND, np.uint8)
    marks[(black > 0) & (black >= white)] = BACKGROUND
    marks[white > black] = FOREGROUND
    marks[inside < 0.5] = BACKGROUND
    return marks


def _from_box(marks: np.ndarray) -> list[np.ndarray]:
    """Return seeds in which the rim of a box is perhaps background, but not at the lower border."""
    rows, columns = (np.flatnonzero((marks != BACKGROUND).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return [marks]
    seeds = []
    for rim in RIMS:
        y, x = (max(1, round(rim * len(side))) for side in (rows, columns))
        below = 0 if rows[-1] == len(marks) - 1 else y
        seed = np.minimum(marks, PERHAPS_BACKGROUND)
        inner = slice(rows[0] + y, rows[-1] + 1 - below), slice(columns[0] + x, columns[-1] + 1 - x)
        seed[inner] = marks[inner]
        seeds.append(seed)
    return seeds


def _from_strokes(small: np.ndarray, marks: np.ndarray) -> list[np.ndarray]:
    """Return seeds in which each pixel is as its nearest stroke, in colour and in place."""
    from scipy.spatial import cKDTree

    rows, columns = marks.shape
    place = np.moveaxis(np.mgrid[:rows, :columns], 0, 2) / max(rows, columns)
    strokes = marks.copy()
    if not (marks == BACKGROUND).any():  # then the upper border and both sides stand for it
        for border in strokes[0], strokes[:, 0], strokes[:, -1]:
            border[border != FOREGROUND] = BACKGROUND
    sampled = [_some(np.argwhere(strokes == kind)) for kind in (BACKGROUND, FOREGROUND)]
    points = tuple(np.concatenate(sampled).T)
    seeds = []
    for far in FAR:
        looks = np.concatenate([small, far * place], axis=2)
        _, nearest = cKDTree(looks[points]).query(looks.reshape(-1, 5))
        ahead = (nearest >= len(sampled[0])).reshape(marks.shape)
        perhaps = np.where(ahead, PERHAPS_FOREGROUND, PERHAPS_BACKGROUND)
        seeds.append(np.where(marks == PERHAPS_FOREGROUND, perhaps, marks).astype(np.uint8))
    return seeds


def _some(points: np.ndarray) -> np.ndarray:
    return points[:: max(1, len(points) // SAMPLES)]


def _runs_out(foreground: np.ndarray, within: np.ndarray) -> Doubt:
    """Return how much of a box's sides the foreground touches, but for those on the border."""
    import cv2

    rim = within & (cv2.erode(within.astype(np.uint8), np.ones((3, 3))) == 0)
    share = float((foreground[rim] > 0.5).mean()) if rim.any() else 0.0
    return Doubt(between(share, 0.3, 0.8), "The foreground runs out of the box.")
