"""Compiled loops of the solvers. Raw arrays in and out; results last; callers check and allocate.

Most are loops over first ≤ k < last, for `threads` to share. Slices come before inner loops, which
elsewhere would test for negative indices and not vectorise.
"""

from __future__ import annotations

import numpy as np

from solvers.loops import jit

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


# ---- stencil matrices: `runs` as in grid.Region


@jit
def expand(first, last, runs, x, out):
    """Spread a vector over the chosen cells to the stored ones, zero between."""
    reach = (runs.shape[1] - 5) // 2
    for k in range(first, last):
        number, n, start = runs[k, 0], runs[k, 1], runs[k, 4 + reach]
        end = runs[k - 1, 4 + reach] + runs[k - 1, 1] if k else 0
        for i in range(end, start):
            out[i] = 0
        source, target = x[number : number + n], out[start : start + n]
        for i in range(n):
            target[i] = source[i]
    if last == runs.shape[0]:
        end = runs[last - 1, 4 + reach] + runs[last - 1, 1] if last else 0
        for i in range(end, out.size):
            out[i] = 0


@jit
def apply_stencil(first, last, runs, planes, x, column, y):
    """y ← A x for x at the stored cells, and y where `column` of `runs` says that a run lies."""
    for k in range(first, last):
        out = y[runs[k, column] : runs[k, column] + runs[k, 1]]
        if runs.shape[1] == 9:
            apply_run_reach_2(runs[k], planes, x, out)
        else:
            apply_run(runs[k], planes, x, out)


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
    n, start = run[1], run[6]
    centre, here = planes[0, start : start + n], x[start : start + n]
    p, after = planes[1, start : start + n], x[start + 1 : start + 1 + n]
    q, before = planes[1, start - 1 : start - 1 + n], x[start - 1 : start - 1 + n]
    p2, after2 = planes[2, start : start + n], x[start + 2 : start + 2 + n]
    q2, before2 = planes[2, start - 2 : start - 2 + n], x[start - 2 : start - 2 + n]
    for i in range(n):
        y[i] = centre[i] * here[i] + p[i] * after[i] + q[i] * before[i]
        y[i] += p2[i] * after2[i] + q2[i] * before2[i]
    for dx in range(-2, 3):
        below, above, below2, above2 = run[7] + dx, run[5] - dx, run[8] + dx, run[4] - dx
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
    middle = 2 + runs.shape[1] // 2
    for k in range(first, last):
        begin, n, own = runs[k, 0], runs[k, 1], runs[k, middle]
        counts[begin : begin + n] = 1
        for plane in range(1, steps.shape[0]):
            dy, dx = steps[plane]
            ahead, behind = runs[k, middle + dy] + dx, runs[k, middle - dy] - dx
            for i in range(n):
                counts[begin + i] += number[ahead + i] >= 0 and planes[plane, own + i] != 0
                counts[begin + i] += number[behind + i] >= 0 and planes[plane, behind + i] != 0


@jit
def fill_rows(first, last, runs, steps, planes, number, starts, indices, values):
    """Write what `count_entries` counts, each row in the order of its columns."""
    middle = 2 + runs.shape[1] // 2
    for k in range(first, last):
        own = runs[k, middle]
        for i in range(runs[k, 1]):
            at = starts[runs[k, 0] + i]
            for plane in range(steps.shape[0] - 1, 0, -1):
                behind = runs[k, middle - steps[plane, 0]] - steps[plane, 1] + i
                if number[behind] >= 0 and planes[plane, behind] != 0:
                    indices[at], values[at] = number[behind], planes[plane, behind]
                    at += 1
            indices[at], values[at] = number[own + i], planes[0, own + i]
            at += 1
            for plane in range(1, steps.shape[0]):
                ahead = runs[k, middle + steps[plane, 0]] + steps[plane, 1] + i
                if number[ahead] >= 0 and planes[plane, own + i] != 0:
                    indices[at], values[at] = number[ahead], planes[plane, own + i]
                    at += 1
