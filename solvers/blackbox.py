"""Black-box multigrid: the coarse correction of a matrix on a grid, whatever its coefficients.

Every second cell in each direction becomes a node of the coarse grid. The matrix itself decides
what a coarse function is between its nodes: it bends where couplings jump, and stops at cells that
are held fast. The matrix is projected onto these functions (Galerkin).

Dendy, "Black Box Multigrid", Journal of Computational Physics 48, 1982.

A symmetric matrix that couples a cell to its eight neighbours is `planes` (5, H + 4, W + 4), as
`grid.offsets(1)` lists them: entries that couple the cell to itself, and to those east, southwest,
south and southeast of it. Two cells of zeros surround every grid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from solvers import _blackbox_kernels as _kernels
from solvers.grid import offsets
from solvers.loops import over_range

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

PAD = 2
COARSEST = 64  # cells; a dense inverse takes over
RIDGE = 1e-6  # share of the diagonal that the dense inverse adds: the matrix may be singular
OVERSTEP = 1.6  # smoothing multiplies r by this / Σ|A_ij|; below 2 it cannot diverge


def padded(*shape: int, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Return zeros (…, H + 4, W + 4) for fields on a grid of `shape` (…, H, W)."""
    *planes, height, width = shape
    return np.zeros((*planes, height + 2 * PAD, width + 2 * PAD), dtype)


def coarse_correction(planes: np.ndarray) -> Callable[[np.ndarray, np.ndarray], None]:
    """Return a function that adds an approximation of A⁻¹ q, from coarser grids, to x.

    Parameters
    ----------
    planes : (5, H + 4, W + 4) float64 array
        A, as above; positive semidefinite.

    Returns
    -------
    callable
        correct(q, x), with `padded` float32 fields. x gains P V Pᵀ q, where P are the coarse
        functions and V is one V(1, 1)-cycle on them, smoothed by damped Jacobi: symmetric and
        positive. It reduces no error that P cannot represent; smooth before and after.
    """
    height, width = (cells - 2 * PAD for cells in planes.shape[1:])
    size = ((height + 1) // 2, (width + 1) // 2)
    P, coarse = padded(8, *size), padded(5, *size, dtype=np.float64)
    for kernel, *arguments in (
        (_kernels.share_between_two, planes, P),
        (_kernels.share_among_four, planes, P),
        (_kernels.project, planes, P, coarse),
    ):
        over_range(kernel, size[0], 20 * planes[0].size, *arguments)
    r = padded(*size)
    solve = _cycle(coarse)

    def correct(q: np.ndarray, x: np.ndarray) -> None:
        over_range(_kernels.restrict, size[0], 3 * q.size, P, q, r)
        over_range(_kernels.prolong, size[0], 3 * q.size, P, solve(r), x)

    return correct


def _cycle(planes: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return r -> z, close to A⁻¹ r. z is overwritten by the next call."""
    height, width = (cells - 2 * PAD for cells in planes.shape[1:])
    if height * width <= COARSEST:
        return _dense(planes)
    correct = coarse_correction(planes)
    weight = _smoothing_weight(planes)
    planes = planes.astype(np.float32)
    x, z = padded(height, width), padded(height, width)

    def cycle(r: np.ndarray) -> np.ndarray:
        over_range(_kernels.scale, height, 2 * x.size, weight, r, x)
        over_range(_kernels.residual, height, 7 * x.size, planes, x, r, z)
        correct(z, x)
        over_range(_kernels.relax, height, 8 * x.size, planes, weight, r, x, z)
        return z

    return cycle


def _smoothing_weight(planes: np.ndarray) -> np.ndarray:
    size = np.abs(planes)
    total = size[0]
    for plane, step in zip(size[1:], offsets(1)[1:], strict=True):
        total += plane + np.roll(plane, step, axis=(0, 1))
    return np.divide(OVERSTEP, total, out=np.zeros_like(total), where=total > 0).astype(np.float32)


def _dense(planes: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    height, width = (cells - 2 * PAD for cells in planes.shape[1:])
    count = height * width
    number = np.full(planes.shape[1:], count)
    inside = np.s_[PAD:-PAD, PAD:-PAD]
    number[inside] = np.arange(count).reshape(height, width)
    matrix = np.zeros((count + 1, count + 1))
    for plane, (down, right) in zip(planes, offsets(1), strict=True):
        i, j = number, np.roll(number, (-down, -right), axis=(0, 1))
        matrix[i[inside], j[inside]] = matrix[j[inside], i[inside]] = plane[inside]
    matrix, z = matrix[:-1, :-1], padded(height, width)
    if count == 1:  # if A is singular, only rounding is left here; smoothing will do
        return lambda r: z
    inverse = np.linalg.inv(matrix + RIDGE * np.diag(np.diag(matrix))).astype(np.float32)

    def solve(r: np.ndarray) -> np.ndarray:
        z[inside] = (inverse @ r[inside].ravel()).reshape(height, width)
        return z

    return solve
