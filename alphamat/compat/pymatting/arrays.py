"""PyMatting's small functions of arrays and sparse matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import numpy as np
import scipy.sparse


def apply_to_channels(single_channel_func: Callable) -> Callable:
    """Make a function of an (H, W) array one of (H, W, …) arrays, which treats each channel alone.

    Examples
    --------
    >>> @apply_to_channels
    ... def mirrored(plane):
    ...     return plane[:, ::-1]
    >>> mirrored(np.zeros((4, 5, 3))).shape
    (4, 5, 3)
    """

    @wraps(single_channel_func)
    def function(image: np.ndarray, *args: Any, **kwargs: Any) -> np.ndarray:
        if image.ndim == 2:
            return single_channel_func(image, *args, **kwargs)
        planes = np.moveaxis(image.reshape(*image.shape[:2], -1), 2, 0)
        results = [
            single_channel_func(np.ascontiguousarray(plane), *args, **kwargs) for plane in planes
        ]
        stacked = np.stack(results, axis=2)
        return stacked.reshape(*stacked.shape[:2], *image.shape[2:])

    return function


def vec_vec_dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the scalar products of vectors along the last axes."""
    return (np.asarray(a) * b).sum(axis=-1)


def mat_vec_dot(A: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the products of matrices, the last two axes of A, with vectors, the last of b."""
    return np.matvec(A, b) if hasattr(np, "matvec") else (A @ b[..., None])[..., 0]


def vec_vec_outer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the outer products of vectors along the last axes."""
    return np.asarray(a)[..., :, None] * np.asarray(b)[..., None, :]


def isiterable(obj: Any) -> bool:
    """Return whether an object can be iterated over."""
    return hasattr(obj, "__iter__") or hasattr(obj, "__getitem__")


def normalize(values: Any) -> np.ndarray:
    """Return values, shifted and scaled to run from 0 to 1.

    Examples
    --------
    >>> normalize([0, 1, 3, 10]).tolist()
    [0.0, 0.1, 0.3, 1.0]
    """
    values = np.asarray(values)
    return (values - values.min()) / np.ptp(values)


def div_round_up(x: int, n: int) -> int:
    """Return x / n, rounded up."""
    return -(-x // n)


def grid_coordinates(
    width: int, height: int, flatten: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return the x and the y of all pixels, (H, W) or flat.

    Examples
    --------
    >>> x, y = grid_coordinates(3, 2)
    >>> x.tolist(), y.tolist()
    ([[0, 1, 2], [0, 1, 2]], [[0, 0, 0], [1, 1, 1]])
    """
    y, x = np.indices((height, width))
    return (x.ravel(), y.ravel()) if flatten else (x, y)


def row_sum(A: Any) -> np.ndarray:
    """Return the sum of each row of a dense or sparse matrix."""
    return A.dot(np.ones(A.shape[1], A.dtype))


def normalize_rows(A: Any, threshold: float = 0.0) -> Any:
    """Divide the rows of a matrix by their sums; rows whose sum is below the threshold stay."""
    sums = row_sum(A).astype(np.float64)
    sums[sums < threshold] = 1
    return scipy.sparse.diags(1 / sums).dot(A)


def weights_to_laplacian(W: Any, normalize: bool = True, regularization: float = 0.0) -> Any:
    """Return D + regularization - W, D being W's row sums, with rows of W divided by these before.

    Examples
    --------
    >>> weights_to_laplacian(np.ones((2, 2))).tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """
    if normalize:
        W = normalize_rows(W)
    return scipy.sparse.diags(row_sum(W) + regularization) - W


def sparse_conv_matrix(width: int, height: int, kernel: np.ndarray) -> Any:
    """Return the CSR matrix that correlates a flat image with a kernel centred on each pixel.

    At the border the nearest pixel of the image stands for those outside.
    """
    y, x = np.indices(kernel.shape)
    dx, dy = (x - kernel.shape[1] // 2).ravel(), (y - kernel.shape[0] // 2).ravel()
    return sparse_conv_matrix_with_offsets(width, height, kernel, dx, dy)


def sparse_conv_matrix_with_offsets(
    width: int, height: int, kernel: np.ndarray, dx: Iterable[int], dy: Iterable[int]
) -> Any:
    """Return the CSR matrix that sums up an image's pixels at offsets, with the kernel's weights.

    At the border the nearest pixel of the image stands for those outside.
    """
    x, y = grid_coordinates(width, height)
    weights = np.asarray(kernel, np.float64).ravel()
    columns = [
        (np.clip(y + down, 0, height - 1) * width + np.clip(x + right, 0, width - 1)).ravel()
        for right, down, _ in zip(dx, dy, weights, strict=False)
    ]
    n, count = width * height, len(columns)
    rows = np.tile(np.arange(n), count)
    entries = np.repeat(weights[:count], n), (rows, np.concatenate(columns))
    return scipy.sparse.csr_matrix(entries, shape=(n, n))
