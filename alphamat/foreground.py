"""The colours of the two layers behind an image and its alpha.

Germer, Uelwer, Conrad & Harmeling, "Fast Multi-Level Foreground Estimation", ICPR 2020;
Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting", TPAMI 2008, section 7.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from alphamat.image import as_alpha, as_image
from alphamat.parameters import (
    refuse_unless_counting,
    refuse_unless_positive,
    refuse_unless_solver,
)
from alphamat.solve import warn_unless_converged
from solvers import Operator, Solution, cg, ichol
from solvers.threads import evenly


class Layers(NamedTuple):
    """What an image is made of: image = alpha · foreground + (1 - alpha) · background."""

    foreground: np.ndarray
    """(H, W, 3) float64 colours in [0, 1], not multiplied by alpha."""
    background: np.ndarray
    """Likewise."""


def estimate_foreground(
    image,
    alpha,
    *,
    regularization: float = 1e-5,
    gradient_weight: float = 1.0,
    small_size: int = 32,
    small_iterations: int = 10,
    big_iterations: int = 2,
) -> Layers:
    """Estimate foreground and background colours, from coarse to fine.

    Both layers are smooth, most of all where alpha is not, and together they make up the image. A
    few sweeps on each level of a pyramid, from one pixel to the image's size, spread the colours of
    the opaque and of the empty parts into the region between. Linear in the number of pixels.

    Parameters
    ----------
    image : (H, W, 3) array_like
        See `as_image`.
    alpha : (H, W) array_like
        Opacity in [0, 1].
    regularization : float
        ε, the weight of smoothness where alpha is flat.
    gradient_weight : float
        ω, what a unit of alpha's difference between neighbours adds to that weight.
    small_size, small_iterations, big_iterations : int
        Levels at most `small_size` pixels wide and high get `small_iterations` sweeps, the others
        `big_iterations`.

    Returns
    -------
    Layers
        Where alpha is 0 the foreground is a smooth continuation, and so is the background where
        alpha is 1; where a layer is nowhere visible, it is one colour. Computed in float32.

    Raises
    ------
    TypeError, ValueError
        If `image` or `alpha` is not as above, or a parameter is not positive.

    Notes
    -----
    The paper's sweeps run from the first pixel to the last; ours take the black pixels of a
    chessboard, then the white, which is parallel and favours no direction.
    """
    image = as_image(image)
    alpha = as_alpha(alpha, shape=image.shape[:2])
    refuse_unless_positive("regularization", regularization)
    if not (np.isfinite(gradient_weight) and gradient_weight >= 0):
        raise ValueError(f"`gradient_weight` is {gradient_weight}; expected a number ≥ 0.")
    refuse_unless_counting("small_iterations", small_iterations)
    refuse_unless_counting("big_iterations", big_iterations)
    from alphamat import _kernels

    observed = np.empty((4, *alpha.shape), np.float32)
    observed[:3], observed[3] = np.moveaxis(image, 2, 0), alpha
    layers = np.reshape(_typical_colours(observed), (6, 1, 1))
    for height, width in _levels(*alpha.shape):
        sweeps = small_iterations if max(height, width) <= small_size else big_iterations
        layers = _resample(layers, (height, width))
        weights = np.float32(regularization), np.float32(gradient_weight)
        level = _resample(observed, (height, width))
        for half in range(2 * sweeps):
            evenly(_kernels.relax, height, 3 * layers.size, half, *weights, level, layers)
    foreground, background = (
        np.moveaxis(layer, 0, 2).astype(np.float64, order="C") for layer in (layers[:3], layers[3:])
    )
    return Layers(foreground, background)


def closed_form_foreground(
    image,
    alpha,
    *,
    regularization: float = 1e-5,
    solver: Callable[[Operator, np.ndarray], Solution] | None = None,
) -> Layers:
    """Find the foreground and background colours that minimise one quadratic cost.

    For each colour channel it is, with pixels i and pairs ij of horizontal or vertical neighbours,

        Σ_i (α_i F_i + (1-α_i) B_i - I_i)² + Σ_ij (|α_i - α_j| + ε) ((F_i - F_j)² + (B_i - B_j)²),

    equation 19 of Levin et al. and ε, without which nothing fixes a layer where it cannot be seen.
    As in the authors' code, a pixel that shows one layer only has that layer's colour: F = I is
    held where alpha is 1, and B = I where alpha is 0.

    Parameters
    ----------
    image : (H, W, 3) array_like
        See `as_image`.
    alpha : (H, W) array_like
        Opacity in [0, 1].
    regularization : float
        ε, positive.
    solver : callable, optional
        `solver(A, b)` returns a `Solution`. It is called for each channel, to correct the result
        of `estimate_foreground`; its tolerance is a share of that result's residual. By default
        `cg` to 1e-3, which leaves alpha · F within 3e-3 of the exact minimum, with one incomplete
        Cholesky factor for the three channels.

    Returns
    -------
    Layers
        Clipped to [0, 1] after solving. A layer that is nowhere visible is one colour.

    Raises
    ------
    TypeError, ValueError
        If `image` or `alpha` is not as above, or `regularization` is not positive.

    Warns
    -----
    ConvergenceWarning
        If the solver did not reach its tolerance.
    """
    image = as_image(image)
    alpha = as_alpha(alpha, shape=image.shape[:2])
    refuse_unless_positive("regularization", regularization)
    if solver is not None:
        refuse_unless_solver(solver)
    layers = np.stack(estimate_foreground(image, alpha, regularization=regularization))
    free = np.stack([alpha < 1, alpha > 0])
    layers = np.where(free[..., None], layers, image)
    if free.any(axis=(1, 2)).all():  # else one layer is all of the image, and the other nowhere
        layers = _minimise(layers, free, image, alpha, regularization, solver)
    return Layers(*layers)


def _levels(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes from 1 × 1 to the image's; the longer side grows by about two each time."""
    steps = max(1, math.ceil(math.log2(max(height, width))))
    shares = [step / steps for step in range(steps + 1)]
    return [(round(height**share), round(width**share)) for share in shares]


def _typical_colours(observed: np.ndarray) -> np.ndarray:
    """Return the mean colours of the opaque and of the empty pixels, or of all where none is so."""
    planes, alpha = observed[:3].reshape(3, -1), observed[3].ravel()
    weights = np.stack([alpha > 0.9, alpha < 0.1], dtype=np.float32)
    weights[~weights.any(axis=1)] = 1
    return weights @ planes.T / weights.sum(axis=1, keepdims=True)


def _resample(planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the planes (C, H, W) at another size, each pixel from the nearest one."""
    from alphamat import _kernels

    if planes.shape[1:] == size:
        return planes
    rows, columns = (
        np.arange(new) * old // new for new, old in zip(size, planes.shape[1:], strict=True)
    )
    out = np.empty((len(planes), *size), np.float32)
    _kernels.resample(rows, columns, planes, out)
    return out


def _minimise(layers, free, image, alpha, regularization, solver):
    """Change the layers (2, H, W, 3), where they are free, to what minimises the cost."""
    from scipy.sparse import block_array, diags_array

    a, b = alpha.ravel(), 1 - alpha.ravel()
    S = _smoothness(alpha, regularization)
    A = block_array(
        [[S + diags_array(a * a), diags_array(a * b)], [diags_array(a * b), S + diags_array(b * b)]]
    ).tocsr()
    free = free.ravel()
    A_free = A[free][:, free]
    solver = solver or _cg_with_one_factor(A_free)
    x, pixels = layers.reshape(-1, 3), image.reshape(-1, 3)
    residuals = np.concatenate([a[:, None] * pixels, b[:, None] * pixels]) - A @ x
    solutions = [solver(A_free, r) for r in np.ascontiguousarray(residuals[free].T)]
    warn_unless_converged(min(solutions, key=lambda solution: solution.converged))
    x[free] += np.stack([solution.x for solution in solutions], axis=1)
    return np.clip(x, 0, 1).reshape(layers.shape)


def _cg_with_one_factor(A):
    M = ichol(A, discard_threshold=1e-3)
    return partial(cg, preconditioner=lambda A: M, rtol=1e-3)


def _smoothness(alpha: np.ndarray, regularization: float):
    """Return the Laplacian of the grid whose edges weigh |α_i - α_j| + ε, as a CSR array."""
    from scipy.sparse import coo_array, diags_array

    index = np.arange(alpha.size).reshape(alpha.shape)
    pairs = [(index[:, :-1], index[:, 1:]), (index[:-1], index[1:])]
    i, j = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in range(2))
    weights = np.abs(alpha.flat[i] - alpha.flat[j]) + regularization
    W = coo_array((weights, (i, j)), shape=(alpha.size, alpha.size)).tocsr()
    W = W + W.T
    return (diags_array(W.sum(axis=1)) - W).tocsr()
