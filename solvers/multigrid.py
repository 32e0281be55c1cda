"""Geometric multigrid whose coarse functions are what the matrix nearly annihilates.

The coarse functions are bilinear hats on a lattice of nodes, times each near-null function of the
matrix: for the matting Laplacian the constant and the three colour channels, so that a coarse
node holds one locally affine function of colour. On them the matrix is projected (Galerkin), and
again on lattices of twice the spacing, until a dense inverse is cheap. One V-cycle, smoothed by
damped Jacobi, is a symmetric preconditioner.

Briggs, Henson & McCormick, "A Multigrid Tutorial", 2nd ed. 2000; for near-null functions
Vaněk, Mandel & Brezina, "Algebraic Multigrid by Smoothed Aggregation", Computing 56, 1996.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from solvers.grid import StencilMatrix
from solvers.threads import apart, evenly, shares

HALF_REACH = 13  # blocks stored at a node: its own, and those of the 12 nodes ahead within 2
DEPENDENT = 1e-7  # share of its energy below which a function adds nothing to earlier ones
RIDGE = 1e-6  # keeps the dense inverse within what float32 can apply


def multigrid(A: StencilMatrix, *, spacing: int = 8, coarsest: int = 24, damping: float = 1.8):
    """Return one V(1, 1)-cycle as a preconditioner r -> z.

    Parameters
    ----------
    A : StencilMatrix
        The matrix knows its grid, and the functions that it nearly annihilates.
    spacing : int
        Cells between the nodes of the first coarse lattice, at least the reach of `A`.
    coarsest : int
        Number of nodes at which the dense inverse takes over.
    damping : float
        Jacobi's step, as a multiple of 1 / λmax(D⁻¹A).

    Notes
    -----
    Everything is assembled in float64 and applied in float32; the solver around it corrects.
    """
    if not isinstance(A, StencilMatrix):
        raise TypeError(
            f"`A` is a {type(A).__name__}; multigrid needs a StencilMatrix, which knows its grid. "
            "For other matrices use `jacobi` or `ichol`."
        )
    spacing = max(spacing, A.region.reach)
    fine = _Fine.of(A, spacing, damping)
    nodes, blocks = fine.project(A)
    levels = [fine]
    while len(nodes.at) > coarsest:
        level, nodes, blocks = _coarsen(nodes, blocks, damping)
        levels.append(level)
    cycle = _Bottom.of(blocks, nodes).cycle
    for level in reversed(levels):
        cycle = partial(level.cycle, coarser_solve=cycle)
    return cycle


@dataclass(frozen=True)
class _Nodes:
    """A lattice of coarse nodes, of which only those near chosen cells exist."""

    at: np.ndarray  # (n, 2) row and column on the lattice
    number: np.ndarray  # (rows, columns) index of each node, or -1

    @classmethod
    def of(cls, exists: np.ndarray):
        number = np.full(exists.shape, -1, np.int32)
        number[exists] = np.arange(np.count_nonzero(exists))
        return cls(np.argwhere(exists), number)

    def neighbours(self) -> np.ndarray:
        """Return (n, 25) indices of the nodes within 2, in reading order; n where there is none."""
        padded = np.pad(self.number, 2, constant_values=-1)
        y, x = self.at.T
        around = [padded[y + dy, x + dx] for dy in range(5) for dx in range(5)]
        found = np.stack(around, axis=1)
        return np.where(found < 0, len(self.at), found).astype(np.int32)


@dataclass(frozen=True)
class _Fine:
    """The cells themselves: smoothing, and the way to the first lattice and back."""

    region: object
    planes: np.ndarray  # float32
    near_null: np.ndarray
    weight: np.ndarray  # damping / (λmax D) at the stored cells, zero in the halo
    segments: np.ndarray
    strips: np.ndarray
    nodes: _Nodes
    hats: np.ndarray  # weight of the node behind, for each place between two nodes

    @classmethod
    def of(cls, A: StencilMatrix, spacing: int, damping: float):

        region = A.region
        near_null = A.near_null
        if near_null is None:
            near_null = region.expand(np.ones(region.size, np.float32))[None]
        segments, strips, nodes = _segments(region, spacing)
        planes = A.planes.astype(np.float32)
        inverse = region.expand((1 / A.diagonal()).astype(np.float32))

        def apply(x):
            out = np.zeros_like(x)
            _apply(region, planes, x, out)
            return inverse * out

        start = region.expand(_rough(region.size))
        diagonal = region.expand(A.diagonal().astype(np.float32))
        largest = _largest_eigenvalue(apply, start, diagonal)
        weight = np.float32(damping / largest) * inverse
        hats = (1 - (np.arange(spacing) + 0.5) / spacing).astype(np.float32)
        return cls(region, planes, near_null, weight, segments, strips, nodes, hats)

    def project(self, A: StencilMatrix):
        """Return the lattice and Pᵀ A P on it: (n, K, 13, K) float64 blocks."""
        from solvers import _multigrid_kernels as _kernels

        functions = len(self.near_null)
        blocks = np.zeros((len(self.nodes.at), functions, HALF_REACH, functions))
        work = 50 * A.planes.size
        like = (0,) * functions
        apart(
            *(_kernels.project, self.strips, work, self.segments),
            *(A.planes, self.near_null, self.hats, like, blocks),
        )
        return self.nodes, blocks

    def cycle(self, r: np.ndarray, coarser_solve) -> np.ndarray:
        from solvers import _multigrid_kernels as _kernels

        region, planes, near_null, hats = self.region, self.planes, self.near_null, self.hats
        work = 2 * near_null.size
        r = region.expand(r, np.float32)
        x = self.weight * r
        Ax = np.empty_like(r)
        _apply(region, planes, x, Ax)
        b = np.zeros((len(self.nodes.at), len(near_null)), np.float32)
        apart(_kernels.restrict, self.strips, work, self.segments, r, Ax, near_null, hats, b)
        y = coarser_solve(b)
        shares(_kernels.prolong, self.strips, work, self.segments, y, near_null, hats, x)
        _apply(region, planes, x, Ax)
        z = np.empty(region.size)
        shares(_kernels.relax, region.bounds, 5 * z.size, region.runs, self.weight, r, Ax, x, z)
        return z


def _apply(region, planes: np.ndarray, x: np.ndarray, out: np.ndarray) -> None:
    """out ← A x at the chosen ones of the stored cells."""
    from solvers import _kernels

    own = 4 + region.reach
    shares(_kernels.apply_stencil, region.bounds, planes.size, region.runs, planes, x, own, out)


def _segments(region, spacing: int):
    """Cut the runs of cells where they cross from one square of the node lattice to the next.

    A segment's row: where it is stored, its length, its x and y within the square, the nodes at
    the square's upper left and lower left, and where the segment's cell is stored in each row
    within reach. `strips` bounds the segments of each row of squares.
    """
    runs = region.runs
    length, y, x = runs[:, 1], runs[:, 2], runs[:, 3]
    pieces = (x + length - 1) // spacing - x // spacing + 1
    run = np.repeat(np.arange(len(runs)), pieces)
    piece = np.arange(len(run)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    begin = np.maximum(x[run], (x[run] // spacing + piece) * spacing)
    end = np.minimum(x[run] + length[run], (x[run] // spacing + piece + 1) * spacing)
    square_y, square_x = y[run] // spacing, begin // spacing

    exists = np.zeros((square_y.max(initial=0) + 2, square_x.max(initial=0) + 2), bool)
    for dy in (0, 1):
        for dx in (0, 1):
            exists[square_y + dy, square_x + dx] = True
    nodes = _Nodes.of(exists)

    stored = runs[run, 4:] + (begin - x[run])[:, None]
    own = stored[:, region.reach]
    upper, lower = nodes.number[square_y, square_x], nodes.number[square_y + 1, square_x]
    place = [own, end - begin, begin % spacing, y[run] % spacing, upper, lower]
    segments = np.concatenate([np.stack(place, axis=1), stored], axis=1)
    strips = np.searchsorted(square_y, np.arange(square_y.max(initial=-1) + 2))
    return np.ascontiguousarray(segments), strips, nodes


@dataclass(frozen=True)
class _Level:
    """One coarse lattice, scaled so that each node's own block is the identity.

    With C Cᵀ a node's own block, the scaled unknowns are Cᵀ x and the scaled right-hand side is
    C⁻¹ b: without this, float32 loses what nearly dependent functions share.
    """

    blocks: np.ndarray  # (n, K, 25 K) float32: scaled couplings to the neighbours
    neighbours: np.ndarray
    factor: np.ndarray  # (n, K, K) C
    inverse: np.ndarray  # (n, K, K) C⁻¹
    weight: np.float32
    parents: np.ndarray  # (n, 4) on the next lattice, for bilinear interpolation
    shares: np.ndarray  # (n, 4)
    below: int  # nodes of the next lattice

    @classmethod
    def of(cls, blocks, nodes: _Nodes, coarser: _Nodes, damping: float):
        from solvers import _multigrid_kernels as _kernels

        neighbours = nodes.neighbours()
        parents, shares = _parents(nodes, coarser)
        scaled, factor, inverse = _scale(blocks, neighbours)
        count, functions = factor.shape[:2]

        def apply(x):
            padded = np.concatenate([x, np.zeros_like(x[:1])])
            evenly(
                *(_kernels.block_residual, count, scaled.size),
                *(neighbours, scaled, zero, padded, (0,) * functions, out),
            )
            return -out

        zero, out = np.zeros((2, count, functions), np.float32)
        start = _rough(count * functions).reshape(count, functions)
        weight = np.float32(damping / _largest_eigenvalue(apply, start))
        below = len(coarser.at)
        return cls(scaled, neighbours, factor, inverse, weight, parents, shares, below)

    def cycle(self, b: np.ndarray, coarser_solve) -> np.ndarray:
        from solvers import _multigrid_kernels as _kernels

        like = (0,) * b.shape[1]
        residual = partial(evenly, _kernels.block_residual, len(b), self.blocks.size)
        scaled, r = np.empty_like(b), np.empty_like(b)
        x = np.empty((len(b) + 1, b.shape[1]), np.float32)
        coarse = np.zeros((self.below, b.shape[1]), np.float32)
        _kernels.enter(self.inverse, b, self.weight, like, scaled, x)
        residual(self.neighbours, self.blocks, scaled, x, like, r)
        _kernels.restrict_nodes(self.parents, self.shares, self.factor, r, like, coarse)
        correction = coarser_solve(coarse)
        _kernels.prolong_nodes(self.parents, self.shares, self.factor, correction, like, x)
        residual(self.neighbours, self.blocks, scaled, x, like, r)
        _kernels.leave(self.inverse, r, self.weight, like, x)
        return x[:-1]


def _coarsen(nodes: _Nodes, blocks: np.ndarray, damping: float):
    """Return the level of these nodes, the next lattice, and the blocks projected onto it."""
    from solvers import _multigrid_kernels as _kernels

    exists = np.zeros((nodes.at.max(axis=0) // 2 + 2), bool)
    y, x = nodes.at.T
    for above in (y // 2, (y + 1) // 2):
        for left in (x // 2, (x + 1) // 2):
            exists[above, left] = True
    coarser = _Nodes.of(exists)
    level = _Level.of(blocks, nodes, coarser, damping)
    functions = blocks.shape[1]
    projected = np.zeros((len(coarser.at), functions, HALF_REACH, functions))
    _kernels.project_nodes(
        level.neighbours, level.parents, level.shares, coarser.at, blocks, projected
    )
    return level, coarser, projected


def _parents(nodes: _Nodes, coarser: _Nodes):
    """Return the coarser nodes between which each node lies, and its bilinear shares in them.

    Shares of a parent that occurs twice are zero but for the first.
    """
    y, x = nodes.at.T
    number = coarser.number
    parents = np.stack(
        [number[a, b] for a in (y // 2, (y + 1) // 2) for b in (x // 2, (x + 1) // 2)], axis=1
    )
    odd_y, odd_x = (y % 2).astype(np.float32) / 2, (x % 2).astype(np.float32) / 2
    shares = [a * b for a in (1 - odd_y, odd_y) for b in (1 - odd_x, odd_x)]
    return parents, np.stack(shares, axis=1)


def _scale(blocks: np.ndarray, neighbours: np.ndarray):
    """Return the couplings scaled to identity own blocks, and C and C⁻¹ of each node."""
    from solvers import _multigrid_kernels as _kernels

    count, functions = blocks.shape[:2]
    factor, inverse = np.zeros((2, count, functions, functions))
    _kernels.factorise(blocks, DEPENDENT, (0,) * functions, factor, inverse)
    scaled = np.zeros((count, functions, 25 * functions), np.float32)
    _kernels.scale_blocks(neighbours, inverse, blocks, (0,) * functions, scaled)
    return scaled, factor.astype(np.float32), inverse.astype(np.float32)


@dataclass(frozen=True)
class _Bottom:
    """The coarsest lattice, scaled like the others and solved exactly."""

    inverse: np.ndarray  # (n, K, K) C⁻¹
    dense: np.ndarray  # (n K, n K) inverse of the scaled matrix

    @classmethod
    def of(cls, blocks: np.ndarray, nodes: _Nodes):
        from solvers import _multigrid_kernels as _kernels

        neighbours = nodes.neighbours()
        scaled, _, inverse = _scale(blocks, neighbours)
        count, functions = inverse.shape[:2]
        dense = np.zeros((count, functions, count + 1, functions))
        for k in range(25):
            block = scaled[:, :, k * functions : (k + 1) * functions]
            dense[np.arange(count), :, neighbours[:, k]] += block
        dense = dense[:, :, :count].reshape(count * functions, count * functions)
        dense += (1 + RIDGE) * np.eye(len(dense))
        _kernels.invert(dense)
        return cls(inverse, dense.astype(np.float32))

    def cycle(self, b: np.ndarray) -> np.ndarray:
        from solvers import _multigrid_kernels as _kernels

        x, scaled = np.empty_like(b), np.empty(b.size, np.float32)
        _kernels.dense_solve(self.dense, self.inverse, b, (0,) * b.shape[1], scaled, x)
        return x


def _rough(size: int) -> np.ndarray:
    """Return a vector with energy at all frequencies, the same on every run."""
    return np.random.default_rng(size).standard_normal(size, dtype=np.float32)


def _largest_eigenvalue(apply, x: np.ndarray, weight=1, iterations: int = 10) -> float:
    """Estimate λmax by Lanczos' method, and step 5 % above the estimate.

    `apply` is self-adjoint in the inner product Σ weight x y. Power iteration would need several
    times as many steps; an estimate too low makes the smoother amplify what it should damp.
    """
    from scipy.linalg import eigvalsh_tridiagonal

    def norm(x):
        return np.sqrt(inner(x, x))

    def inner(x, y):
        return float((weight * x * y).sum(dtype=np.float64))

    diagonal, off = [], []
    previous, x = np.zeros_like(x), x / np.float32(norm(x))
    for _ in range(iterations):
        y = apply(x) - np.float32(off[-1] if off else 0) * previous
        diagonal.append(inner(x, y))
        y -= np.float32(diagonal[-1]) * x
        off.append(norm(y))
        if off[-1] < 1e-6:
            break
        previous, x = x, y / np.float32(off[-1])
    return 1.05 * float(eigvalsh_tridiagonal(diagonal, off[: len(diagonal) - 1])[-1])
