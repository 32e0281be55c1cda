"""Geometric multigrid whose coarse functions are what the matrix nearly annihilates.

The coarse functions are bilinear hats on a lattice of nodes, times each near-null function of the
matrix: for the matting Laplacian the constant and the three colour channels, so that a coarse
node holds one locally affine function of colour. On them the matrix is projected (Galerkin), and
again on lattices of twice the spacing, until a dense inverse is cheap. One cycle, smoothed by
damped Jacobi, is a symmetric preconditioner; what it does on the lattices is in solvers.lattice.

Briggs, Henson & McCormick, "A Multigrid Tutorial", 2nd ed. 2000; for near-null functions
Vaněk, Mandel & Brezina, "Algebraic Multigrid by Smoothed Aggregation", Computing 56, 1996.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from solvers import _kernels
from solvers import _multigrid_kernels as kernels
from solvers.grid import Region, StencilMatrix, as_stencil
from solvers.lanczos import largest_eigenvalue
from solvers.lattice import HALF, Lattices, Nodes
from solvers.loops import over_bounds, over_strips
from solvers.parameters import as_count, as_number
from solvers.runs import LENGTH, STORED, X, Y, pieces_of

MOST = 10_000  # cells between nodes, or nodes with a dense inverse


def multigrid(
    A: StencilMatrix, *, spacing: int = 5, coarsest: int = 48, damping: float = 1.8
) -> Callable[[np.ndarray], np.ndarray]:
    """Return one cycle as a preconditioner r -> z.

    Parameters
    ----------
    A : StencilMatrix
        The matrix knows its grid, and the functions that it nearly annihilates.
    spacing : int
        Cells between the nodes of the first coarse lattice, at least the reach of `A`.
    coarsest : int
        Number of nodes at which the dense inverse takes over, at least 4.
    damping : float
        Jacobi's step, as a multiple of 1 / λmax(D⁻¹A).

    Notes
    -----
    Everything is assembled in float64 and applied in float32; the solver around it corrects.

    Examples
    --------
    >>> from functools import partial
    >>> import alphamat
    >>> import solvers
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.fur, 48, 64)
    >>> solver = partial(solvers.cg, preconditioner=partial(solvers.multigrid, spacing=4))
    >>> alphamat.closed_form_system(scene.image, scene.trimap).solve(solver).solution.converged
    True
    """
    A = as_stencil(A, caller="multigrid")
    spacing = max(as_count(spacing, "spacing", most=MOST), A.region.reach)
    coarsest = as_count(coarsest, "coarsest", least=4, most=MOST)  # 2 × 2 does not get smaller
    expected = "a positive number below 2, such as 1.8; from 2 on the step would not converge"
    damping = as_number(damping, "damping", expected, least=1e-12, most=math.nextafter(2, 1))
    fine = _Fine.of(A, spacing, damping)
    lattices = Lattices.of(*fine.project(A), damping, coarsest)
    return partial(fine.cycle, coarser_solve=lattices.solve)


@dataclass(frozen=True, eq=False)
class _Fine:
    """The cells themselves: smoothing, and the way to the first lattice and back."""

    region: Region
    planes: np.ndarray  # float32
    near_null: np.ndarray  # (stored cells, K): all functions of a cell lie side by side
    weight: np.ndarray  # damping / (λmax D) at the stored cells, zero in the halo
    segments: np.ndarray
    strips: np.ndarray
    nodes: Nodes
    hats: np.ndarray  # weight of the node behind, for each place between two nodes

    @classmethod
    def of(cls, A: StencilMatrix, spacing: int, damping: float):
        region = A.region
        near_null = A.near_null
        if near_null is None:
            near_null = region.expand(np.ones(region.size), np.float32)[None]
        near_null = np.ascontiguousarray(near_null.T)
        segments, strips, nodes = _segments(region, spacing)
        planes = A.planes.astype(np.float32)
        diagonal = A.diagonal()
        inverse = region.expand(1 / diagonal, np.float32)
        diagonal = region.expand(diagonal, np.float32)

        def apply(x):
            out = np.zeros_like(x)
            _apply(region, planes, x, out)
            return inverse * out

        largest = largest_eigenvalue(apply, diagonal.shape, weight=diagonal)
        weight = np.float32(damping / largest) * inverse
        hats = (1 - (np.arange(spacing) + 0.5) / spacing).astype(np.float32)
        return cls(region, planes, near_null, weight, segments, strips, nodes, hats)

    def project(self, A: StencilMatrix):
        """Return the lattice and Pᵀ A P on it: (n, K, 13, K) float64 blocks."""
        functions = self.near_null.shape[1]
        blocks = np.zeros((len(self.nodes.at), functions, HALF, functions))
        project = partial(
            over_strips, kernels.project, self.strips, 50 * A.planes.size, self.segments
        )
        hats = self.hats.astype(np.float64)
        project(A.planes, self.near_null, hats, (0,) * functions, blocks)
        return self.nodes, blocks

    def cycle(self, r: np.ndarray, coarser_solve: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        region, planes, near_null, hats = self.region, self.planes, self.near_null, self.hats
        work, like = 2 * near_null.size, (0,) * near_null.shape[1]
        r = region.expand(r, np.float32)
        x = self.weight * r
        Ax = np.empty_like(r)
        _apply(region, planes, x, Ax)
        b = np.zeros((len(self.nodes.at), len(like)), np.float32)
        way = near_null, hats, like
        over_strips(kernels.restrict, self.strips, work, self.segments, r, Ax, *way, b)
        y = coarser_solve(b)
        over_bounds(kernels.prolong, self.strips, work, self.segments, y, *way, x)
        _apply(region, planes, x, Ax)
        z = np.empty(region.size)
        over_bounds(kernels.relax, region.bounds, 5 * z.size, region.runs, self.weight, r, Ax, x, z)
        return z


def _segments(region: Region, spacing: int):
    """Cut the runs of cells where they cross from one square of the node lattice to the next.

    Returns these segments, whose columns are those of the kernels; where the segments of each row
    of squares begin; and the nodes at the squares' corners.
    """
    runs = region.runs
    length, y, x = runs[:, LENGTH], runs[:, Y], runs[:, X]
    run, piece = pieces_of((x + length - 1) // spacing - x // spacing + 1)
    begin = np.maximum(x[run], (x[run] // spacing + piece) * spacing)
    end = np.minimum(x[run] + length[run], (x[run] // spacing + piece + 1) * spacing)
    square_y, square_x = y[run] // spacing, begin // spacing

    exists = np.zeros((square_y.max(initial=0) + 2, square_x.max(initial=0) + 2), bool)
    for dy in (0, 1):
        for dx in (0, 1):
            exists[square_y + dy, square_x + dx] = True
    nodes = Nodes.of(exists)

    rows = runs[run, STORED:] + (begin - x[run])[:, None]
    segments = np.empty((len(run), kernels.ROWS + rows.shape[1]), np.int64)
    segments[:, kernels.START] = rows[:, region.reach]
    segments[:, kernels.SIZE] = end - begin
    segments[:, kernels.LEFT], segments[:, kernels.ABOVE] = begin % spacing, y[run] % spacing
    segments[:, kernels.UPPER] = nodes.number[square_y, square_x]
    segments[:, kernels.LOWER] = nodes.number[square_y + 1, square_x]
    segments[:, kernels.ROWS :] = rows
    strips = np.searchsorted(square_y, np.arange(square_y.max(initial=-1) + 2))
    return segments, strips, nodes


def _apply(region: Region, planes: np.ndarray, x: np.ndarray, out: np.ndarray) -> None:
    """out ← A x at the chosen ones of the stored cells."""
    arguments = region.runs, planes, x, STORED + region.reach, out
    over_bounds(_kernels.apply_stencil, region.bounds, planes.size, *arguments)
