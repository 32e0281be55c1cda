"""Compiled loops of multigrid. Raw arrays in and out; results last; callers check and allocate.

The argument `like` is a tuple with an element for each near-null function: its length is then a
constant to the compiler, which unrolls the loops over functions.

`segments` are what squares of the node lattice cut runs of cells into. The columns of a segment:
where it is stored, its length, its x and y within the square, and the nodes at the square's upper
left and lower left; then, for each row within reach, where the segment's first x is stored.
"""

from __future__ import annotations

import numpy as np

from solvers.loops import jit
from solvers.runs import FIRST, LENGTH, own_column

START, SIZE, LEFT, ABOVE, UPPER, LOWER, ROWS = range(7)  # columns of `segments`

# ---- between cells and nodes


@jit
def project(first, last, segments, planes, near_null, hats, like, blocks):
    """blocks ← Pᵀ A P, half of it: blocks[m, a, k, b] couples function a of node m with function
    b of the k-th node ahead of m. The length of `like` is the number of functions."""
    row = np.empty((4, 4, len(like)))
    across = np.empty((4, len(like)))
    for k in range(first, last):
        project_segment(segments[k], planes, near_null, hats, like, across, row, blocks)


@jit
def project_segment(segment, planes, near_null, hats, like, across, row, blocks):
    functions, spacing = len(like), hats.size
    reach = (segment.size - ROWS) // 2
    start, length, left, above, upper, lower = segment[:ROWS]
    top, bottom = nodes_within(above, reach, spacing)
    for i in range(length):
        x = left + i
        near, far = nodes_within(x, reach, spacing)
        # row: (A P) of this cell, at the nodes from the one before its square
        row[:] = 0
        for dy in range(-reach, reach + 1):
            across[:] = 0
            for dx in range(-reach, reach + 1):
                j = segment[ROWS + reach + dy] + i + dx
                if dy > 0 or (dy == 0 and dx >= 0):
                    entry = planes[half_index(dy, dx, reach), start + i]
                else:
                    entry = planes[half_index(-dy, -dx, reach), j]
                node, hat = node_before(x + dx, hats)
                behind = entry * hat
                for b in range(functions):
                    across[node, b] += behind * near_null[b, j]
                    across[node + 1, b] += (entry - behind) * near_null[b, j]
            node, hat = node_before(above + dy, hats)
            for nx in range(near, far):
                for b in range(functions):
                    row[node, nx, b] += hat * across[nx, b]
                    row[node + 1, nx, b] += (1 - hat) * across[nx, b]
        for my in range(2):
            hat_y = hats[above] if my == 0 else 1 - hats[above]
            for mx in range(2):
                hat = hat_y * (hats[x] if mx == 0 else 1 - hats[x])
                m = (lower if my else upper) + mx
                for ny in range(max(my + 1, top), bottom):
                    for nx in range(max(mx + 1, near) if ny == my + 1 else near, far):
                        k = half_index(ny - 1 - my, nx - 1 - mx, 2)
                        for a in range(functions):
                            weight = hat * near_null[a, start + i]
                            for b in range(functions):
                                blocks[m, a, k, b] += weight * row[ny, nx, b]


@jit
def nodes_within(place, reach, spacing):
    """Range of the nodes that a cell's neighbours lie between, from the node before its square."""
    return 0 if place < reach else 1, 4 if place >= spacing - reach else 3


@jit
def node_before(place, hats):
    """The node before a place, counted from the one before the square; and its hat there."""
    spacing = hats.size
    node = 0 if place < 0 else 1 if place < spacing else 2
    return node, hats[place + spacing - node * spacing]


@jit
def half_index(dy, dx, reach):
    """Position of an offset among those that are stored; see grid.offsets."""
    return dy * (2 * reach + 1) + dx


@jit
def restrict(first, last, segments, b, Ax, near_null, hats, coarse):
    """coarse ← Pᵀ (b - A x)."""
    for k in range(first, last):
        start, length, left, above, upper, lower = segments[k, :ROWS]
        hat_y = hats[above]
        here, there = b[start : start + length], Ax[start : start + length]
        hat = hats[left : left + length]
        for a in range(near_null.shape[0]):
            function = near_null[a, start : start + length]
            total, behind = np.float32(0), np.float32(0)
            for i in range(length):
                value = (here[i] - there[i]) * function[i]
                total += value
                behind += value * hat[i]
            coarse[upper, a] += hat_y * behind
            coarse[upper + 1, a] += hat_y * (total - behind)
            coarse[lower, a] += (1 - hat_y) * behind
            coarse[lower + 1, a] += (1 - hat_y) * (total - behind)


@jit
def prolong(first, last, segments, coarse, near_null, hats, x):
    """x ← x + P coarse."""
    for k in range(first, last):
        start, length, left, above, upper, lower = segments[k, :ROWS]
        hat_y = hats[above]
        out, hat = x[start : start + length], hats[left : left + length]
        for a in range(near_null.shape[0]):
            function = near_null[a, start : start + length]
            behind = hat_y * coarse[upper, a] + (1 - hat_y) * coarse[lower, a]
            ahead = hat_y * coarse[upper + 1, a] + (1 - hat_y) * coarse[lower + 1, a]
            for i in range(length):
                out[i] += function[i] * (ahead + (behind - ahead) * hat[i])


@jit
def relax(first, last, runs, weight, b, Ax, x, z):
    """z ← x + weight (b - A x), from the stored cells to the chosen ones."""
    own = own_column(runs)
    for k in range(first, last):
        number, n, start = runs[k, FIRST], runs[k, LENGTH], runs[k, own]
        here = slice(start, start + n)
        w, wanted, found, at, out = weight[here], b[here], Ax[here], x[here], z[number : number + n]
        for i in range(n):
            out[i] = at[i] + w[i] * (wanted[i] - found[i])


# ---- between nodes: blocks couple a node to those ahead of it; `like` as in project


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
def scale_blocks(neighbours, inverse, blocks, like, scaled):
    """scaled[m, :, k] ← C⁻¹(m) B C⁻ᵀ(n) for the couplings B of m to its k-th neighbour n."""
    functions = len(like)
    count = neighbours.shape[0]
    half = np.empty((functions, functions))
    for m in range(count):
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
def block_residual(first, last, neighbours, blocks, b, x, like, out):
    """out ← b - A x on a lattice of nodes; the last row of x is zero and stands for no node."""
    functions = len(like)
    around = np.empty(25 * functions, x.dtype)
    for m in range(first, last):
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
def enter(inverse, b, weight, like, scaled, x):
    """scaled ← C⁻¹ b, and the first Jacobi step from zero, x ← weight · scaled."""
    x[b.shape[0]] = 0
    for m in range(b.shape[0]):
        for a in range(len(like)):
            total = np.float32(0)
            for c in range(a + 1):
                total += inverse[m, a, c] * b[m, c]
            scaled[m, a] = total
            x[m, a] = weight * total


@jit
def leave(inverse, r, weight, like, x):
    """The last Jacobi step, and back from scaled unknowns: x ← C⁻ᵀ (x + weight · r)."""
    functions = len(like)
    for m in range(r.shape[0]):
        for c in range(functions):
            total = np.float32(0)
            for a in range(c, functions):
                total += inverse[m, a, c] * (x[m, a] + weight * r[m, a])
            x[m, c] = total


@jit
def restrict_nodes(parents, shares, factor, r, like, coarse):
    """coarse ← Wᵀ C r with W the bilinear shares of the nodes in their parents."""
    for m in range(r.shape[0]):
        for a in range(len(like)):
            total = np.float32(0)
            for c in range(a + 1):
                total += factor[m, a, c] * r[m, c]
            for p in range(4):
                coarse[parents[m, p], a] += shares[m, p] * total


@jit
def prolong_nodes(parents, shares, factor, coarse, like, x):
    """x ← x + Cᵀ W coarse."""
    functions = len(like)
    for m in range(parents.shape[0]):
        for a in range(functions):
            total = np.float32(0)
            for p in range(4):
                total += shares[m, p] * coarse[parents[m, p], a]
            for c in range(a + 1):
                x[m, c] += factor[m, a, c] * total


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
