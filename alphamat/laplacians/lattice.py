"""A coarse correction for large windows: functions affine in colour, on a lattice.

Each window fits alpha by an affine function of colour. Their Laplacian hardly sees slow changes
from one such function to another. A lattice of these functions corrects such errors, and a Jacobi
step the others. The lattice's matrix comes from products with the operator alone. Each product is
with many functions at once, so far apart that what the operator makes of them does not overlap.

Vaněk, Mandel & Brezina, "Algebraic Multigrid by Smoothed Aggregation", Computing 56, 1996, for
near-null functions; Curtis, Powell & Reid, "On the Estimation of Sparse Jacobian Matrices", 1974.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphamat.door.parameters import as_count
from alphamat.laplacians import _lattice_kernels
from alphamat.laplacians.boxes import ColourLineBoxes
from solvers.loops import over_bounds, over_strips
from solvers.runs import RunsByRow

APART = 5  # nodes; if two functions are so far apart, no third one overlaps L times both
MOST_NODES = 4000  # about; factorising more takes longer than it saves


def colour_lattice(
    A: ColourLineBoxes, *, spacing: int | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """Return Jacobi and an exact solve on the lattice, added up, as a preconditioner r -> z.

    Parameters
    ----------
    A : ColourLineBoxes
        The rows of a matting Laplacian.
    spacing : int, optional
        Pixels between nodes, at least twice the largest radius. By default 16, or more if the
        radius needs it or there would be more than about 4000 nodes.
    """
    if not isinstance(A, ColourLineBoxes):
        raise TypeError(
            f"`A` is a {type(A).__name__}; colour_lattice needs ColourLineBoxes, which know their "
            "colours. For other operators use `jacobi`, `ichol` or `multigrid`."
        )
    least = 2 * max(box.radius(A.image) for box in A.boxes)
    default = max(16, least, math.isqrt(A.at.size // MOST_NODES))
    spacing = default if spacing is None else as_count(spacing, "spacing")
    if spacing < least:
        raise ValueError(
            f"`spacing` is {spacing}; expected at least {least}, twice the largest radius."
        )
    lattice = Lattice.of(A, spacing)
    solve = _factorised(lattice.galerkin(A))
    inverse = 1 / A.diagonal()

    def apply(r: np.ndarray) -> np.ndarray:
        coarse = solve(lattice.restrict(r)[lattice.used].ravel())
        return inverse * r + lattice.prolong(lattice.placed(coarse))

    return apply


@dataclass(frozen=True, eq=False)
class Lattice:
    """Nodes every `spacing` pixels, each of which stands for 1, R - ½, G - ½, B - ½ times a hat."""

    image: np.ndarray
    pixels: RunsByRow
    spacing: int
    used: np.ndarray
    """(rows, columns): nodes whose hat meets a pixel to solve for."""
    size: int

    @classmethod
    def of(cls, A: ColourLineBoxes, spacing: int) -> Lattice:
        pixels = RunsByRow.of(A.number < A.at.size)
        rows, columns = (side // spacing + 2 for side in A.number.shape)
        lattice = cls(A.image, pixels, spacing, np.ones((rows, columns), bool), A.at.size)
        used = lattice.restrict(np.ones(A.at.size))[..., 0] > 0
        return cls(A.image, pixels, spacing, used, A.at.size)

    def prolong(self, nodes: np.ndarray) -> np.ndarray:
        """Return the values (n,) of the function with these coefficients (rows, columns, 4)."""
        out = np.empty(self.size)
        bounds = np.arange(len(self.image) + 1)
        work, kernel = 20 * self.size, _lattice_kernels.prolong
        over_bounds(kernel, bounds, work, self.image, *self.pixels, self.spacing, nodes, out)
        return out

    def restrict(self, x: np.ndarray) -> np.ndarray:
        """Return the sums (rows, columns, 4) of x times each function."""
        nodes = np.zeros((*self.used.shape, 4))
        height = len(self.image)
        strips = np.arange(0, height + self.spacing, self.spacing).clip(max=height)
        work, kernel = 20 * self.size, _lattice_kernels.restrict
        over_strips(kernel, strips, work, self.image, *self.pixels, self.spacing, x, nodes)
        return nodes

    def placed(self, coefficients: np.ndarray) -> np.ndarray:
        """Return coefficients of the used nodes as (rows, columns, 4)."""
        nodes = np.zeros((*self.used.shape, 4))
        nodes[self.used] = coefficients.reshape(-1, 4)
        return nodes

    def galerkin(self, A: ColourLineBoxes) -> Any:
        """Return Pᵀ A P as a SciPy CSR array, four rows for each used node."""
        from scipy.sparse import csr_array

        number = np.full(self.used.shape, -1)
        number[self.used] = np.arange(np.count_nonzero(self.used))
        number = np.pad(number, 2, constant_values=-1)
        rows, columns, values = [], [], []
        y, x = np.nonzero(self.used)
        for first_y, first_x in np.ndindex(APART, APART):
            # of this class, the only node whose product reaches each node
            near_y = y + (first_y - y + 2) % APART - 2
            near_x = x + (first_x - x + 2) % APART - 2
            near = number[near_y + 2, near_x + 2]
            met = np.flatnonzero(near >= 0)
            if met.size == 0:
                continue
            for function in range(4):
                nodes = np.zeros((*self.used.shape, 4))
                nodes[first_y::APART, first_x::APART, function] = 1
                products = self.restrict(A @ self.prolong(nodes))[self.used]
                rows.append((4 * met[:, None] + np.arange(4)).ravel())
                columns.append(np.repeat(4 * near[met] + function, 4))
                values.append(products[met].ravel())
        triplets = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
        matrix = csr_array(triplets)
        return (matrix + matrix.T) / 2


def _factorised(matrix: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Factorise, with a ridge where a node's functions of colour are alike."""
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import splu

    ridge = 1e-12 * np.repeat(matrix.diagonal().reshape(-1, 4).max(axis=1), 4)
    return splu(
        (matrix + diags_array(ridge)).tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    ).solve
