"""Lattices of coarse nodes on a device, each coupled to the nodes within two of it.

What `solvers.lattice` does, in array expressions: all nodes of a lattice exist, (Ny, Nx), with K
unknowns each, one for each near-null function. Where no unknown cell is near, a node's blocks are
zero, and so are its unknowns. `blocks` are (5, 5, K, K, Ny, Nx) arrays: blocks[j, i, a, b, y, x]
couples function a of the node (y, x) with function b of the node (y + j - 2, x + i - 2).
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from solvers.jax.lanczos import largest_eigenvalue
from solvers.lattice import DEPENDENT, RIDGE, TWICE

# XLA of JAX 0.10.2 sums (F[:, k, None] * F).sum(0) wrongly on CPUs, so that sums over functions are
# written out; there are few.

ROUNDING = 64  # times the smallest difference from one: no sum in float32 blocks is more exact
OVER = 2  # times the second correction


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Lattice:
    """One lattice, in unknowns that are scaled so that each node's own block is the identity."""

    couplings: jax.Array  # (24, K, K, Ny, Nx), to the other nodes around
    factor: jax.Array  # (K, K, Ny, Nx): C of a node's own block C Cᵀ
    inverse: jax.Array  # C⁻¹
    weight: jax.Array  # of Jacobi's step

    @classmethod
    def of(cls, blocks: jax.Array) -> _Lattice:
        factor, inverse = _factorise(blocks[2, 2])
        there = jnp.pad(inverse.swapaxes(0, 1), [(0, 0), (0, 0), (2, 2), (2, 2)])

        def scale(k):
            y, x = k // 5, k % 5
            half = lax.optimization_barrier(_product(inverse, blocks[y, x]))
            return _product(half, lax.dynamic_slice(there, (0, 0, y, x), inverse.shape))

        scaled = lax.map(scale, jnp.array([k for k in range(25) if k != 12]))
        single = jnp.float32
        scaled, factor, inverse = (
            scaled.astype(single),
            factor.astype(single),
            inverse.astype(single),
        )
        return cls(scaled, factor, inverse, jnp.zeros((), single))

    def smoothed(self, damping: float) -> _Lattice:
        """Return the lattice with the weight of Jacobi's step."""
        largest = largest_eigenvalue(self.apply, self.factor.shape[1:])
        return replace(self, weight=damping / largest)

    def apply(self, x: jax.Array) -> jax.Array:
        x = lax.optimization_barrier(x)
        terms = [B * there for B, there in zip(self.couplings, _around(x), strict=True)]
        return x + _add(_add(terms).swapaxes(0, 1))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Lattices:
    """A lattice, and all below it: one cycle on them is close to the inverse of its matrix.

    It is the cycle of `solvers.lattice.Lattices`, which says why the second correction counts
    double.
    """

    lattices: tuple[_Lattice, ...]
    dense: jax.Array  # inverse of the scaled matrix of the last lattice

    @classmethod
    def of(cls, blocks: jax.Array, damping: float, coarsest: int) -> Lattices:
        lattices = []
        while blocks.shape[-1] * blocks.shape[-2] > coarsest:
            lattices.append(_Lattice.of(blocks).smoothed(damping))
            blocks = lax.optimization_barrier(_project(blocks))
        last = _Lattice.of(blocks)
        return cls((*lattices, last), _inverse(last, blocks.dtype))

    def solve(self, b: jax.Array, level: int = 0) -> jax.Array:
        """Return x, (K, Ny, Nx), close to A⁻¹ b."""
        here = self.lattices[level]
        b = _apply_blocks(here.inverse, b)
        if level == len(self.lattices) - 1:
            x = _multiply(self.dense, b.ravel()).reshape(b.shape)
        elif level >= TWICE:
            x = self._cycle(level, b)
        else:

            def visit(k, state):
                x, r = state
                x = x + jnp.where(k, OVER, 1).astype(b.dtype) * self._cycle(level, r)
                return x, b - here.apply(x)

            x, _ = lax.fori_loop(0, 2, visit, (jnp.zeros_like(b), b))
        return _apply_blocks(jnp.swapaxes(here.inverse, 0, 1), x)

    def _cycle(self, level: int, b: jax.Array) -> jax.Array:
        here = self.lattices[level]
        x = here.weight * b
        r = _apply_blocks(here.factor, b - here.apply(x))
        coarse = _restrict(lax.optimization_barrier(r))
        y = self.solve(lax.optimization_barrier(coarse), level + 1)
        y = _prolong(lax.optimization_barrier(y), r.shape[1:])
        x = x + _apply_blocks(jnp.swapaxes(here.factor, 0, 1), y)
        return x + here.weight * (b - here.apply(x))


def _inverse(last: _Lattice, dtype) -> jax.Array:
    size = last.factor[0].size
    eye = jnp.eye(size, dtype=jnp.float32).reshape(size, *last.factor.shape[1:])
    dense = jax.vmap(last.apply)(eye).reshape(size, size).astype(dtype)
    ridge = max(RIDGE, ROUNDING * float(jnp.finfo(dtype).eps))
    dense = (dense + dense.T) / 2 + ridge * jnp.eye(size, dtype=dtype)
    factor = jax.scipy.linalg.cho_factor(dense)
    return jax.scipy.linalg.cho_solve(factor, jnp.eye(size, dtype=dtype)).astype(jnp.float32)


def _multiply(matrix, x):
    return jnp.matmul(matrix, x, precision="highest")


def _add(terms):
    """Add up along the first axis."""
    return reduce(operator.add, terms)


def _product(A, B):
    """Return the product of matrices that fill the first two axes."""
    return _add([A[:, c, None] * B[None, c] for c in range(len(B))])


def _apply_blocks(A, x):
    return _add([A[:, c] * x[c] for c in range(len(x))])


def _around(field):
    """Return what a (…, Ny, Nx) field holds at the 24 other nodes within two."""
    *_, height, width = field.shape
    padded = jnp.pad(field, [(0, 0)] * (field.ndim - 2) + [(2, 2), (2, 2)])
    places = [(y, x) for y in range(5) for x in range(5) if (y, x) != (2, 2)]
    return [padded[..., y : y + height, x : x + width] for y, x in places]


def _factorise(own):
    """Cholesky's C of each node's own block, and C⁻¹; zero where a function depends on those
    before it, so that it takes no part."""
    functions = jnp.arange(len(own))
    tolerance = max(DEPENDENT, ROUNDING * float(jnp.finfo(own.dtype).eps))

    def eliminate(a, state):
        left, inverse = state
        pivot = left[a, a]
        independent = pivot > tolerance * own[a, a]
        scale = jnp.where(independent, 1 / jnp.sqrt(jnp.where(independent, pivot, 1)), 0)
        below = (functions > a)[:, None, None]
        column = jnp.where(below, scale * left[:, a], 0)
        row = scale * inverse[a]
        left = left - column[:, None] * column
        inverse = jnp.where((functions == a)[:, None, None, None], row, inverse)
        return left, inverse - column[:, None] * row

    eye = jnp.eye(len(own), dtype=own.dtype)[..., None, None] + jnp.zeros_like(own)
    _, inverse = lax.fori_loop(0, len(own), eliminate, (own, eye))
    return _product(own, inverse.swapaxes(0, 1)), inverse


# ---- between a lattice and that of twice the spacing, by linear interpolation along each axis


def _restrict(r):
    for _ in range(2):
        r = _along(_restrict_last, r)
    return r


def _prolong(coarse, shape):
    for count in reversed(shape):
        coarse = _along(lambda x, count=count: _prolong_last(x, count), coarse)
    return coarse


def _along(function, field):
    """Apply a function of the last axis, and make it the one before: twice is both axes."""
    return jnp.swapaxes(function(field), -1, -2)


def _pad_last(field, before, after):
    return jnp.pad(field, [(0, 0)] * (field.ndim - 1) + [(before, after)])


def _restrict_last(r):
    even, odd = r[..., ::2], r[..., 1::2]
    count = r.shape[-1] // 2 + 1
    even = _pad_last(even, 0, count - even.shape[-1])
    before, after = _pad_last(odd, 1, 0), _pad_last(odd, 0, count - odd.shape[-1])
    return even + (before[..., :count] + after) / 2


def _prolong_last(coarse, count):
    odd = (coarse[..., :-1] + coarse[..., 1:]) / 2
    both = jnp.stack([coarse, _pad_last(odd, 0, 1)], -1)
    return both.reshape(*coarse.shape[:-1], -1)[..., :count]


def _project(blocks):
    """Return Wᵀ A W, the blocks on the next lattice, for the bilinear interpolation W."""
    blocks = lax.optimization_barrier(jnp.swapaxes(_project_last(blocks, 1), -1, -2))
    return jnp.swapaxes(_project_last(blocks, 0), -1, -2)


def _project_last(blocks, offsets: int):
    """Project the last axis of nodes, of whose offsets this other axis is."""
    count = blocks.shape[-1] // 2 + 1
    blocks = _pad_last(blocks, 1, 2 * count - blocks.shape[-1])
    margin = [(0, 0)] * blocks.ndim
    margin[offsets] = (4, 4)
    total: Any = 0
    for p in (-1, 0, 1):  # from which node, beside the one that stays
        rows = jnp.pad(blocks[..., p + 1 :: 2][..., :count], margin)
        for q in (-1, 0, 1):  # and to which
            begin = q - p + 2
            chosen = lax.slice_in_dim(rows, begin, begin + 9, 2, offsets)
            total += chosen / 2 ** (abs(p) + abs(q))
    return total
