"""Lattices of coarse nodes, each coupled to the nodes within two of it: multigrid below the cells.

A node holds K unknowns, one for each near-null function. `blocks` are (n, K, 13, K) float64 arrays:
blocks[m, a, k, b] couples function a of node m with function b of m itself (k = 0) or of the k-th
node ahead of it in reading order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from solvers import _multigrid_kernels as kernels
from solvers.lanczos import largest_eigenvalue
from solvers.loops import over_range

HALF = 13  # a node, and the 12 nodes ahead of it within two
DEPENDENT = 1e-7  # share of its energy below which a function adds nothing to earlier ones
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

    def neighbours(self) -> np.ndarray:
        """Return (n, 25) indices of the nodes within 2, in reading order; n where there is none."""
        padded = np.pad(self.number, 2, constant_values=-1)
        y, x = self.at.T
        around = [padded[y + dy, x + dx] for dy in range(5) for dx in range(5)]
        found = np.stack(around, axis=1)
        return np.where(found < 0, len(self.at), found).astype(np.int32)


def coarsen(nodes: Nodes, blocks: np.ndarray, damping: float) -> tuple[Level, Nodes, np.ndarray]:
    """Return the level of these nodes, the next lattice, and the blocks projected onto it."""
    exists = np.zeros((nodes.at.max(axis=0) // 2 + 2), bool)
    y, x = nodes.at.T
    for above in (y // 2, (y + 1) // 2):
        for left in (x // 2, (x + 1) // 2):
            exists[above, left] = True
    coarser = Nodes.of(exists)
    level = Level.of(blocks, nodes, coarser, damping)
    functions = blocks.shape[1]
    projected = np.zeros((len(coarser.at), functions, HALF, functions))
    kernels.project_nodes(
        level.neighbours, level.parents, level.shares, coarser.at, blocks, projected
    )
    return level, coarser, projected


@dataclass(frozen=True, eq=False)
class Level:
    """One coarse lattice, scaled so that each node's own block is the identity.

    With C Cᵀ a node's own block, the scaled unknowns are Cᵀ x and the scaled right-hand side is
    C⁻¹ b. Unscaled, nearly dependent functions would cancel in float32.
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
    def of(cls, blocks: np.ndarray, nodes: Nodes, coarser: Nodes, damping: float) -> Level:
        neighbours = nodes.neighbours()
        parents, shares = _parents(nodes, coarser)
        scaled, factor, inverse = _scale(blocks, neighbours)
        count, functions = factor.shape[:2]

        def apply(x):
            padded = np.concatenate([x, np.zeros_like(x[:1])])
            residual(neighbours, scaled, zero, padded, (0,) * functions, out)
            return -out

        residual = partial(over_range, kernels.block_residual, count, scaled.size)
        zero, out = np.zeros((2, count, functions), np.float32)
        weight = np.float32(damping / largest_eigenvalue(apply, (count, functions)))
        below = len(coarser.at)
        return cls(scaled, neighbours, factor, inverse, weight, parents, shares, below)

    def cycle(self, b: np.ndarray, coarser_solve: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        like = (0,) * b.shape[1]
        residual = partial(over_range, kernels.block_residual, len(b), self.blocks.size)
        scaled, r = np.empty_like(b), np.empty_like(b)
        x = np.empty((len(b) + 1, b.shape[1]), np.float32)
        coarse = np.zeros((self.below, b.shape[1]), np.float32)
        kernels.enter(self.inverse, b, self.weight, like, scaled, x)
        residual(self.neighbours, self.blocks, scaled, x, like, r)
        kernels.restrict_nodes(self.parents, self.shares, self.factor, r, like, coarse)
        correction = coarser_solve(coarse)
        kernels.prolong_nodes(self.parents, self.shares, self.factor, correction, like, x)
        residual(self.neighbours, self.blocks, scaled, x, like, r)
        kernels.leave(self.inverse, r, self.weight, like, x)
        return x[:-1]


@dataclass(frozen=True, eq=False)
class Bottom:
    """The coarsest lattice, scaled like the others and solved exactly."""

    inverse: np.ndarray  # (n, K, K) C⁻¹
    dense: np.ndarray  # (n K, n K) inverse of the scaled matrix

    @classmethod
    def of(cls, blocks: np.ndarray, nodes: Nodes) -> Bottom:
        neighbours = nodes.neighbours()
        scaled, _, inverse = _scale(blocks, neighbours)
        count, functions = inverse.shape[:2]
        dense = np.zeros((count, functions, count + 1, functions))
        for k in range(25):
            block = scaled[:, :, k * functions : (k + 1) * functions]
            dense[np.arange(count), :, neighbours[:, k]] += block
        dense = dense[:, :, :count].reshape(count * functions, count * functions)
        dense += (1 + RIDGE) * np.eye(len(dense))
        kernels.invert(dense)
        return cls(inverse, dense.astype(np.float32))

    def cycle(self, b: np.ndarray) -> np.ndarray:
        like, still = (0,) * b.shape[1], np.float32(0)  # no Jacobi steps here
        scaled, x = np.empty_like(b), np.empty((len(b) + 1, b.shape[1]), np.float32)
        kernels.enter(self.inverse, b, still, like, scaled, x)
        kernels.multiply(self.dense, scaled.ravel(), x[:-1].ravel())
        kernels.leave(self.inverse, scaled, still, like, x)
        return x[:-1]


def _scale(blocks: np.ndarray, neighbours: np.ndarray):
    """Return the couplings scaled to identity own blocks, and C and C⁻¹ of each node."""
    count, functions = blocks.shape[:2]
    factor, inverse = np.zeros((2, count, functions, functions))
    kernels.factorise(blocks, DEPENDENT, (0,) * functions, factor, inverse)
    scaled = np.zeros((count, functions, 25 * functions), np.float32)
    kernels.scale_blocks(neighbours, inverse, blocks, (0,) * functions, scaled)
    return scaled, factor.astype(np.float32), inverse.astype(np.float32)


def _parents(nodes: Nodes, coarser: Nodes):
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
