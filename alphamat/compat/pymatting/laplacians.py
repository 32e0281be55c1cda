"""PyMatting's Laplacians, of all pixels of a picture, and the systems that they make.

Levin et al., TPAMI 2008; Chen et al., TPAMI 2013; Zheng & Kambhamettu, ICCV 2009; He et al., CVPR
2010; Grady et al., VIIP 2005. Those of nearest neighbours and of random walks have rows divided by
their sums, as PyMatting's have, and so are not symmetric.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from alphamat.compat.pymatting.arrays import (
    normalize_rows,
    sparse_conv_matrix,
    weights_to_laplacian,
)
from alphamat.compat.pymatting.pixels import trimap_split
from alphamat.door.parameters import as_positive
from alphamat.laplacians.boxes import ColourLineBoxes
from alphamat.laplacians.colour_line import colour_line_laplacian
from alphamat.laplacians.neighbours import nearest, with_position
from alphamat.laplacians.windows import parse_parameters
from alphamat.methods.fast import uniform_radii
from alphamat.methods.learning_based import local_learning_laplacian
from solvers.grid import dilate

STEEPNESS = 900.0  # β of random walks at the default σ
SIGMA = 0.033


def cf_laplacian(
    image: np.ndarray, epsilon: float = 1e-7, radius: int = 1, is_known: np.ndarray | None = None
) -> Any:
    """Return the matting Laplacian of closed-form matting.

    Parameters
    ----------
    image : (H, W, 3) array
        Floating point in [0, 1].
    epsilon : float
        Weight of the regularisation on the slopes, > 0.
    radius : int
        Windows are 2 `radius` + 1 pixels wide.
    is_known : (H, W) or (H W,) bool array, optional
        Pixels whose rows need not be right: the work is that for the others.

    Returns
    -------
    (H W, H W) SciPy CSR matrix, float64, rows in reading order.
    """
    image = as_picture(image)
    epsilon, radius = parse_parameters(image.shape[:2], epsilon, radius)
    place = np.ones(image.shape[:2], bool)
    if is_known is not None:
        unknown = ~np.asarray(is_known, bool).reshape(place.shape)
        place = dilate(unknown, min(2 * radius, max(place.shape)))
    return _spread(colour_line_laplacian(image, place, epsilon=epsilon, radius=radius), place)


def lbdm_laplacian(image: np.ndarray, epsilon: float = 1e-7, radius: int = 1) -> Any:
    """Return the Laplacian of learning-based matting, of the same arguments as `cf_laplacian`.

    Its windows fit the constant freely; see `alphamat.learning_based`.
    """
    image = as_picture(image)
    epsilon, radius = parse_parameters(image.shape[:2], epsilon, radius)
    place = np.ones(image.shape[:2], bool)
    return _spread(local_learning_laplacian(image, place, epsilon=epsilon, radius=radius), place)


def _spread(rows: Any, place: np.ndarray) -> Any:
    """Return a stencil matrix of some pixels as one of all, with empty rows."""
    matrix, at = rows.tocsr(), np.flatnonzero(place)
    counts = np.zeros(place.size, np.int64)
    counts[at] = np.diff(matrix.indptr)
    starts = np.concatenate([[0], np.cumsum(counts)])
    entries = matrix.data, at[matrix.indices], starts
    return scipy.sparse.csr_matrix(entries, shape=(place.size, place.size))


def knn_laplacian(
    image: np.ndarray,
    n_neighbors: Sequence[int] = (20, 10),
    distance_weights: Sequence[float] = (2.0, 0.1),
    kernel: str = "binary",
) -> Any:
    """Return I - D⁻¹ W of the graph that joins each pixel to those that look like it.

    Parameters
    ----------
    image : (H, W, 3) array
        Floating point in [0, 1].
    n_neighbors, distance_weights : sequences of int and of float
        Of each search: how many neighbours, the pixel itself among them, and how much position
        counts, where the picture is one unit wide and one high.
    kernel : str
        "binary" gives all edges the weight 1, "soft" 1 less the mean difference of features.

    Returns
    -------
    (H W, H W) SciPy sparse matrix, which is not symmetric.
    """
    image = as_picture(image)
    pixels = np.arange(image.shape[0] * image.shape[1])
    W: Any = 0
    for count, weight in knn_rounds(n_neighbors, distance_weights, kernel):
        points = knn_points(image, weight)
        others = nearest(points, pixels, pixels, count - 1)
        members = np.concatenate([pixels[:, None], others], axis=1)
        weights = closeness(points, pixels, members, kernel)
        rows = np.repeat(pixels, members.shape[1])
        entries = weights.ravel(), (rows, members.ravel())
        graph = scipy.sparse.csr_matrix(entries, shape=(pixels.size, pixels.size))
        W = W + graph
    return scipy.sparse.identity(pixels.size) - normalize_rows(W + W.T)


def knn_rounds(
    n_neighbors: Sequence[int], distance_weights: Sequence[float], kernel: str
) -> list[tuple[int, float]]:
    if kernel not in ("binary", "soft"):
        raise ValueError(f"kernel must be binary/soft, but not {kernel}.")
    rounds = list(zip(n_neighbors, distance_weights, strict=False))
    if not rounds or min(count for count, _ in rounds) < 2:
        raise ValueError(
            f"`n_neighbors` is {list(n_neighbors)}; expected numbers from 2 on: a pixel is its own "
            "first neighbour."
        )
    return rounds


def knn_points(image: np.ndarray, weight: float) -> np.ndarray:
    """Return colours and weighted positions of all pixels, (H W, 5)."""
    height, width = (max(side - 1, 1) for side in image.shape[:2])
    return with_position(image, (weight / height, weight / width))


def closeness(
    points: np.ndarray, centres: np.ndarray, members: np.ndarray, kernel: str
) -> np.ndarray:
    """Return the weights of edges from centres, (m,), to members, (m, k)."""
    if kernel == "binary":
        return np.ones(members.shape)
    return np.stack(
        [1 - np.abs(points[centres] - points[column]).mean(axis=1) for column in members.T], axis=1
    )


def lkm_laplacian(
    image: np.ndarray, epsilon: float = 1e-7, radius: int = 10, return_diagonal: bool = True
) -> Any:
    """Return the function x -> L x of large kernel matting, and L's diagonal.

    The arguments are those of `cf_laplacian`. Without `return_diagonal` the function comes alone.
    """
    image = as_picture(image)
    boxes = lkm_rows(image, np.ones(image.shape[:2], bool), epsilon, radius)

    def product(x: np.ndarray) -> np.ndarray:
        return boxes @ x.ravel()

    return (product, boxes.diagonal()) if return_diagonal else product


def lkm_rows(image: np.ndarray, pixels: np.ndarray, epsilon: float, radius: int) -> ColourLineBoxes:
    epsilon, radius = parse_parameters(image.shape[:2], epsilon, radius)
    radii = uniform_radii(image.shape[:2], radius)
    return ColourLineBoxes.of(image, pixels, radii, epsilon=epsilon)


def rw_laplacian(
    image: np.ndarray, sigma: float = SIGMA, radius: int = 1, regularization: float = 1e-8
) -> Any:
    """Return D - W of a random walker's steps, with rows of W divided by their sums.

    Parameters
    ----------
    image : (H, W, 3) array
        Floating point in [0, 1].
    sigma : float
        Affinities are exp(-900 (0.033 / σ)² d²), of the distance d of two colours.
    radius : int
        Neighbours lie in squares, 2 `radius` + 1 pixels wide. At the border of the picture the
        nearest pixel stands for those outside.
    regularization : float
        What is added to the diagonal.

    Returns
    -------
    (H W, H W) SciPy sparse matrix, which is not symmetric.
    """
    image = as_picture(image)
    height, width = image.shape[:2]
    ones = np.ones((2 * radius + 1,) * 2)
    W = sparse_conv_matrix(width, height, ones).tocoo()
    colours = image.reshape(-1, 3)
    distance = ((colours[W.row] - colours[W.col]) ** 2).sum(axis=1)
    W.data *= np.exp(-steepness(sigma) * distance)
    return weights_to_laplacian(W.tocsr(), regularization=regularization)


def steepness(sigma: float) -> float:
    """Return β for a σ."""
    return STEEPNESS * (SIGMA / as_positive(sigma, "sigma", "such as 0.033")) ** 2


def uniform_laplacian(image: np.ndarray, radius: int = 1) -> Any:
    """Return the Laplacian of equal weights, which sum up to 1, in squares around each pixel."""
    height, width = image.shape[:2]
    ones = np.ones((2 * radius + 1,) * 2)
    return weights_to_laplacian(sparse_conv_matrix(width, height, ones))


def make_linear_system(
    L: Any, trimap: np.ndarray, lambda_value: float = 100.0, return_c: bool = False
) -> Any:
    """Return A = L + diag(c) and b, which hold known pixels to the trimap with a penalty.

    Parameters
    ----------
    L : (H W, H W) SciPy sparse matrix
    trimap : (H, W) array
        See `trimap_split`.
    lambda_value : float
        c of known pixels; the others have 0.
    return_c : bool
        Whether c is returned, too.

    Returns
    -------
    A : SciPy CSR matrix
    b : (H W,) array
    c : (H W,) array
    """
    is_fg, _, is_known, _ = trimap_split(trimap)
    b, c = lambda_value * is_fg, lambda_value * is_known
    A = (L + scipy.sparse.diags(c)).tocsr()
    A.sum_duplicates()
    return (A, b, c) if return_c else (A, b)


LAPLACIANS: list[Callable] = [
    cf_laplacian,
    knn_laplacian,
    lbdm_laplacian,
    rw_laplacian,
    uniform_laplacian,
]
LAPLACIAN_OPERATORS: list[Callable] = [lkm_laplacian]


def as_picture(image: np.ndarray) -> np.ndarray:
    """Return an (H, W, 3) floating-point image of finite values as float64, or raise."""
    if image.dtype.kind != "f":
        raise TypeError(
            f"`image` has dtype {image.dtype}; expected floating point in [0, 1], as `load_image` "
            "gives it."
        )
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"`image` has shape {image.shape}; expected (H, W, 3).")
    if not np.isfinite(image).all():
        raise ValueError("`image` contains NaN or infinite values; expected values in [0, 1].")
    return np.require(image, np.float64, ["C", "W"])
