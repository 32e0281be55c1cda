"""PyMatting's nearest neighbours, box sums, distances, and its clock."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from alphamat.compat.pymatting.arrays import apply_to_channels


class KDTree:
    """Points, float32 (n, d), that are searched for the nearest to others."""

    def __init__(self, data_points: np.ndarray, min_leaf_size: int = 8):
        self._tree = cKDTree(_as_points(data_points, "data_points"), leafsize=min_leaf_size)

    def query(self, query_points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return distances, (m, k) float32, and indices of the k nearest points, nearest first.

        Raises
        ------
        ValueError
            If there are fewer than k points.
        """
        if self._tree.n < k:
            raise ValueError(
                f"Number of data points ({self._tree.n}) is less than the number of neighbors "
                f"requested (k={k})."
            )
        query_points = _as_points(query_points, "query_points")
        distances, indices = self._tree.query(query_points, k=range(1, k + 1), workers=-1)
        return distances.astype(np.float32), indices


def knn(data_points: np.ndarray, query_points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return distances and indices of the k data points nearest to each query point.

    Examples
    --------
    >>> points = np.array([[0], [2], [5]], np.float32)
    >>> distances, indices = knn(points, points, k=2)
    >>> distances.tolist(), indices.tolist()
    ([[0.0, 2.0], [0.0, 2.0], [0.0, 3.0]], [[0, 1], [1, 0], [2, 1]])
    """
    return KDTree(data_points).query(query_points, k)


def _as_points(points: np.ndarray, name: str) -> np.ndarray:
    if points.dtype != np.float32:
        raise TypeError(f"`{name}` has dtype {points.dtype}; expected float32.")
    return points


@apply_to_channels
def boxfilter(src: np.ndarray, radius: int = 3, mode: str = "same") -> np.ndarray:
    """Return the sums of each channel over windows, 2 `radius` + 1 pixels wide.

    Parameters
    ----------
    src : (H, W) or (H, W, channels) array
        At least as large as a window.
    radius : int
    mode : str
        "valid" has windows that lie inside, (H - 2 radius, W - 2 radius); "same" those around each
        pixel, (H, W); "full" all that meet the picture, (H + 2 radius, W + 2 radius).

    Examples
    --------
    >>> boxfilter(np.eye(5), radius=2, mode="valid").tolist()
    [[5.0]]
    """
    width = 2 * radius + 1
    if radius < 1 or min(src.shape) < width:
        raise ValueError(
            f"`radius` is {radius} and `src` is {src.shape[0]} × {src.shape[1]}; expected a radius "
            "from 1 on, and a picture as large as a window."
        )
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"`mode` is {mode!r}; expected 'valid', 'same' or 'full'.")
    sums = np.pad(np.asarray(src, np.float64), radius) if mode == "full" else src
    for axis in (0, 1):
        sums = ndimage.correlate1d(sums, np.ones(width), axis, np.float64, mode="constant")
    return sums[radius:-radius, radius:-radius] if mode == "valid" else sums


def distance_transform(mask: np.ndarray) -> np.ndarray:
    """Return each pixel's distance to the nearest pixel that is zero; infinity without any."""
    if np.all(mask):
        return np.full(mask.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(mask))


class Timer:
    """A clock that runs from when it is made."""

    def __init__(self):
        self._start = time.perf_counter()

    def stop(self, message: Any = None) -> float:
        """Return the seconds since the last stop, and print them after a message, if there is one.

        The clock starts anew.
        """
        seconds = time.perf_counter() - self._start
        if message is not None:
            print(message, f" - {seconds:f} seconds")
        self._start = time.perf_counter()
        return seconds
