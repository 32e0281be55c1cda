"""Which of several objects to keep."""

from __future__ import annotations

import numpy as np

from alphamat.door.image import Pixels, as_array
from alphamat.door.parameters import as_count


def largest(mask: Pixels) -> np.ndarray:
    """Keep the object of the most pixels.

    Parameters
    ----------
    mask : (H, W) bool array_like

    Returns
    -------
    (H, W) bool array. Pixels that touch by a corner belong to one object.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat.segmentation import largest
    >>> mask = np.array([[1, 1, 0, 0], [1, 0, 0, 1]], bool)
    >>> largest(mask).astype(int).tolist()
    [[1, 1, 0, 0], [1, 0, 0, 0]]
    """
    labels = _objects(_as_mask(mask))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return (labels == sizes.argmax()) & (labels > 0)


def at(mask: Pixels, x: int, y: int) -> np.ndarray:
    """Keep the object at a point, or the nearest to it.

    Parameters
    ----------
    mask : (H, W) bool array_like
    x, y : int
        Column and row, from 0.

    Returns
    -------
    (H, W) bool array. Pixels that touch by a corner belong to one object.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat.segmentation import at
    >>> mask = np.array([[1, 1, 0, 0], [1, 0, 0, 1]], bool)
    >>> at(mask, 3, 0).astype(int).tolist()
    [[0, 0, 0, 0], [0, 0, 0, 1]]
    """
    mask = _as_mask(mask)
    height, width = mask.shape
    x, y = as_count(x, "x", least=0), as_count(y, "y", least=0)
    if x >= width or y >= height:
        raise ValueError(f"`x`, `y` is ({x}, {y}), outside the mask of {width} × {height} pixels.")
    labels = _objects(mask)
    rows, columns = np.nonzero(mask)
    if not rows.size:
        return mask.copy()
    nearest = np.argmin((columns - x) ** 2 + (rows - y) ** 2)
    return labels == labels[rows[nearest], columns[nearest]]


def _as_mask(mask: Pixels) -> np.ndarray:
    array = as_array(mask, name="mask")
    if array.dtype != bool or array.ndim != 2 or not array.size:
        raise TypeError(
            f"`mask` has shape {array.shape} and dtype {array.dtype}; expected (H, W) and bool, "
            "such as `foreground > 0.5`."
        )
    return array


def _objects(mask: np.ndarray) -> np.ndarray:
    """Return the number of each pixel's object, from 1, and 0 outside of all."""
    import cv2

    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[1]
