"""Compiled loops of the solvers. Raw arrays in and out; results last; callers check and allocate.

Most are loops over first ≤ k < last, which threads share. Slices are taken before inner loops: an
index into the whole array might be negative, and that test would keep a loop from vectorising.
"""

from __future__ import annotations

import numpy as np

from solvers.lanes import lane, load, store
from solvers.loops import jit
from solvers.runs import FIRST, LENGTH, STORED, own_column

EIGHT = (0,) * 8  # cells at once

# ---- conjugate gradients


@jit
def dot(first, last, a, b):
    a, b = a[first:last], b[first:last]
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@jit
def step(first, last, length, p, Ap, x, r):
    """Move x along p, update the residual, and return its squared norm."""
    p, Ap, x, r = p[first:last], Ap[first:last], x[first:last], r[first:last]
    total = 0.0
    for i in range(x.size):
        x[i] += length * p[i]
        r[i] -= length * Ap[i]
        total += r[i] * r[i]
    return total


@jit
def turn(first, last, beta, z, p):
    """p ← z + beta p."""
    z, p = z[first:last], p[first:last]
    for i in range(p.size):
        p[i] = z[i] + beta * p[i]


# ---- sparse rows


@jit
def apply_rows(first, last, indptr, indices, values, x, y):
    """y ← A x for rows of a CSR matrix."""
    for i in range(first, last):
        row, weights = indices[indptr[i] : indptr[i + 1]], values[indptr[i] : indptr[i + 1]]
        total = 0.0
        for k in range(row.size):
            total += weights[k] * x[np.uint32(row[k])]  # spares a test for negative indices
        y[i] = total


# ---- stencil matrices: loops over `runs`, whose columns are in runs.py


@jit
def expand(first, last, runs, x, out):
    """Spread a vector over the chosen cells to the stored ones, zero between."""
    own = own_column(runs)
    for k in range(first, last):
        number, n, start = runs[k, FIRST], runs[k, LENGTH], runs[k, own]
        end = runs[k - 1, own] + runs[k - 1, LENGTH] if k else 0
        for i in range(end, start):
            out[i] = 0
        source, target = x[number : number + n], out[start : start + n]
        for i in range(n):
            target[i] = source[i]
    if last == runs.shape[0]:
        end = runs[last - 1, own] + runs[last - 1, LENGTH] if last else 0
        for i in range(end, out.size):
            out[i] = 0


@jit
def apply_stencil(first, last, runs, planes, x, column, y):
    """y ← A x for x at the stored cells. `column` of `runs` says where a run lies in y."""
    for k in range(first, last):
        n, out = runs[k, LENGTH], runs[k, column]
        if own_column(runs) != STORED + 2 or runs[k, STORED] + n < len(EIGHT) + 2:
            apply_run(runs[k], planes, x, y[out : out + n])
            continue
        for begin in range(0, n, len(EIGHT)):
            i = min(begin, n - len(EIGHT))  # the last eight may begin before a short run
            eight = apply_to_eight(runs[k], i, planes, x)
            if i >= 0:
                store(eight, y, out + i)
            else:
                for j in range(n):
                    y[out + j] = lane(eight, j - i)


@jit
def apply_run(run, planes, x, y):
    own = own_column(run)
    reach = own - STORED
    n, start = run[LENGTH], run[own]
    centre, here = planes[0, start : start + n], x[start : start + n]
    for i in range(n):
        y[i] = centre[i] * here[i]
    plane = 1
    for dy in range(reach + 1):
        ahead, behind = run[own + dy], run[own - dy]
        for dx in range(-reach if dy else 1, reach + 1):
            p, after = planes[plane, start : start + n], x[ahead + dx : ahead + dx + n]
            q, before = (
                planes[plane, behind - dx : behind - dx + n],
                x[behind - dx : behind - dx + n],
            )
            for i in range(n):
                y[i] += p[i] * after[i] + q[i] * before[i]
            plane += 1


@jit
def apply_to_eight(run, i, planes, x):
    """Return A x at the eight cells of a run from the i-th on, for a 3 × 3 window's matrix."""
    two_up, one_up, start = run[STORED] + i, run[STORED + 1] + i, run[STORED + 2] + i
    one_down, two_down = run[STORED + 3] + i, run[STORED + 4] + i
    behind = load(planes[0], start, EIGHT) * load(x, start, EIGHT)
    ahead = load(planes[1], start, EIGHT) * load(x, start + 1, EIGHT)
    behind = behind + load(planes[1], start - 1, EIGHT) * load(x, start - 1, EIGHT)
    ahead = ahead + load(planes[2], start, EIGHT) * load(x, start + 2, EIGHT)
    behind = behind + load(planes[2], start - 2, EIGHT) * load(x, start - 2, EIGHT)
    for dx in range(-2, 3):
        plane = planes[np.uint64(5 + dx)]
        ahead = ahead + load(plane, start, EIGHT) * load(x, one_down + dx, EIGHT)
        behind = behind + load(plane, one_up - dx, EIGHT) * load(x, one_up - dx, EIGHT)
        plane = planes[np.uint64(10 + dx)]
        ahead = ahead + load(plane, start, EIGHT) * load(x, two_down + dx, EIGHT)
        behind = behind + load(plane, two_up - dx, EIGHT) * load(x, two_up - dx, EIGHT)
    return behind + ahead


@jit
def count_entries(first, last, runs, steps, planes, number, counts):
    """Count the diagonal and the entries other than zero that each row has among the unknowns.

    `number` says which unknown a stored cell is, or -1; `steps` lists the planes' (dy, dx).
    """
    own = own_column(runs)
    for k in range(first, last):
        begin, n, start = runs[k, FIRST], runs[k, LENGTH], runs[k, own]
        counts[begin : begin + n] = 1
        for plane in range(1, steps.shape[0]):
            dy, dx = steps[plane]
            ahead, behind = runs[k, own + dy] + dx, runs[k, own - dy] - dx
            for i in range(n):
                counts[begin + i] += number[ahead + i] >= 0 and planes[plane, start + i] != 0
                counts[begin + i] += number[behind + i] >= 0 and planes[plane, behind + i] != 0


@jit
def fill_rows(first, last, runs, steps, planes, number, starts, indices, values):
    """Write what `count_entries` counts, each row in the order of its columns."""
    own = own_column(runs)
    for k in range(first, last):
        start = runs[k, own]
        for i in range(runs[k, LENGTH]):
            at = starts[runs[k, FIRST] + i]
            for plane in range(steps.shape[0] - 1, 0, -1):
                behind = runs[k, own - steps[plane, 0]] - steps[plane, 1] + i
                if number[behind] >= 0 and planes[plane, behind] != 0:
                    indices[at], values[at] = number[behind], planes[plane, behind]
                    at += 1
            indices[at], values[at] = number[start + i], planes[0, start + i]
            at += 1
            for plane in range(1, steps.shape[0]):
                ahead = runs[k, own + steps[plane, 0]] + steps[plane, 1] + i
                if number[ahead] >= 0 and planes[plane, start + i] != 0:
                    indices[at], values[at] = number[ahead], planes[plane, start + i]
                    at += 1
