"""The matting Laplacian: alpha is an affine function of colour in each small window.

Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting", TPAMI 30(2), 2008.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alphamat.laplacians import _colour_line_kernels as kernels
from alphamat.laplacians.windows import Windows, refuse_beyond_memory
from solvers import StencilMatrix
from solvers.grid import Region
from solvers.loops import over_strips
from solvers.runs import LENGTH


def colour_line_laplacian(
    image: np.ndarray, unknown: np.ndarray, *, epsilon: float, radius: int, squared: bool = False
) -> StencilMatrix:
    """Return the rows of the matting Laplacian that belong to unknown pixels (eq. 12, TPAMI).

    L_ij = Σ_{k: i, j in w_k} (δ_ij - (1 + (I_i - μ_k)ᵀ (Σ_k + ε/|w_k|)⁻¹ (I_j - μ_k)) / |w_k|)

    That is a sum of I - F over windows, with F what fits alpha there; `squared`, of (I - F)². Only
    windows that touch an unknown pixel are visited. MemoryError if this machine cannot hold them.
    """
    refuse_beyond_memory(int(np.count_nonzero(unknown)), radius)
    windows = Windows.touching(unknown, radius)
    refuse_beyond_memory(windows.region.size, radius, windows.region.stored_size)
    planes = windows.planes(kernels.colour_line, image, epsilon, squared)
    near_null = affine_in_colour(image, unknown, windows.region)
    return StencilMatrix(windows.region, planes, near_null)


def colour_line_noise(
    image: np.ndarray, unknown: np.ndarray, *, epsilon: float, radius: int, squared: bool = False
) -> Callable[[np.random.Generator], np.ndarray]:
    """Return what draws flat vectors over the unknown pixels whose covariance is the Laplacian.

    The windows' shares of L are drawn one by one and added up; Papandreou & Yuille, "Gaussian
    Sampling by Local Perturbations", NIPS 2010.
    """
    windows = Windows.touching(unknown, radius)
    region, cells = windows.region, (2 * radius + 1) ** 2

    def draw(rng: np.random.Generator) -> np.ndarray:
        noise = rng.standard_normal((int(windows.runs[:, LENGTH].sum()), cells + 3), np.float32)
        if squared:
            noise[:, cells:] = 0
        out = np.zeros(region.stored_size)
        arguments = windows.runs, image, epsilon, noise, out
        over_strips(kernels.draw, windows.strips, 20 * noise.size, *arguments)
        return out[region.chosen[region.stored]]

    return draw


def affine_in_colour(image: np.ndarray, unknown: np.ndarray, region: Region) -> np.ndarray:
    """Return the functions that windows fit to alpha, for multigrid: one, red, green and blue."""
    colours = image[unknown].T - 0.5
    functions = (np.ones_like(colours[0]), *colours)
    return np.stack([region.expand(np.ascontiguousarray(f), np.float32) for f in functions])
