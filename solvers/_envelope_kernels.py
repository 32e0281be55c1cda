"""Compiled loops of Cholesky's factors in an envelope. Raw arrays in and out; results last.

Row i of a lower triangle holds the columns first[i] … i, one behind the other, and ends before
`ends[i + 1]`: so its column j is at ends[i + 1] - 1 - i + j. Parts that couple to no other part lie
between two of `bounds`.
"""

from __future__ import annotations

import numpy as np

from solvers.loops import jit


@jit
def fill(indptr, indices, values, order, place, ends, entries):
    """entries ← the lower triangle of a CSR matrix whose row order[i] becomes row i.

    `place` says what becomes of each row.
    """
    for i in range(order.size):
        zero = ends[i + 1] - 1 - i
        for at in range(indptr[order[i]], indptr[order[i] + 1]):
            j = place[indices[at]]
            if j <= i:
                entries[zero + j] = values[at]


@jit
def factorise(first_part, last_part, bounds, ends, entries):
    """Replace A by C, where A = C Cᵀ. The diagonal holds 1 / C_ii, or zero where A is singular."""
    for i in range(bounds[first_part], bounds[last_part]):
        row, zero = entries[ends[i] : ends[i + 1]], ends[i + 1] - 1 - i
        first = i + 1 - row.size
        for j in range(first, i):
            other = entries[ends[j] : ends[j + 1]]
            start = max(first, j + 1 - other.size)
            a, b = row[start - first : j - first], other[other.size - 1 - j + start :]
            total = 0.0
            for k in range(a.size):
                total += a[k] * b[k]
            row[j - first] = (row[j - first] - total) * other[other.size - 1]
        pivot = entries[zero + i]
        size = pivot
        for k in range(row.size - 1):
            pivot -= row[k] * row[k]
        row[row.size - 1] = 1 / np.sqrt(pivot) if pivot > 1e-14 * size else 0.0


@jit
def solve(first_part, last_part, bounds, ends, entries, x):
    """Replace b by A⁻¹ b."""
    first, last = bounds[first_part], bounds[last_part]
    for i in range(first, last):
        row = entries[ends[i] : ends[i + 1]]
        before = x[i + 1 - row.size : i]
        total = 0.0
        for k in range(before.size):
            total += row[k] * before[k]
        x[i] = (x[i] - total) * row[row.size - 1]
    for i in range(last - 1, first - 1, -1):
        row = entries[ends[i] : ends[i + 1]]
        before = x[i + 1 - row.size : i]
        x[i] *= row[row.size - 1]
        for k in range(before.size):
            before[k] -= x[i] * row[k]
