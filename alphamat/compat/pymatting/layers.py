"""PyMatting's foregrounds, and its function from files to a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import scipy.sparse

import alphamat
from alphamat.compat.pymatting.alphas import estimate_alpha_cf
from alphamat.compat.pymatting.arrays import sparse_conv_matrix_with_offsets
from alphamat.compat.pymatting.pixels import load_image, save_image, stack_images
from alphamat.compat.pymatting.solving import cg, ichol

BESIDE = ((-1, 0), (1, 0), (0, -1), (0, 1))
RTOL = 1e-5


def estimate_foreground_ml(
    image: np.ndarray,
    alpha: np.ndarray,
    regularization: float = 1e-5,
    n_small_iterations: int = 10,
    n_big_iterations: int = 2,
    small_size: int = 32,
    return_background: bool = False,
    gradient_weight: float = 1.0,
) -> Any:
    """Estimate the foreground's colours, from coarse to fine.

    Parameters
    ----------
    image : (H, W, channels) array
        Floating point in [0, 1].
    alpha : (H, W) array
        Opacity in [0, 1].
    regularization, gradient_weight : float
        Weight of smoothness, and what a unit of alpha's difference adds to it.
    n_small_iterations, n_big_iterations, small_size : int
        Sweeps on levels up to this size, and on larger ones.
    return_background : bool
        Whether the background's colours are returned too.

    Returns
    -------
    foreground, and background if it is asked for : (H, W, channels) float32 arrays in [0, 1]

    Examples
    --------
    >>> image, alpha = np.full((9, 8, 3), 0.5), np.ones((9, 8))
    >>> float(np.abs(estimate_foreground_ml(image, alpha) - image).max()) < 1e-6
    True
    """
    options = {
        "regularization": regularization,
        "gradient_weight": gradient_weight,
        "small_size": small_size,
        "small_iterations": n_small_iterations,
        "big_iterations": n_big_iterations,
    }
    depth = image.shape[2]
    parts = []
    for first in range(0, depth, 3):  # channels are independent
        channels = np.minimum(np.arange(first, first + 3), depth - 1)
        parts.append(alphamat.estimate_foreground(image[..., channels], alpha, **options))
    foreground, background = (
        np.concatenate(part, axis=2, dtype=np.float32, casting="same_kind")[..., :depth]
        for part in zip(*parts, strict=True)
    )
    return (foreground, background) if return_background else foreground


def estimate_foreground_cf(
    image: np.ndarray,
    alpha: np.ndarray,
    regularization: float = 1e-5,
    rtol: float = RTOL,
    neighbors: Iterable[tuple[int, int]] = BESIDE,
    return_background: bool = False,
    foreground_guess: np.ndarray | None = None,
    background_guess: np.ndarray | None = None,
    ichol_kwargs: Mapping[str, Any] | None = None,
    cg_kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """Estimate the foreground's colours as the minimum of Levin et al.'s cost.

    With the defaults this is `alphamat.closed_form_foreground`. Another tolerance, other neighbours
    or guesses, or options of the solver, make it solve PyMatting's system with `ichol` and `cg`.

    Parameters
    ----------
    image : (H, W, channels) array
        Floating point in [0, 1].
    alpha : (H, W) array
        Opacity in [0, 1].
    regularization : float
        Weight of smoothness where alpha is flat.
    rtol : float
        Tolerance of the solver.
    neighbors : sequence of (dx, dy)
        Offsets to the neighbours of a pixel.
    return_background : bool
        Whether the background's colours are returned too.
    foreground_guess, background_guess : (H, W, channels) arrays, optional
        Where to start; the image by default.
    ichol_kwargs, cg_kwargs : dict, optional
        Options of `ichol` and `cg`.

    Returns
    -------
    foreground, and background if it is asked for : (H, W, channels) arrays in [0, 1]
    """
    neighbors = list(neighbors)
    guessed = foreground_guess is not None or background_guess is not None
    plain = rtol == RTOL and sorted(neighbors) == sorted(BESIDE) and image.shape[2] == 3
    if plain and not (guessed or ichol_kwargs or cg_kwargs):
        layers = alphamat.closed_form_foreground(image, alpha, regularization=regularization)
        return tuple(layers) if return_background else layers.foreground
    height, width, depth = image.shape
    U = scipy.sparse.hstack([scipy.sparse.diags(part.ravel()) for part in (alpha, 1 - alpha)])
    S = _smoothness(alpha, regularization, neighbors)
    A = (U.T @ U + scipy.sparse.block_diag([S, S])).tocsc()
    M, options = ichol(A, **(ichol_kwargs or {})), {"rtol": rtol, **(cg_kwargs or {})}
    starts = [
        (image if guess is None else guess).reshape(-1, depth)
        for guess in (foreground_guess, background_guess)
    ]
    solved = [
        cg(
            A,
            U.T @ image[..., c].ravel(),
            x0=np.concatenate([s[:, c] for s in starts]),
            M=M,
            **options,
        )
        for c in range(depth)
    ]
    layers = np.clip(np.stack(solved, axis=1), 0, 1).reshape(2, height, width, depth)
    return (layers[0], layers[1]) if return_background else layers[0]


def _smoothness(alpha: np.ndarray, regularization: float, neighbors: list[tuple[int, int]]) -> Any:
    """Return Σ Dᵀ (ε + |D α|) D over the differences D to each neighbour."""
    height, width = alpha.shape
    total: Any = 0
    for dx, dy in neighbors:
        D = sparse_conv_matrix_with_offsets(width, height, np.array([1, -1]), [0, dx], [0, dy])
        weights = regularization + np.abs(D @ alpha.ravel())
        total = total + D.T @ scipy.sparse.diags(weights) @ D
    return total


def cutout(
    image_path: str | os.PathLike[str],
    trimap_path: str | os.PathLike[str],
    cutout_path: str | os.PathLike[str],
) -> None:
    """Cut out a picture by its trimap, from files to a file, by closed-form matting.

    Raises
    ------
    ValueError
        If image and trimap have not the same size.
    """
    image, trimap = load_image(image_path, "RGB"), load_image(trimap_path, "GRAY")
    if image.shape[:2] != trimap.shape[:2]:
        raise ValueError("Input image and trimap must have same size")
    alpha = estimate_alpha_cf(image, trimap)
    save_image(cutout_path, stack_images(estimate_foreground_ml(image, alpha), alpha))
