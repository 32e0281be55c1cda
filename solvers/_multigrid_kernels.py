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
    functions = len(like)
    row, entries = np.empty((16, functions)), np.empty(segments.shape[1] - ROWS)
    sums = np.empty((2 * functions, 16 * functions))
    flat_row, flat_blocks = row.ravel(), blocks.reshape(blocks.shape[0], functions, 13 * functions)
    for k in range(first, last):
        sums[:] = 0
        for i in range(segments[k, SIZE]):
            project_cell(segments[k], i, planes, near_null, hats, like, entries, row)
            at, hat = np.uint64(segments[k, START] + i), hats[segments[k, LEFT] + i]
            for a in range(functions):
                here = np.float64(near_null[np.uint64(a), at])
                behind, ahead = sums[np.uint64(a)], sums[np.uint64(functions + a)]
                for j in range(16 * functions):
                    behind[j] += hat * here * flat_row[j]
                for j in range(16 * functions):
                    ahead[j] += (1 - hat) * here * flat_row[j]
        add_to_blocks(segments[k], hats, like, sums, flat_blocks)


@jit
def project_cell(segment, i, planes, near_null, hats, like, entries, row):
    """row ← (A P) of the i-th cell, at the 4 × 4 nodes from the one before its square."""
    spacing, reach = hats.size, (segment.size - ROWS) // 2
    start, x, y = segment[START] + i, segment[LEFT] + i, segment[ABOVE]
    row[:] = 0
    for dy in range(-reach, reach + 1):
        beside = segment[ROWS + reach + dy] + i
        for dx in range(-reach, reach + 1):
            if dy > 0 or (dy == 0 and dx >= 0):
                entry = planes[np.uint64(half_index(dy, dx, reach)), np.uint64(start)]
            else:
                entry = planes[np.uint64(half_index(-dy, -dx, reach)), np.uint64(beside + dx)]
            entries[np.uint64(reach + dx)] = entry
        above = 0 if y + dy < 0 else 1 if y + dy < spacing else 2
        hat_y = hats[y + dy + (1 - above) * spacing]
        for left in range(3):
            place = x + (1 - left) * spacing  # in the square between this node and the next
            first, last = max(-place, -reach), min(spacing - place, reach + 1)
            if first >= last:
                continue
            node = np.uint64(4 * above + left)
            for b in range(len(like)):
                total = behind = 0.0
                for dx in range(first, last):
                    value = entries[np.uint64(reach + dx)]
                    value *= near_null[np.uint64(b), np.uint64(beside + dx)]
                    total += value
                    behind += value * hats[np.uint64(place + dx)]
                row[node, b] += hat_y * behind
                row[node + np.uint64(1), b] += hat_y * (total - behind)
                row[node + np.uint64(4), b] += (1 - hat_y) * behind
                row[node + np.uint64(5), b] += (1 - hat_y) * (total - behind)


@jit
def add_to_blocks(segment, hats, like, sums, blocks):
    """Add what a segment gives its four nodes: `sums` for functions of the nodes behind it, then of
    those ahead, each with the functions of the 4 × 4 nodes around, half of which are kept."""
    functions, above = len(like), hats[segment[ABOVE]]
    for my in range(2):
        hat = 1 - above if my else above
        for mx in range(2):
            m = np.uint64(segment[LOWER if my else UPPER] + mx)
            for a in range(functions):
                given, out = sums[np.uint64(mx * functions + a)], blocks[m, np.uint64(a)]
                for ny in range(my + 1, 4):
                    node, k = 4 * ny * functions, half_index(ny - 1 - my, -1 - mx, 2) * functions
                    for j in range((mx + 1) * functions if ny == my + 1 else 0, 4 * functions):
                        out[np.uint64(k + j)] += hat * given[np.uint64(node + j)]


@jit
def half_index(dy, dx, reach):
    """Position of an offset among those that are stored; see grid.offsets."""
    return dy * (2 * reach + 1) + dx


@jit
def restrict(first, last, segments, b, Ax, near_null, hats, coarse):
    """coarse ← Pᵀ (b - A x)."""
    if near_null.shape[0] == 4:
        f0, f1, f2, f3 = near_null[0], near_null[1], near_null[2], near_null[3]
        restrict_four(first, last, segments, b, Ax, f0, f1, f2, f3, hats, coarse)
        return
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
def restrict_four(first, last, segments, b, Ax, f0, f1, f2, f3, hats, coarse):
    """`restrict` for four functions in one pass: segments are too short for loops of their own."""
    for k in range(first, last):
        start, length, left, above, upper, lower = segments[k, :ROWS]
        t0 = t1 = t2 = t3 = b0 = b1 = b2 = b3 = np.float32(0)
        for i in range(length):
            at, hat = np.uint64(start + i), hats[np.uint64(left + i)]
            value = b[at] - Ax[at]
            v0, v1, v2, v3 = value * f0[at], value * f1[at], value * f2[at], value * f3[at]
            t0, t1, t2, t3 = t0 + v0, t1 + v1, t2 + v2, t3 + v3
            b0, b1, b2, b3 = b0 + hat * v0, b1 + hat * v1, b2 + hat * v2, b3 + hat * v3
        hat_y = hats[above]
        for node, share in ((upper, hat_y), (lower, np.float32(1) - hat_y)):
            behind, ahead = coarse[node], coarse[node + 1]
            behind[0] += share * b0
            behind[1] += share * b1
            behind[2] += share * b2
            behind[3] += share * b3
            ahead[0] += share * (t0 - b0)
            ahead[1] += share * (t1 - b1)
            ahead[2] += share * (t2 - b2)
            ahead[3] += share * (t3 - b3)


@jit
def prolong(first, last, segments, coarse, near_null, hats, x):
    """x ← x + P coarse."""
    if near_null.shape[0] == 4:
        f0, f1, f2, f3 = near_null[0], near_null[1], near_null[2], near_null[3]
        prolong_four(first, last, segments, coarse, f0, f1, f2, f3, hats, x)
        return
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
def prolong_four(first, last, segments, coarse, f0, f1, f2, f3, hats, x):
    """`prolong` for four functions in one pass."""
    for k in range(first, last):
        start, length, left, above, upper, lower = segments[k, :ROWS]
        hat_y = hats[above]
        rest = np.float32(1) - hat_y
        a0 = hat_y * coarse[upper + 1, 0] + rest * coarse[lower + 1, 0]
        a1 = hat_y * coarse[upper + 1, 1] + rest * coarse[lower + 1, 1]
        a2 = hat_y * coarse[upper + 1, 2] + rest * coarse[lower + 1, 2]
        a3 = hat_y * coarse[upper + 1, 3] + rest * coarse[lower + 1, 3]
        d0 = hat_y * coarse[upper, 0] + rest * coarse[lower, 0] - a0
        d1 = hat_y * coarse[upper, 1] + rest * coarse[lower, 1] - a1
        d2 = hat_y * coarse[upper, 2] + rest * coarse[lower, 2] - a2
        d3 = hat_y * coarse[upper, 3] + rest * coarse[lower, 3] - a3
        for i in range(length):
            at, hat = np.uint64(start + i), hats[np.uint64(left + i)]
            total = f0[at] * (a0 + d0 * hat) + f1[at] * (a1 + d1 * hat)
            total += f2[at] * (a2 + d2 * hat) + f3[at] * (a3 + d3 * hat)
            x[at] += total


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
