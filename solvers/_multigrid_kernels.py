"""Compiled loops of multigrid. Raw arrays in and out; results last; callers check and allocate.

The argument `like` is a tuple with an element for each near-null function: its length is then a
constant to the compiler, which unrolls the loops over functions.

`segments` are what squares of the node lattice cut runs of cells into. The columns of a segment:
where it is stored, its length, its x and y within the square, and the nodes at the square's upper
left and lower left; then, for each row within reach, where the segment's first x is stored.
"""

from __future__ import annotations

import numpy as np

from solvers.lanes import load, spread, store, total, widen
from solvers.loops import jit
from solvers.runs import FIRST, LENGTH, LONGEST_RUN, own_column

START, SIZE, LEFT, ABOVE, UPPER, LOWER, ROWS = range(7)  # columns of `segments`

# ---- between cells and nodes


@jit
def project(first, last, segments, planes, near_null, hats, like, blocks):
    """blocks ← Pᵀ A P, half of it: blocks[m, a, k, b] couples function a of node m with function
    b of the k-th node ahead of m. The length of `like` is the number of functions."""
    functions, longest = len(like), min(hats.size, LONGEST_RUN)
    rows, entries = np.empty((longest, 16 * functions)), np.empty(segments.shape[1] - ROWS)
    shares, sums = np.empty((longest, 2 * functions)), np.empty((2 * functions, 16 * functions))
    flat_blocks = blocks.reshape(blocks.shape[0], functions, 13 * functions)
    for k in range(first, last):
        length = segments[k, SIZE]
        for i in range(length):
            row = rows[np.uint64(i)]
            project_cell(segments[k], i, planes, near_null, hats, like, entries, row)
            hat = spread(hats[np.uint64(segments[k, LEFT] + i)], like)
            here = widen(load(near_null[np.uint64(segments[k, START] + i)], 0, like))
            store(hat * here, shares[np.uint64(i)], 0)
            store(here - hat * here, shares[np.uint64(i)], functions)
        for a in range(np.uint64(functions)):
            for j in range(0, 16 * functions, functions):
                behind = ahead = spread(0.0, like)
                for i in range(np.uint64(length)):
                    row, share = load(rows[i], j, like), shares[i]
                    behind = behind + spread(share[a], like) * row
                    ahead = ahead + spread(share[a + np.uint64(functions)], like) * row
                store(behind, sums[a], j)
                store(ahead, sums[a + np.uint64(functions)], j)
        add_to_blocks(segments[k], hats, like, sums, flat_blocks)


@jit
def project_cell(segment, i, planes, near_null, hats, like, entries, row):
    """row ← (A P) of the i-th cell, at the 4 × 4 nodes from the one before its square."""
    spacing, reach = hats.size, (segment.size - ROWS) // 2
    start, x, y = segment[START] + i, segment[LEFT] + i, segment[ABOVE]
    functions, zero = len(like), spread(0.0, like)
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
        hat_y = spread(hats[np.uint64(y + dy + (1 - above) * spacing)], like)
        for left in range(3):
            place = x + (1 - left) * spacing  # in the square between this node and the next
            first, last = max(-place, -reach), min(spacing - place, reach + 1)
            if first >= last:
                continue
            whole, behind = zero, zero
            for dx in range(first, last):
                value = spread(entries[np.uint64(reach + dx)], like)
                value = value * widen(load(near_null[np.uint64(beside + dx)], 0, like))
                whole = whole + value
                behind = behind + value * spread(hats[np.uint64(place + dx)], like)
            ahead = whole - behind
            node = (4 * above + left) * functions
            add(hat_y * behind, row, node, like)
            add(hat_y * ahead, row, node + functions, like)
            add(behind - hat_y * behind, row, node + 4 * functions, like)
            add(ahead - hat_y * ahead, row, node + 5 * functions, like)


@jit
def add(lanes, array, at, like):
    """Add lanes to array[at], array[at + 1] …"""
    store(load(array, at, like) + lanes, array, at)


@jit
def add_to_blocks(segment, hats, like, sums, blocks):
    """Add what a segment gives its four nodes: `sums` for functions of the nodes behind it, then of
    those ahead, each with the functions of the 4 × 4 nodes around, half of which are kept."""
    functions, above = len(like), hats[segment[ABOVE]]
    for my in range(2):
        hat = spread(1 - above if my else above, like)
        for mx in range(2):
            m = np.uint64(segment[LOWER if my else UPPER] + mx)
            for a in range(functions):
                given, out = sums[np.uint64(mx * functions + a)], blocks[m, np.uint64(a)]
                for ny in range(my + 1, 4):
                    k = half_index(ny - 1 - my, -1 - mx, 2)
                    for nx in range(mx + 1 if ny == my + 1 else 0, 4):
                        share = hat * load(given, (4 * ny + nx) * functions, like)
                        add(share, out, (k + nx) * functions, like)


@jit
def half_index(dy, dx, reach):
    """Position of an offset among those that are stored; see grid.offsets."""
    return dy * (2 * reach + 1) + dx


@jit
def restrict(first, last, segments, b, Ax, near_null, hats, like, coarse):
    """coarse ← Pᵀ (b - A x)."""
    for k in range(first, last):
        start, length, left, above, upper, lower = segments[k, :ROWS]
        whole = behind = spread(np.float32(0), like)
        for i in range(length):
            at, hat = np.uint64(start + i), hats[np.uint64(left + i)]
            value = spread(b[at] - Ax[at], like) * load(near_null[at], 0, like)
            whole, behind = whole + value, behind + spread(hat, like) * value
        ahead, hat_y = whole - behind, spread(hats[np.uint64(above)], like)
        add(hat_y * behind, coarse[np.uint64(upper)], 0, like)
        add(hat_y * ahead, coarse[np.uint64(upper + 1)], 0, like)
        add(behind - hat_y * behind, coarse[np.uint64(lower)], 0, like)
        add(ahead - hat_y * ahead, coarse[np.uint64(lower + 1)], 0, like)


@jit
def prolong(first, last, segments, coarse, near_null, hats, like, x):
    """x ← x + P coarse."""
    for k in range(first, last):
        start, length, left, above, upper, lower = segments[k, :ROWS]
        hat_y = spread(hats[np.uint64(above)], like)
        behind = load(coarse[np.uint64(lower)], 0, like)
        behind = behind + hat_y * (load(coarse[np.uint64(upper)], 0, like) - behind)
        ahead = load(coarse[np.uint64(lower + 1)], 0, like)
        ahead = ahead + hat_y * (load(coarse[np.uint64(upper + 1)], 0, like) - ahead)
        for i in range(length):
            at, hat = np.uint64(start + i), hats[np.uint64(left + i)]
            given = ahead + spread(hat, like) * (behind - ahead)
            x[at] += total(load(near_null[at], 0, like) * given)


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
