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

HALF_REACH = 13  # blocks stored at a node: its own, and those of the 12 nodes ahead within 2
RIDGE = 1e-8  # of a block's diagonal: near-null functions may depend on each other


def multigrid(
    A: StencilMatrix, *, spacing: int = 8, coarsest: int = 48, damping: float = 1.6
):
    """Return one V(1, 1)-cycle as a preconditioner r -> z; z is float32.

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
    cycle = _Bottom.of(nodes, blocks).solve
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
        from solvers import _kernels

        region = A.region
        near_null = A.near_null
        if near_null is None:
            near_null = region.expand(np.ones(region.size, np.float32))[None]
        segments, strips, nodes = _segments(region, spacing)
        planes = A.planes.astype(np.float32)
        inverse = region.expand((1 / A.diagonal()).astype(np.float32))

        def apply(x):
            out = np.zeros_like(x)
            column = 4 + region.reach
            _kernels.apply_stencil(region.bounds, region.runs, planes, x, column, out)
            return inverse * out

        start = region.expand(_rough(region.size))
        weight = np.float32(damping / _largest_eigenvalue(apply, start)) * inverse
        hats = (1 - (np.arange(spacing) + 0.5) / spacing).astype(np.float32)
        return cls(region, planes, near_null, weight, segments, strips, nodes, hats)

    def project(self, A: StencilMatrix):
        """Return the lattice and Pᵀ A P on it: (n, K, 13, K) float64 blocks."""
        from solvers import _kernels

        functions = len(self.near_null)
        blocks = np.zeros((len(self.nodes.at), functions, HALF_REACH, functions))
        _kernels.project(
            self.strips,
            self.segments,
            A.planes,
            self.near_null,
            self.hats,
            self.nodes.neighbours(),
            (0,) * functions,
            blocks,
        )
        return self.nodes, blocks

    def cycle(self, r: np.ndarray, coarser_solve) -> np.ndarray:
        from solvers import _kernels

        region, own = self.region, 4 + self.region.reach
        r = region.expand(r, np.float32)
        x = self.weight * r
        Ax = np.empty_like(r)
        _kernels.apply_stencil(region.bounds, region.runs, self.planes, x, own, Ax)
        coarse = np.zeros((len(self.nodes.at), len(self.near_null)), np.float32)
        _kernels.restrict(
            self.strips, self.segments, r, Ax, self.near_null, self.hats, coarse
        )
        correction = coarser_solve(coarse)
        _kernels.prolong(self.strips, self.segments, correction, self.near_null, self.hats, x)
        _kernels.apply_stencil(region.bounds, region.runs, self.planes, x, own, Ax)
        z = np.empty(region.size, np.float32)
        _kernels.relax(region.bounds, region.runs, self.weight, r, Ax, x, z)
        return z


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

    blocks: np.ndarray  # (n, 12, K, K) float32: scaled couplings to the nodes ahead
    neighbours: np.ndarray
    factor: np.ndarray  # (n, K, K) C
    inverse: np.ndarray  # (n, K, K) C⁻¹
    weight: np.float32
    parents: np.ndarray  # (n, 4) on the next lattice, for bilinear interpolation
    shares: np.ndarray  # (n, 4)
    below: int  # nodes of the next lattice

    @classmethod
    def of(cls, blocks, nodes: _Nodes, coarser: _Nodes, damping: float):
        from solvers import _kernels

        neighbours = nodes.neighbours()
        parents, shares = _parents(nodes, coarser)
        scaled, factor, inverse = _scale(blocks, neighbours)
        count, functions = factor.shape[:2]

        def apply(x):
            out = np.empty_like(x)
            _kernels.block_residual(
                neighbours, scaled, np.zeros_like(x), x, (0,) * functions, out
            )
            return -out

        start = _rough(count * functions).reshape(count, functions)
        weight = np.float32(damping / _largest_eigenvalue(apply, start))
        below = len(coarser.at)
        return cls(scaled, neighbours, factor, inverse, weight, parents, shares, below)

    def cycle(self, b: np.ndarray, coarser_solve) -> np.ndarray:
        from solvers import _kernels

        like = (0,) * b.shape[1]
        scaled, x, r = np.empty_like(b), np.empty_like(b), np.empty_like(b)
        coarse = np.zeros((self.below, b.shape[1]), np.float32)
        _kernels.enter(self.inverse, b, self.weight, like, scaled, x)
        _kernels.block_residual(self.neighbours, self.blocks, scaled, x, like, r)
        _kernels.restrict_nodes(self.parents, self.shares, self.factor, r, like, coarse)
        correction = coarser_solve(coarse)
        _kernels.prolong_nodes(self.parents, self.shares, self.factor, correction, like, x)
        _kernels.block_residual(self.neighbours, self.blocks, scaled, x, like, r)
        _kernels.leave(self.inverse, r, self.weight, like, x)
        return x


def _coarsen(nodes: _Nodes, blocks: np.ndarray, damping: float):
    """Return the level of these nodes, the next lattice, and the blocks projected onto it."""
    from solvers import _kernels

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
    """Return the couplings scaled to identity diagonal blocks, and C and C⁻¹ of each node."""
    from solvers import _kernels

    count, functions = blocks.shape[:2]
    factor = np.linalg.cholesky(_ridged(blocks[:, :, 0]))
    inverse = np.linalg.inv(factor)
    scaled = np.empty((count, HALF_REACH - 1, functions, functions), np.float32)
    _kernels.scale_blocks(neighbours, inverse, blocks, (0,) * functions, scaled)
    return scaled, factor.astype(np.float32), inverse.astype(np.float32)


def _ridged(own: np.ndarray) -> np.ndarray:
    diagonal = np.einsum("nkk->nk", own)
    floor = diagonal.max(axis=1, keepdims=True) * RIDGE + np.finfo(np.float64).tiny
    return own + np.eye(own.shape[1]) * (diagonal * RIDGE + RIDGE * floor)[:, None, :]


@dataclass(frozen=True)
class _Bottom:
    """The coarsest lattice, solved exactly."""

    inverse: np.ndarray

    @classmethod
    def of(cls, nodes: _Nodes, blocks: np.ndarray):
        count, functions = blocks.shape[:2]
        dense = np.zeros((count + 1, functions, count + 1, functions))
        ahead = nodes.neighbours()[:, HALF_REACH - 1 :]
        for k in range(HALF_REACH):
            dense[np.arange(count), :, ahead[:, k], :] += blocks[:, :, k]
        dense = dense[:count, :, :count].reshape(count * functions, count * functions)
        upper = np.triu(dense, 1)
        own = np.zeros_like(dense)
        for n in range(count):
            own_rows = slice(n * functions, (n + 1) * functions)
            own[own_rows, own_rows] = blocks[n, :, 0]
            upper[own_rows, own_rows] = 0
        full = own + upper + upper.T
        scale = 1 / np.sqrt(np.diag(full) + np.finfo(np.float64).tiny)
        full = full * scale[:, None] * scale + RIDGE * np.eye(len(full))
        inverse = np.linalg.inv(full) * scale[:, None] * scale
        return cls(inverse.astype(np.float32))

    def solve(self, b: np.ndarray) -> np.ndarray:
        return (self.inverse @ b.ravel()).reshape(b.shape)


def _rough(size: int) -> np.ndarray:
    """Return a vector with energy at all frequencies, the same on every run."""
    return np.random.default_rng(size).standard_normal(size, dtype=np.float32)


def _largest_eigenvalue(apply, x: np.ndarray, iterations: int = 10) -> float:
    """Estimate λmax from below by power iteration, and step 5 % above the estimate."""
    for _ in range(iterations):
        x = apply(x / np.linalg.norm(x))
    return 1.05 * float(np.linalg.norm(x))
