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


@jit
def invert(first_part, last_part, bounds, ends, entries, inverse):
    """Fill the envelope of `inverse` with the entries of A⁻¹ there, out of the factors C.

    From Z = A⁻¹ and Z C = C⁻ᵀ, whose lower triangle is 1 / C_jj on the diagonal and zero below it,
    Z_ij = (δ_ij / C_jj - Σ_k>j Z_ik C_kj) / C_jj, from the last column to the first. Takahashi,
    Fagan & Chen, "Formation of a Sparse Bus Impedance Matrix", 1973.
    """
    first, last = bounds[first_part], bounds[last_part]
    rows, column = np.empty(last - first, np.int64), np.empty(last - first)
    lowest = np.arange(first, last)
    for i in range(first, last):
        begin = i + 1 - (ends[i + 1] - ends[i])
        lowest[begin - first] = max(lowest[begin - first], i)
    for j in range(first + 1, last):
        lowest[j - first] = max(lowest[j - first], lowest[j - 1 - first])
    for j in range(last - 1, first - 1, -1):
        count = 0
        for k in range(j + 1, lowest[j - first] + 1):
            zero = ends[k + 1] - 1 - k
            if zero + j >= ends[k]:
                rows[count], column[count] = k, entries[zero + j]
                count += 1
        scale = entries[ends[j + 1] - 1]
        total = 0.0
        for a in range(count):
            i = rows[a]
            zero = ends[i + 1] - 1 - i
            part = 0.0
            for b in range(a + 1):
                part += inverse[zero + rows[b]] * column[b]
            for b in range(a + 1, count):
                part += inverse[ends[rows[b] + 1] - 1 - rows[b] + i] * column[b]
            inverse[zero + j] = -part * scale
            total += inverse[zero + j] * column[a]
        inverse[ends[j + 1] - 1] = (scale - total) * scale
