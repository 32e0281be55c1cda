"""Compiled loops between coarse nodes. Raw arrays in and out; results last; callers check.

The argument `like` is a tuple with an element for each function of a node: its length is then a
constant to the compiler, which unrolls the loops over functions.

Indices of nodes are unsigned: signed ones may count from the end, and to check that takes as long
as the work. In a cycle the nodes of all lattices lie one behind the other in the same arrays.
`starts` says where each lattice begins; the row after all nodes is zero, and stands for no node.
"""

from __future__ import annotations

import numpy as np

from solvers._multigrid_kernels import half_index
from solvers.loops import jit

ENTER, START, RESIDUAL, RESTRICT, PROLONG, RELAX, KEEP, ADD, SOLVE, LEAVE = range(10)  # see `walk`
OVER = 2  # times the second correction

# ---- set-up: blocks couple a node to those ahead of it


@jit
def factorise(blocks, tolerance, like, factor, inverse):
    """Cholesky's C of each node's own block, and C⁻¹; zero where a function depends on those
    before it, so that it takes no part."""
    functions = len(like)
    for m in range(blocks.shape[0]):
        C, inv = factor[m], inverse[m]
        for a in range(functions):
            for b in range(a):
                total = blocks[m, a, 0, b]
                for c in range(b):
                    total -= C[a, c] * C[b, c]
                C[a, b] = total * inv[b, b]
            pivot = blocks[m, a, 0, a]
            for c in range(a):
                pivot -= C[a, c] * C[a, c]
            if not pivot > tolerance * blocks[m, a, 0, a]:
                continue
            C[a, a] = np.sqrt(pivot)
            inv[a, a] = 1 / C[a, a]
            for b in range(a):
                total = 0.0
                for c in range(b, a):
                    total -= C[a, c] * inv[c, b]
                inv[a, b] = total * inv[a, a]


@jit
def scale_blocks(first, last, neighbours, inverse, blocks, like, scaled):
    """scaled[m, :, k] ← C⁻¹(m) B C⁻ᵀ(n) for the couplings B of m to its k-th neighbour n."""
    functions = len(like)
    count = neighbours.shape[0]
    half = np.empty((functions, functions))
    for m in range(first, last):
        for k in range(25):
            n = neighbours[m, k]
            if n in (count, m):
                continue
            for a in range(functions):
                for b in range(functions):
                    total = 0.0
                    for c in range(a + 1):
                        entry = blocks[m, c, k - 12, b] if k > 12 else blocks[n, b, 12 - k, c]
                        total += inverse[m, a, c] * entry
                    half[a, b] = total
            for a in range(functions):
                for b in range(functions):
                    total = 0.0
                    for c in range(b + 1):
                        total += half[a, c] * inverse[n, b, c]
                    scaled[m, a, k * functions + b] = total


@jit
def project_nodes(neighbours, parents, shares, at, blocks, projected):
    """projected ← Wᵀ A W, half of it, as in `project`."""
    count, functions = blocks.shape[:2]
    for i in range(count):
        for k in range(13):
            j = neighbours[i, 12 + k]
            if j == count:
                continue
            for p in range(4):
                for q in range(4):
                    share = shares[i, p] * shares[j, q]
                    if share == 0:
                        continue
                    m, n = parents[i, p], parents[j, q]
                    ahead = half_index(at[n, 0] - at[m, 0], at[n, 1] - at[m, 1], 2)
                    for a in range(functions):
                        for b in range(functions):
                            value = share * blocks[i, a, k, b]
                            if ahead >= 0:
                                projected[m, a, ahead, b] += value
                            if k > 0 and ahead <= 0:
                                projected[n, b, -ahead, a] += value


# ---- cycles, in unknowns that are scaled so that each node's own block is the identity


@jit
def enter(first, last, inverse, like, b):
    """b ← C⁻¹ b."""
    for m in range(np.uint64(first), np.uint64(last)):
        for a in range(len(like) - 1, -1, -1):
            total = np.float32(0)
            for c in range(a + 1):
                total += inverse[m, a, c] * b[m, c]
            b[m, a] = total


@jit
def residual(first, last, neighbours, blocks, b, x, like, out):
    """out ← b - A x."""
    functions = len(like)
    around = np.empty(25 * functions, x.dtype)
    for m in range(np.uint64(first), np.uint64(last)):
        for k in range(25):
            for c in range(functions):
                around[k * functions + c] = x[neighbours[m, k], c]
        for a in range(functions):
            row = blocks[m, a]
            total = b[m, a] - x[m, a]
            for j in range(25 * functions):
                total -= row[j] * around[j]
            out[m, a] = total


@jit
def leave(first, last, inverse, like, x):
    """x ← C⁻ᵀ x."""
    functions = len(like)
    for m in range(np.uint64(first), np.uint64(last)):
        for c in range(functions):
            total = np.float32(0)
            for a in range(c, functions):
                total += inverse[m, a, c] * x[m, a]
            x[m, c] = total


@jit
def restrict_nodes(first, last, parents, shares, factor, r, like, coarse):
    """coarse ← coarse + Wᵀ C r with W the bilinear shares of the nodes in their parents."""
    for m in range(np.uint64(first), np.uint64(last)):
        for a in range(len(like)):
            total = np.float32(0)
            for c in range(a + 1):
                total += factor[m, a, c] * r[m, c]
            for p in range(4):
                coarse[parents[m, p], a] += shares[m, p] * total


@jit
def prolong_nodes(first, last, parents, shares, factor, coarse, like, x):
    """x ← x + Cᵀ W coarse."""
    functions = len(like)
    for m in range(np.uint64(first), np.uint64(last)):
        for a in range(functions):
            total = np.float32(0)
            for p in range(4):
                total += shares[m, p] * coarse[parents[m, p], a]
            for c in range(a + 1):
                x[m, c] += factor[m, a, c] * total


@jit
def walk(steps, starts, lattices, dense, like, b, x, y, r):
    """Take steps of a cycle: each does one thing on one lattice.

    There b is the right-hand side, x what one cycle makes of it, y what an earlier one made, and r
    the residual.
    """
    neighbours, blocks, factor, inverse, parents, shares, weights = lattices
    for k in range(steps.shape[0]):
        what, level = steps[k, 0], steps[k, 1]
        first, last = starts[level], starts[level + 1]
        here, weight = slice(first, last), weights[level]
        if what == ENTER:
            enter(first, last, inverse, like, b)
        elif what == START:
            x[here] = weight * b[here]
        elif what == RESIDUAL:
            residual(first, last, neighbours, blocks, b, x, like, r)
        elif what == RESTRICT:
            b[last : starts[level + 2]] = 0
            restrict_nodes(first, last, parents, shares, factor, r, like, b)
        elif what == PROLONG:
            prolong_nodes(first, last, parents, shares, factor, x, like, x)
        elif what == RELAX:
            x[here] += weight * r[here]
        elif what == KEEP:
            b[here], y[here] = r[here], x[here]
        elif what == ADD:
            x[here] = y[here] + np.float32(OVER) * x[here]
        elif what == SOLVE:
            multiply(dense, b[here].ravel(), x[here].ravel())
        else:
            leave(first, last, inverse, like, x)


# ---- small dense systems: BLAS would leave its threads spinning against ours


@jit
def invert(A):
    """Replace a symmetric positive definite matrix by its inverse (Gauss–Jordan)."""
    n = A.shape[0]
    for k in range(n):
        pivot = 1 / A[k, k]
        A[k, k] = 1.0
        for j in range(n):
            A[k, j] *= pivot
        for i in range(n):
            if i != k:
                factor = A[i, k]
                A[i, k] = 0.0
                row, base = A[i], A[k]
                for j in range(n):
                    row[j] -= factor * base[j]


@jit
def multiply(A, x, y):
    """y ← A x."""
    for i in range(y.size):
        row = A[i]
        total = np.float32(0)
        for j in range(x.size):
            total += row[j] * x[j]
        y[i] = total
