"""Compiled loops of incomplete Cholesky: factorisation and substitution."""

from __future__ import annotations

import numpy as np

from solvers.loops import jit

DONE, BREAKDOWN, FULL = 0, 1, 2


@jit
def factorise(A_indptr, A_indices, A_values, diagonal, threshold, shift, max_nnz):
    """Return (outcome, indptr, indices, values) of L, built one column after another.

    Column j of L is column j of A, less the multiples of those earlier columns k that have an
    entry in row j. Each column k waits in the list of the row that it has an entry in next:
    waiting[row] is the first such column, behind[k] the one after k, cursor[k] the entry.
    """
    n = diagonal.size
    pivot = (1 + shift) * diagonal
    smallest = threshold * np.sqrt(diagonal)
    indptr = np.zeros(n + 1, np.int64)
    indices = np.empty(A_values.size + n, np.int32)
    values = np.empty(A_values.size + n)
    waiting, behind = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    cursor = np.zeros(n, np.int64)
    column, met = np.zeros(n), np.full(n, -1, np.int32)  # dense; rows met in column j hold j
    rows = np.empty(n, np.int32)  # the rows met, as a list
    nnz = 0
    for j in range(n):
        count = 0
        for at in range(A_indptr[j], A_indptr[j + 1]):
            i = A_indices[at]
            if i > j:
                if met[i] != j:
                    met[i] = j
                    column[i] = 0.0
                    rows[count] = i
                    count += 1
                column[i] += A_values[at]
        k = waiting[j]
        while k >= 0:
            following = behind[k]
            first, last = cursor[k], indptr[k + 1]
            weight = values[first]
            for at in range(first + 1, last):
                i = indices[at]
                if met[i] != j:
                    met[i] = j
                    column[i] = 0.0
                    rows[count] = i
                    count += 1
                column[i] -= weight * values[at]
            if first + 1 < last:
                cursor[k] = first + 1
                behind[k] = waiting[indices[first + 1]]
                waiting[indices[first + 1]] = k
            k = following

        if not pivot[j] > 0:
            return BREAKDOWN, indptr, indices[:nnz], values[:nnz]
        root = np.sqrt(pivot[j])
        kept = 0
        for at in range(count):
            i = rows[at]
            entry = column[i] / root
            if abs(entry) > smallest[i]:
                pivot[i] -= entry * entry
                column[i] = entry
                rows[kept] = i
                kept += 1
        rows[:kept].sort()

        if nnz + 1 + kept > max_nnz:
            return FULL, indptr, indices[:nnz], values[:nnz]
        if nnz + 1 + kept > values.size:
            size = min(max(2 * values.size, nnz + 1 + kept), max_nnz)
            indices, values = enlarged(indices, size), enlarged(values, size)
        indices[nnz] = j
        values[nnz] = root
        for at in range(kept):
            indices[nnz + 1 + at] = rows[at]
            values[nnz + 1 + at] = column[rows[at]]
        if kept > 0:
            cursor[j] = nnz + 1
            behind[j] = waiting[rows[0]]
            waiting[rows[0]] = j
        nnz += 1 + kept
        indptr[j + 1] = nnz
    return DONE, indptr, indices[:nnz].copy(), values[:nnz].copy()


@jit
def enlarged(array, size):
    result = np.empty(size, array.dtype)
    result[: array.size] = array
    return result


@jit
def substitute(indptr, indices, values, z):
    """Solve L Lᵀ x = z in place."""
    n = z.size
    for j in range(n):
        z[j] /= values[indptr[j]]
        for at in range(indptr[j] + 1, indptr[j + 1]):
            z[indices[at]] -= values[at] * z[j]
    for j in range(n - 1, -1, -1):
        total = z[j]
        for at in range(indptr[j] + 1, indptr[j + 1]):
            total -= values[at] * z[indices[at]]
        z[j] = total / values[indptr[j]]
