"""Compiled loops of the solvers. Raw arrays in and out; results last; callers check and allocate.

Most are loops over first ≤ k < last, which threads share. Slices are taken before inner loops: an
index into the whole array might be negative, and that test would keep a loop from vectorising.
"""

from __future__ import annotations

import numpy as np

from solvers.loops import jit
from solvers.runs import FIRST, LENGTH, STORED, own_column

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
        out = y[runs[k, column] : runs[k, column] + runs[k, LENGTH]]
        if own_column(runs) == STORED + 2:
            apply_run_reach_2(runs[k], planes, x, out)
        else:
            apply_run(runs[k], planes, x, out)


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
def apply_run_reach_2(run, planes, x, y):
    """`apply_run` of a 3 × 3 window's matrix in six passes over y instead of thirteen."""
    n = run[LENGTH]
    two_up, one_up, start, one_down, two_down = run[STORED:]
    centre, here = planes[0, start : start + n], x[start : start + n]
    p, after = planes[1, start : start + n], x[start + 1 : start + 1 + n]
    q, before = planes[1, start - 1 : start - 1 + n], x[start - 1 : start - 1 + n]
    p2, after2 = planes[2, start : start + n], x[start + 2 : start + 2 + n]
    q2, before2 = planes[2, start - 2 : start - 2 + n], x[start - 2 : start - 2 + n]
    for i in range(n):
        y[i] = centre[i] * here[i] + p[i] * after[i] + q[i] * before[i]
        y[i] += p2[i] * after2[i] + q2[i] * before2[i]
    for dx in range(-2, 3):
        below, above, below2, above2 = one_down + dx, one_up - dx, two_down + dx, two_up - dx
        p, after = planes[5 + dx, start : start + n], x[below : below + n]
        q, before = planes[5 + dx, above : above + n], x[above : above + n]
        p2, after2 = planes[10 + dx, start : start + n], x[below2 : below2 + n]
        q2, before2 = planes[10 + dx, above2 : above2 + n], x[above2 : above2 + n]
        for i in range(n):
            y[i] += p[i] * after[i] + q[i] * before[i] + p2[i] * after2[i] + q2[i] * before2[i]


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
