"""The colours of the two layers behind an image and its alpha, from coarse to fine.

Germer, Uelwer, Conrad & Harmeling, "Fast Multi-Level Foreground Estimation", ICPR 2020.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from alphamat.door.image import Pixels, as_alpha, as_image
from alphamat.door.parameters import as_count, as_number, as_positive
from alphamat.foreground import _multilevel_kernels as _kernels
from solvers.loops import over_range

SWEEPS = 10  # in one go: more are cut, so that Python hears Ctrl-C between them


class Layers(NamedTuple):
    """What an image is made of: image = alpha · foreground + (1 - alpha) · background."""

    foreground: np.ndarray
    """(H, W, 3) float64 colours in [0, 1], not multiplied by alpha."""
    background: np.ndarray
    """Likewise."""


def estimate_foreground(
    image: Pixels,
    alpha: Pixels,
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

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.fur, 48, 64)
    >>> foreground, background = alphamat.estimate_foreground(scene.image, scene.alpha)
    >>> again = alphamat.composite(foreground, scene.alpha, background)
    >>> bool(abs(again - scene.image).mean() < 0.01)
    True
    """
    image = as_image(image)
    alpha = as_alpha(alpha, shape=image.shape[:2])
    regularization = as_positive(regularization, "regularization")
    gradient_weight = as_number(gradient_weight, "gradient_weight", "a number ≥ 0", least=0)
    small_size = as_count(small_size, "small_size", least=0)
    small_iterations = as_count(small_iterations, "small_iterations")
    big_iterations = as_count(big_iterations, "big_iterations")
    epsilon = np.float32(np.clip(regularization, 1e-30, 1e30))  # float32 can divide by their sums
    omega = np.float32(np.clip(gradient_weight, 0, 1e30))
    layers = _typical_colours(image, alpha)
    for size in _levels(*alpha.shape):
        sweeps = small_iterations if max(size) <= small_size else big_iterations
        at = _nearest(size, alpha.shape)
        for left in range(sweeps, 0, -SWEEPS):
            count, above = min(SWEEPS, left), _nearest(size, layers[0].shape)
            dtype = np.float64 if size == alpha.shape and left <= SWEEPS else np.float32
            coarser, layers = layers, (np.empty((*size, 3), dtype), np.empty((*size, 3), dtype))
            work = 20 * count * layers[0].size
            arguments = count, epsilon, omega, at, image, alpha, above, coarser, *layers
            over_range(_kernels.refine, size[0], work, *arguments)
    return Layers(*(layer.astype(np.float64, copy=False) for layer in layers))


def _levels(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes up to the image's, above one pixel; the longer side grows by about two each time."""
    steps = math.ceil(math.log2(max(height, width)))
    shares = [step / steps for step in range(1, steps + 1)]
    return [(round(height**share), round(width**share)) for share in shares]


def _typical_colours(image: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean colours of the opaque and of the empty pixels, or of all if there are none.

    They are layers (1, 1, 3).
    """
    sums = np.sum(over_range(_kernels.sum_colours, len(alpha), image.size, image, alpha), axis=0)
    foreground, background = (
        np.float32(s[:3] / s[3] if s[3] else image.mean(axis=(0, 1))).reshape(1, 1, 3) for s in sums
    )
    return foreground, background


def _nearest(size: tuple[int, int], shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows and columns of an array lie nearest to those of another size."""
    rows, columns = (np.arange(new) * old // new for new, old in zip(size, shape, strict=False))
    return rows, columns
