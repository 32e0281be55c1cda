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
from solvers.lanes import lane, load, spread, store, total
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
def scale_blocks(first, last, ahead, inverse, blocks, like, scaled):
    """scaled[m, k - 1] ← C⁻¹(m) B C⁻ᵀ(n) for the couplings B of m to n, the k-th node ahead of it.

    These are written row by row; zero where there is no such node.
    """
    functions = len(like)
    half = np.empty((functions, functions))
    for m in range(first, last):
        for k in range(ahead.shape[1]):
            n = ahead[m, k]
            if n == ahead.shape[0]:
                continue
            for a in range(functions):
                for b in range(functions):
                    total = 0.0
                    for c in range(a + 1):
                        total += inverse[m, a, c] * blocks[m, c, k + 1, b]
                    half[a, b] = total
            for a in range(functions):
                for b in range(functions):
                    total = 0.0
                    for c in range(b + 1):
                        total += half[a, c] * inverse[n, b, c]
                    scaled[m, (k * functions + a) * functions + b] = total


@jit
def project_nodes(ahead, parents, shares, at, blocks, projected):
    """projected ← Wᵀ A W, half of it, as in `project`."""
    count, functions = blocks.shape[:2]
    for i in range(count):
        for k in range(1 + ahead.shape[1]):
            j = ahead[i, k - 1] if k else i
            if j == count:
                continue
            for p in range(4):
                for q in range(4):
                    share = shares[i, p] * shares[j, q]
                    if share == 0:
                        continue
                    m, n = parents[i, p], parents[j, q]
                    place = half_index(at[n, 0] - at[m, 0], at[n, 1] - at[m, 1], 2)
                    for a in range(functions):
                        for b in range(functions):
                            value = share * blocks[i, a, k, b]
                            if place >= 0:
                                projected[m, a, place, b] += value
                            if k > 0 and place <= 0:
                                projected[n, b, -place, a] += value


# ---- cycles, in unknowns that are scaled so that each node's own block is the identity. Matrices
# of a node are vectors of their rows, one behind the other.


@jit
def combine(rows, weights, like):
    """Return the sum of a matrix's rows, each times its weight: lanes of functions."""
    result = load(rows, 0, like) * spread(lane(weights, 0), like)
    for k in range(1, len(like)):
        result = result + load(rows, k * len(like), like) * spread(lane(weights, k), like)
    return result


@jit
def enter(first, last, inverse_t, like, b):
    """b ← C⁻¹ b."""
    for m in range(np.uint64(first), np.uint64(last)):
        store(combine(inverse_t[m], load(b[m], 0, like), like), b[m], 0)


@jit
def leave(first, last, inverse, like, x):
    """x ← C⁻ᵀ x."""
    for m in range(np.uint64(first), np.uint64(last)):
        store(combine(inverse[m], load(x[m], 0, like), like), x[m], 0)


@jit
def couple(first, last, ahead, blocks, x, like, out):
    """out ← out - (A - 1) x, but for couplings to nodes before the first; four rows at once."""
    functions = len(like)
    zero = spread(np.float32(0), like)
    for m in range(np.uint64(first), np.uint64(last)):
        block, here = blocks[m], x[m]
        for a in range(0, functions, 4):
            x0 = spread(here[a], like)
            x1 = spread(here[a + 1], like) if a + 1 < functions else zero
            x2 = spread(here[a + 2], like) if a + 2 < functions else zero
            x3 = spread(here[a + 3], like) if a + 3 < functions else zero
            sum0, sum1, sum2, sum3 = zero, zero, zero, zero
            for k in range(ahead.shape[1]):
                at, there = (k * functions + a) * functions, x[ahead[m, k]]
                other, change = load(there, 0, like), load(out[ahead[m, k]], 0, like)
                row = load(block, at, like)
                sum0, change = sum0 + row * other, change - row * x0
                if a + 1 < functions:
                    row = load(block, at + functions, like)
                    sum1, change = sum1 + row * other, change - row * x1
                if a + 2 < functions:
                    row = load(block, at + 2 * functions, like)
                    sum2, change = sum2 + row * other, change - row * x2
                if a + 3 < functions:
                    row = load(block, at + 3 * functions, like)
                    sum3, change = sum3 + row * other, change - row * x3
                store(change, out[ahead[m, k]], 0)
            out[m, a] -= total(sum0)
            if a + 1 < functions:
                out[m, a + 1] -= total(sum1)
            if a + 2 < functions:
                out[m, a + 2] -= total(sum2)
            if a + 3 < functions:
                out[m, a + 3] -= total(sum3)


@jit
def restrict_nodes(first, last, parents, shares, factor_t, r, like, coarse):
    """coarse ← coarse + Wᵀ C r with W the bilinear shares of the nodes in their parents."""
    for m in range(np.uint64(first), np.uint64(last)):
        given = combine(factor_t[m], load(r[m], 0, like), like)
        for p in range(4):
            row = coarse[parents[m, p]]
            store(load(row, 0, like) + spread(shares[m, p], like) * given, row, 0)


@jit
def prolong_nodes(first, last, parents, shares, factor, coarse, like, x):
    """x ← x + Cᵀ W coarse."""
    for m in range(np.uint64(first), np.uint64(last)):
        taken = spread(np.float32(0), like)
        for p in range(4):
            taken = taken + spread(shares[m, p], like) * load(coarse[parents[m, p]], 0, like)
        store(load(x[m], 0, like) + combine(factor[m], taken, like), x[m], 0)


@jit
def weigh(first, last, weight, b, like, x):
    """x ← weight b."""
    for m in range(np.uint64(first), np.uint64(last)):
        store(spread(weight, like) * load(b[m], 0, like), x[m], 0)


@jit
def add(first, last, weight, a, b, like, x):
    """x ← a + weight b."""
    for m in range(np.uint64(first), np.uint64(last)):
        store(load(a[m], 0, like) + spread(weight, like) * load(b[m], 0, like), x[m], 0)


@jit
def walk(steps, starts, lattices, dense, like, b, x, y, r):
    """Take steps of a cycle: each does one thing on one lattice.

    There b is the right-hand side, x what one cycle makes of it, y what an earlier one made, and r
    the residual.
    """
    ahead, blocks, factor, factor_t, inverse, inverse_t, parents, shares, weights = lattices
    for k in range(steps.shape[0]):
        what, level = steps[k, 0], steps[k, 1]
        first, last = starts[level], starts[level + 1]
        here, weight = slice(first, last), weights[level]
        if what == ENTER:
            enter(first, last, inverse_t, like, b)
        elif what == START:
            weigh(first, last, weight, b, like, x)
        elif what == RESIDUAL:
            add(first, last, np.float32(-1), b, x, like, r)
            couple(first, last, ahead, blocks, x, like, r)
        elif what == RESTRICT:
            b[last : starts[level + 2]] = 0
            restrict_nodes(first, last, parents, shares, factor_t, r, like, b)
        elif what == PROLONG:
            prolong_nodes(first, last, parents, shares, factor, x, like, x)
        elif what == RELAX:
            add(first, last, weight, x, r, like, x)
        elif what == KEEP:
            b[here], y[here] = r[here], x[here]
        elif what == ADD:
            add(first, last, np.float32(OVER), y, x, like, x)
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
