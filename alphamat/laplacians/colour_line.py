"""The matting Laplacian: alpha is an affine function of colour in each small window.

Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting", TPAMI 30(2), 2008.
"""

from __future__ import annotations

import numpy as np

from alphamat.laplacians import _colour_line_kernels as kernels
from alphamat.laplacians.windows import Windows, refuse_beyond_memory
from solvers import StencilMatrix
from solvers.grid import Region


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


def affine_in_colour(image: np.ndarray, unknown: np.ndarray, region: Region) -> np.ndarray:
    """Return the functions that windows fit to alpha, for multigrid: one, red, green and blue."""
    colours = image[unknown].T - 0.5
    functions = (np.ones_like(colours[0]), *colours)
    return np.stack([region.expand(np.ascontiguousarray(f), np.float32) for f in functions])
