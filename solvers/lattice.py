"""Lattices of coarse nodes, each coupled to the nodes within two of it: multigrid below the cells.

A node holds K unknowns, one for each near-null function. `blocks` are (n, K, 13, K) float64 arrays:
blocks[m, a, k, b] couples function a of node m with function b of m itself (k = 0) or of the k-th
node ahead of it in reading order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from solvers import _lattice_kernels as kernels
from solvers.grid import offsets
from solvers.lanczos import largest_eigenvalue
from solvers.loops import GRAIN, over_range, over_strips

HALF = 13  # a node, and the 12 nodes ahead of it within two
DEPENDENT = 1e-7  # share of its energy below which a function adds nothing to earlier ones
TWICE = 2  # lattices over which a cycle goes twice
BAND = 0.4  # of a lattice's nodes are on the next one; there are more where they lie along a band
RIDGE = 1e-6  # keeps the entries of the dense inverse small enough for float32


@dataclass(frozen=True, eq=False)
class Nodes:
    """A lattice of coarse nodes, of which only those near chosen cells exist."""

    at: np.ndarray  # (n, 2) row and column on the lattice
    number: np.ndarray  # (rows, columns) index of each node, or -1

    @classmethod
    def of(cls, exists: np.ndarray) -> Nodes:
        number = np.full(exists.shape, -1, np.int32)
        number[exists] = np.arange(np.count_nonzero(exists))
        return cls(np.argwhere(exists), number)

    def coarser(self) -> Nodes:
        """Return the lattice of twice the spacing: the nodes between which these lie."""
        exists = np.zeros((self.at.max(axis=0) // 2 + 2), bool)
        y, x = self.at.T
        for above in (y // 2, (y + 1) // 2):
            for left in (x // 2, (x + 1) // 2):
                exists[above, left] = True
        return Nodes.of(exists)

    def ahead(self) -> np.ndarray:
        """Return (n, 12) indices of the nodes within 2 that follow, in order; n for none."""
        padded = np.pad(self.number, 2, constant_values=-1)
        y, x = self.at.T + 2
        found = np.stack([padded[y + dy, x + dx] for dy, dx in offsets(2)[1:]], axis=1)
        return np.where(found < 0, len(self.at), found).astype(np.int32)

    def strips(self) -> np.ndarray:
        """Return where every other row of nodes begins, and the number of nodes."""
        return np.searchsorted(self.at[:, 0], np.arange(0, self.number.shape[0] + 2, 2))

    def between(self, coarser: Nodes) -> tuple[np.ndarray, np.ndarray]:
        """Return the (n, 4) coarser nodes between which these lie, and bilinear shares in them.

        Shares of a parent that occurs twice are zero but for the first.
        """
        y, x = self.at.T
        number = coarser.number
        parents = [number[a, b] for a in (y // 2, (y + 1) // 2) for b in (x // 2, (x + 1) // 2)]
        odd_y, odd_x = (y % 2).astype(np.float32) / 2, (x % 2).astype(np.float32) / 2
        shares = [a * b for a in (1 - odd_y, odd_y) for b in (1 - odd_x, odd_x)]
        return np.stack(parents, axis=1), np.stack(shares, axis=1)


class _Arrays(NamedTuple):
    """What cycles need of the nodes of all lattices, one behind the other.

    With C Cᵀ a node's own block, its unknowns are scaled to Cᵀ x and its right-hand side to C⁻¹ b,
    so that its own block becomes the identity. Unscaled, nearly dependent functions would cancel in
    float32.
    """

    ahead: np.ndarray  # (n, 12)
    blocks: np.ndarray  # (n, 12 K²) float32: scaled couplings to the nodes ahead
    factor: np.ndarray  # (n, K²) float32 C
    factor_t: np.ndarray  # Cᵀ
    inverse: np.ndarray  # C⁻¹
    inverse_t: np.ndarray  # C⁻ᵀ
    parents: np.ndarray  # (n, 4) on the next lattice, for bilinear interpolation
    shares: np.ndarray  # (n, 4)
    weights: np.ndarray  # of Jacobi's step, for each lattice

    @classmethod
    def empty(cls, nodes: int, functions: int, lattices: int) -> _Arrays:
        square = functions * functions
        factor, factor_t, inverse, inverse_t = np.empty((4, nodes, square), np.float32)
        return cls(
            np.empty((nodes, HALF - 1), np.uint32),
            np.zeros((nodes, (HALF - 1) * square), np.float32),
            factor,
            factor_t,
            inverse,
            inverse_t,
            np.empty((nodes, 4), np.uint32),
            np.empty((nodes, 4), np.float32),
            np.zeros(lattices, np.float32),
        )


@dataclass(frozen=True, eq=False)
class Lattices:
    """A lattice, and all below it: one cycle on them is close to the inverse of its matrix.

    It goes twice over the first two lattices, and the second correction counts double: with M the
    cycle on such a lattice, x = M b and then x + 2 M (b - A x). Interpolation copies coefficients
    from one lattice to the next, and so M corrects too little of what has edges between the nodes.
    Of a mode with the eigenvalue λ of M A this leaves (1 - λ)(1 - 2 λ): between -1/8 and 1 for λ up
    to 1, and between -1/8 and 5/32 for λ from 1 to 9/8. So it stays positive definite, on however
    many lattices. Along narrow bands once is enough.
    """

    starts: np.ndarray  # of the lattices in the arrays
    strips: list[np.ndarray]  # of each lattice, which threads may cut
    arrays: _Arrays
    dense: np.ndarray  # inverse of the scaled matrix of the last lattice
    steps: np.ndarray  # of a cycle
    alone: np.ndarray  # those that are worth several threads

    @classmethod
    def of(cls, nodes: Nodes, blocks: np.ndarray, damping: float, coarsest: int) -> Lattices:
        lattices, functions = [nodes], blocks.shape[1]
        while len(lattices[-1].at) > coarsest:
            lattices.append(lattices[-1].coarser())
        starts = np.cumsum([0] + [len(lattice.at) for lattice in lattices])
        arrays = _Arrays.empty(starts[-1], functions, len(lattices))
        steps = _steps(np.diff(starts))
        large = np.diff(starts)[steps[:, 1]] * arrays.blocks[:1].size >= 2 * GRAIN
        alone = np.flatnonzero((steps[:, 0] == kernels.RESIDUAL) & large)
        strips = [
            lattice.strips() + start for lattice, start in zip(lattices, starts[:-1], strict=True)
        ]
        made = cls(starts, strips, arrays, np.empty(0), steps, alone)
        for level, (lattice, coarser) in enumerate(pairwise(lattices)):
            ahead = made._scale(level, lattice, blocks)
            made._set_weight(level, damping)
            parents, shares = lattice.between(coarser)
            here = slice(*starts[level : level + 2])
            arrays.parents[here], arrays.shares[here] = parents + starts[level + 1], shares
            projected = np.zeros((len(coarser.at), functions, HALF, functions))
            kernels.project_nodes(ahead, parents, shares, coarser.at, blocks, projected)
            blocks = projected
        made._scale(len(lattices) - 1, lattices[-1], blocks)
        return replace(made, dense=made._inverse_of_last())

    @property
    def functions(self) -> int:
        return math.isqrt(self.arrays.factor.shape[1])

    def solve(self, b: np.ndarray) -> np.ndarray:
        """Return x, (n, K) float32, close to A⁻¹ b."""
        fields = np.zeros((4, self.starts[-1] + 1, b.shape[1]), np.float32)
        fields[0, : len(b)] = b
        begin, like = 0, (0,) * b.shape[1]
        for end in (*self.alone, len(self.steps)):
            kernels.walk(self.steps[begin:end], self.starts, self.arrays, self.dense, like, *fields)
            if end < len(self.steps):
                self._residual(self.steps[end, 1], *fields)
            begin = end + 1
        return fields[1, : len(b)]

    def _residual(self, level: int, b: np.ndarray, x: np.ndarray, y: np.ndarray, r: np.ndarray):
        """r ← b - A x on one lattice, by several threads."""
        here = slice(*self.starts[level : level + 2])
        ahead, blocks, *_ = self.arrays
        np.subtract(b[here], x[here], out=r[here])
        arguments = ahead, blocks, x, (0,) * b.shape[1], r
        over_strips(kernels.couple, self.strips[level], blocks[here].size, *arguments)

    def _scale(self, level: int, nodes: Nodes, blocks: np.ndarray) -> np.ndarray:
        """Write what one lattice's blocks become; return the nodes ahead of each of its nodes."""
        here = slice(*self.starts[level : level + 2])
        ahead, count, functions = nodes.ahead(), *blocks.shape[:2]
        like = (0,) * functions
        factor, inverse = np.zeros((2, count, functions, functions))
        kernels.factorise(blocks, DEPENDENT, like, factor, inverse)
        scaled, work = self.arrays.blocks[here], 10 * functions * self.arrays.blocks[here].size
        over_range(kernels.scale_blocks, count, work, ahead, inverse, blocks, like, scaled)
        _, _, *kept = self.arrays
        for whole, matrix in zip(kept, (factor, factor.mT, inverse, inverse.mT), strict=False):
            whole[here] = matrix.reshape(count, -1)
        found = np.where(ahead == count, self.starts[-1], ahead + self.starts[level])
        self.arrays.ahead[here] = found
        return ahead

    def _set_weight(self, level: int, damping: float) -> None:
        here = slice(*self.starts[level : level + 2])
        fields = np.zeros((4, self.starts[-1] + 1, self.functions), np.float32)
        _, x, _, r = fields

        def apply(some):
            x[here] = some
            self._residual(level, *fields)
            return -r[here]

        largest = largest_eigenvalue(apply, x[here].shape)
        self.arrays.weights[level] = damping / largest

    def _inverse_of_last(self) -> np.ndarray:
        first, last = self.starts[-2:]
        count, functions = last - first, self.functions
        dense = np.zeros((count, functions, count + 1, functions))
        blocks = self.arrays.blocks[first:].reshape(count, -1, functions, functions)
        for k in range(HALF - 1):
            dense[np.arange(count), :, self.arrays.ahead[first:, k] - first] += blocks[:, k]
        dense = dense[:, :, :count].reshape(count * functions, count * functions)
        dense += dense.T + (1 + RIDGE) * np.eye(len(dense))
        kernels.invert(dense)
        return dense.astype(np.float32)


def _steps(sizes: np.ndarray) -> np.ndarray:
    """Return what `walk` does for the first of lattices of these sizes, step by step."""
    steps = []

    def take(level: int, *whats: int) -> None:
        steps.extend((what, level) for what in whats)

    def visit(level: int) -> None:
        take(level, kernels.ENTER)
        if level == len(sizes) - 1:
            take(level, kernels.SOLVE)
        else:
            cycle(level)
            if level < TWICE and sizes[level + 1] <= BAND * sizes[level]:
                take(level, kernels.RESIDUAL, kernels.KEEP)
                cycle(level)
                take(level, kernels.ADD)
        take(level, kernels.LEAVE)

    def cycle(level: int) -> None:
        take(level, kernels.START, kernels.RESIDUAL, kernels.RESTRICT)
        visit(level + 1)
        take(level, kernels.PROLONG, kernels.RESIDUAL, kernels.RELAX)

    visit(0)
    return np.array(steps, np.int32)
