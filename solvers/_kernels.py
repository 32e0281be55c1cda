"""Compiled loops of the solvers. Raw arrays in and out; results last; callers check and allocate."""

from __future__ import annotations

import numpy as np
from numba import prange

from solvers.jit import jit

# ---- conjugate gradients


@jit(parallel=True)
def dot(a, b):
    total = 0.0
    for i in prange(a.size):
        total += a[i] * b[i]
    return total


@jit(parallel=True)
def step(length, p, Ap, x, r):
    """Move x along p, update the residual, and return its squared norm."""
    total = 0.0
    for i in prange(x.size):
        x[i] += length * p[i]
        r[i] -= length * Ap[i]
        total += r[i] * r[i]
    return total


@jit(parallel=True)
def turn(beta, z, p):
    """p ← z + beta p."""
    for i in prange(p.size):
        p[i] = z[i] + beta * p[i]


# ---- stencil matrices: `runs` and `bounds` as in grid.Region


@jit(parallel=True)
def expand(bounds, runs, x, out):
    """Spread a vector over the chosen cells to the stored ones, zero between."""
    reach = (runs.shape[1] - 5) // 2
    for part in prange(bounds.size - 1):
        for k in range(bounds[part], bounds[part + 1]):
            first, n, start = runs[k, 0], runs[k, 1], runs[k, 4 + reach]
            end = runs[k - 1, 4 + reach] + runs[k - 1, 1] if k else 0
            out[end:start] = 0
            out[start : start + n] = x[first : first + n]
            if k == runs.shape[0] - 1:
                out[start + n :] = 0


@jit(parallel=True)
def apply_stencil(bounds, runs, planes, x, column, y):
    """y ← A x for x at the stored cells, and y where `column` of `runs` says that a run lies."""
    for part in prange(bounds.size - 1):
        for k in range(bounds[part], bounds[part + 1]):
            first = runs[k, column]
            apply_run(runs[k], planes, x, y[first : first + runs[k, 1]])


@jit
def apply_run(run, planes, x, y):
    reach = (run.size - 5) // 2
    n, start = run[1], run[4 + reach]
    centre, here = planes[0, start : start + n], x[start : start + n]
    for i in range(n):
        y[i] = centre[i] * here[i]
    plane = 1
    for dy in range(reach + 1):
        ahead, behind = run[4 + reach + dy], run[4 + reach - dy]
        for dx in range(-reach if dy else 1, reach + 1):
            forward = planes[plane, start : start + n]
            backward = planes[plane, behind - dx : behind - dx + n]
            after = x[ahead + dx : ahead + dx + n]
            before = x[behind - dx : behind - dx + n]
            for i in range(n):
                y[i] += forward[i] * after[i] + backward[i] * before[i]
            plane += 1


# ---- multigrid between cells and nodes: `segments` and `strips` as in multigrid._segments.
# A segment touches the nodes of its row of squares and of the next one. Rows of one parity are
# worked on together, so that no two threads write to one node.


@jit(parallel=True)
def project(strips, segments, planes, near_null, hats, neighbours, like, blocks):
    """blocks ← Pᵀ A P, half of it: blocks[m, a, k, b] couples function a of node m with function
    b of the k-th node ahead of m. The length of `like` is the number of functions."""
    for parity in range(2):
        for pair in prange((strips.size - parity) // 2):
            for k in range(strips[2 * pair + parity], strips[2 * pair + parity + 1]):
                project_segment(segments[k], planes, near_null, hats, neighbours, like, blocks)


@jit
def project_segment(segment, planes, near_null, hats, neighbours, like, blocks):
    functions = len(like)
    spacing = hats.size
    reach = (segment.size - 7) // 2
    start, length, left, above, upper, lower = segment[:6]
    corner = np.array((upper, upper + 1, lower, lower + 1))
    row = np.empty((4, 4, functions))  # (A P) of one cell, at the nodes from one before its square
    for i in range(length):
        row[:] = 0
        x = left + i
        for dy in range(-reach, reach + 1):
            y = above + dy
            node_y = (y + spacing) // spacing
            hat_y = hats[(y + spacing) % spacing]
            there = segment[6 + reach + dy] + i
            for dx in range(-reach, reach + 1):
                j = there + dx
                if dy > 0 or (dy == 0 and dx >= 0):
                    entry = planes[half_index(dy, dx, reach), start + i]
                else:
                    entry = planes[half_index(-dy, -dx, reach), j]
                node_x = (x + dx + spacing) // spacing
                hat_x = hats[(x + dx + spacing) % spacing]
                for b in range(functions):
                    value = entry * near_null[b, j]
                    high, low = hat_y * value, (1 - hat_y) * value
                    row[node_y, node_x, b] += hat_x * high
                    row[node_y, node_x + 1, b] += (1 - hat_x) * high
                    row[node_y + 1, node_x, b] += hat_x * low
                    row[node_y + 1, node_x + 1, b] += (1 - hat_x) * low
        for my in range(2):
            hat_y = hats[above] if my == 0 else 1 - hats[above]
            for mx in range(2):
                hat_x = hats[x] if mx == 0 else 1 - hats[x]
                m = corner[2 * my + mx]
                for a in range(functions):
                    weight = hat_y * hat_x * near_null[a, start + i]
                    for ny in range(my + 1, 4):
                        for nx in range(mx + 1 if ny == my + 1 else 0, 4):
                            k = half_index(ny - 1 - my, nx - 1 - mx, 2)
                            for b in range(functions):
                                blocks[m, a, k, b] += weight * row[ny, nx, b]


@jit
def half_index(dy, dx, reach):
    """Position of an offset among those that are stored; see grid.offsets."""
    return dy * (2 * reach + 1) + dx


@jit(parallel=True)
def restrict(strips, segments, b, Ax, near_null, hats, coarse):
    """coarse ← Pᵀ (b - A x)."""
    for parity in range(2):
        for pair in prange((strips.size - parity) // 2):
            for k in range(strips[2 * pair + parity], strips[2 * pair + parity + 1]):
                start, length, left, above, upper, lower = segments[k, :6]
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


@jit(parallel=True)
def prolong(strips, segments, coarse, near_null, hats, x):
    """x ← x + P coarse."""
    for strip in prange(strips.size - 1):
        for k in range(strips[strip], strips[strip + 1]):
            start, length, left, above, upper, lower = segments[k, :6]
            hat_y = hats[above]
            out, hat = x[start : start + length], hats[left : left + length]
            for a in range(near_null.shape[0]):
                function = near_null[a, start : start + length]
                behind = hat_y * coarse[upper, a] + (1 - hat_y) * coarse[lower, a]
                ahead = hat_y * coarse[upper + 1, a] + (1 - hat_y) * coarse[lower + 1, a]
                for i in range(length):
                    out[i] += function[i] * (ahead + (behind - ahead) * hat[i])


@jit(parallel=True)
def relax(bounds, runs, weight, b, Ax, x, z):
    """z ← x + weight (b - A x), from the stored cells to the chosen ones."""
    reach = (runs.shape[1] - 5) // 2
    for part in prange(bounds.size - 1):
        for k in range(bounds[part], bounds[part + 1]):
            first, n, start = runs[k, 0], runs[k, 1], runs[k, 4 + reach]
            for i in range(n):
                j = start + i
                z[first + i] = x[j] + weight[j] * (b[j] - Ax[j])


# ---- multigrid between nodes: blocks couple a node to those ahead of it; `like` as in project


@jit(parallel=True)
def scale_blocks(neighbours, inverse, blocks, like, scaled):
    """scaled[m, k] ← C⁻¹(m) B C⁻ᵀ(n) for the couplings B of m to the nodes n ahead."""
    functions = len(like)
    for m in prange(neighbours.shape[0]):
        half = np.empty((functions, functions))
        for k in range(12):
            n = neighbours[m, 13 + k]
            scaled[m, k] = 0
            if n == neighbours.shape[0]:
                continue
            for a in range(functions):
                for b in range(functions):
                    total = 0.0
                    for c in range(a + 1):
                        total += inverse[m, a, c] * blocks[m, c, 1 + k, b]
                    half[a, b] = total
            for a in range(functions):
                for b in range(functions):
                    total = 0.0
                    for c in range(b + 1):
                        total += half[a, c] * inverse[n, b, c]
                    scaled[m, k, a, b] = total


@jit(parallel=True)
def block_residual(neighbours, blocks, b, x, like, out):
    """out ← b - A x on a lattice of nodes, whose own blocks are identities."""
    functions = len(like)
    count = neighbours.shape[0]
    for m in prange(count):
        for a in range(functions):
            out[m, a] = b[m, a] - x[m, a]
        for k in range(12):
            n = neighbours[m, 13 + k]
            if n < count:
                for a in range(functions):
                    for c in range(functions):
                        out[m, a] -= blocks[m, k, a, c] * x[n, c]
            n = neighbours[m, 11 - k]
            if n < count:
                for a in range(functions):
                    for c in range(functions):
                        out[m, a] -= blocks[n, k, c, a] * x[n, c]


@jit
def enter(inverse, b, weight, like, scaled, x):
    """scaled ← C⁻¹ b, and the first Jacobi step from zero, x ← weight · scaled."""
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
    for m in range(x.shape[0]):
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
    for m in range(x.shape[0]):
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
