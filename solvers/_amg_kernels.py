"""Compiled loops of aggregation multigrid: pairs, projection, sweeps and the cycle.

A matrix is a `Couplings` of raw arrays: row i holds w = -a_ij at ptr[i] … ptr[i + 1], and its sum
is excess[i]. A diagonal entry is the sum of its row's w and excess. So the sum over a group of rows
is never a small difference of large numbers.

In `Rows`, the levels of a hierarchy follow one another in all arrays, and the couplings of a
row are in three parts: to earlier rows of its own block up to low[i], to other blocks up to
high[i], and to later rows of its own block.
"""

from __future__ import annotations

import numpy as np

from solvers.loops import jit

FREE, ALONE = -2, -1  # not paired yet; left to the smoother
HANGING = 0.5  # share of its diagonal by which a row hangs on another
ROUNDING = 1e-14  # an excess below this share of the diagonal is rounding


@jit
def split(indptr, indices, values, couplings):
    """Take a CSR matrix apart into couplings and the sums of its rows."""
    columns, w, excess = couplings.columns, couplings.w, couplings.excess
    count = 0
    for i in range(excess.size):
        couplings.ptr[i] = count
        total, diagonal = 0.0, 0.0
        for at in range(indptr[i], indptr[i + 1]):
            total += values[at]
            if indices[at] == i:
                diagonal += values[at]
            else:
                columns[count] = indices[at]
                w[count] = -values[at]
                count += 1
        excess[i] = total if abs(total) > ROUNDING * diagonal else 0.0
    couplings.ptr[excess.size] = count


@jit
def diagonal(first, last, matrix, out):
    for i in range(first, last):
        total = matrix.excess[i]
        for at in range(matrix.ptr[i], matrix.ptr[i + 1]):
            total += matrix.w[at]
        out[i] = total


@jit
def favour(first, last, matrix, weight, bound, leader, favourite):
    """Find the best partner of each free row among the free rows, or -1.

    The quality of a pair is 1 / (w (1/d_i + 1/d_j)), with weight = 1/d: how much larger than its
    energy a difference within the pair looks to the smoother.
    """
    for i in range(first, last):
        favourite[i] = -1
        if leader[i] != FREE:
            continue
        best = 1 / bound
        for at in range(matrix.ptr[i], matrix.ptr[i + 1]):
            j = matrix.columns[at]
            strength = matrix.w[at] * (weight[i] + weight[j])
            if strength >= best and leader[j] == FREE:
                if strength > best or favourite[i] < 0 or j < favourite[i]:
                    favourite[i] = j
                best = strength


@jit
def lead(matrix, weight, bound, leader, favourite):
    """Give each free row a leader, which is the first row of its pair.

    First, rows that are each other's favourites pair. Then each other row pairs with a free one,
    joins the pair of a row that it hangs on (as the leaves of a star do), or stays single.
    """
    for i in range(leader.size):
        j = favourite[i]
        if j > i and favourite[j] == i:
            leader[i] = leader[j] = i
    for i in range(leader.size):
        if leader[i] != FREE:
            continue
        favour(i, i + 1, matrix, weight, bound, leader, favourite)
        leader[i] = i
        if favourite[i] >= 0:
            leader[favourite[i]] = i
            continue
        for at in range(matrix.ptr[i], matrix.ptr[i + 1]):
            j = matrix.columns[at]
            if matrix.w[at] * weight[i] > HANGING and leader[j] >= 0:
                leader[i] = leader[j]


@jit
def number(leader, group):
    """Number groups in the order of their leaders."""
    count = 0
    for i in range(leader.size):
        if leader[i] == i:
            group[i] = count
            count += 1
    for i in range(leader.size):
        group[i] = group[leader[i]] if leader[i] >= 0 else ALONE


@jit
def list_members(group, start, rows):
    for c in group:
        if c >= 0:
            start[c + 1] += 1
    for c in range(start.size - 1):
        start[c + 1] += start[c]
    place = start[:-1].copy()
    for i in range(group.size):
        c = group[i]
        if c >= 0:
            rows[place[c]] = i
            place[c] += 1


@jit
def project(fine, group, members, coarse):
    """Add up the couplings between groups, and the excess of each group."""
    count = 0
    found = np.full(coarse.excess.size, -1, np.int64)  # where the coupling to each group is
    for c in range(coarse.excess.size):
        coarse.ptr[c] = begin = count
        excess = 0.0
        for k in range(members.start[c], members.start[c + 1]):
            i = members.rows[k]
            excess += fine.excess[i]
            for at in range(fine.ptr[i], fine.ptr[i + 1]):
                other = group[fine.columns[at]]
                if other == c:
                    continue
                if other == ALONE:  # held at zero in every coarse function
                    excess += fine.w[at]
                elif found[other] < begin:
                    found[other] = count
                    coarse.columns[count] = other
                    coarse.w[count] = fine.w[at]
                    count += 1
                else:
                    coarse.w[found[other]] += fine.w[at]
        coarse.excess[c] = excess
    coarse.ptr[coarse.excess.size] = count


@jit
def arrange(first, last, begin, block, excess, rows):
    """Bring the couplings of rows into their order; find their diagonals and pivots.

    `begin` is the first row of the level. Blocks are swept side by side. For this to converge, the
    pivot of a row must exceed its diagonal, by `slack`, if much of the row is in other blocks. Rows
    without a positive diagonal, which only a singular matrix has, are not solved for.
    """
    columns, w = rows.columns, rows.w
    for i in range(first, last):
        from_ = begin + (i - begin) // block * block
        a, b, c = rows.ptr[i], rows.ptr[i], rows.ptr[i + 1]
        total, remote = excess[i], 0.0
        while b < c:
            j, v = columns[b], w[b]
            if from_ <= j < i:
                columns[b], w[b] = columns[a], w[a]
                columns[a], w[a] = j, v
                a += 1
                b += 1
            elif j < from_ or j >= from_ + block:
                remote += abs(v)
                b += 1
            else:
                c -= 1
                columns[b], w[b] = columns[c], w[c]
                columns[c], w[c] = j, v
            total += v
        rows.low[i], rows.high[i] = a, b
        rows.diagonal[i] = total
        rows.slack[i] = max(0.0, 0.75 * remote - 0.5 * total)
        rows.inverse[i] = 1 / (total + rows.slack[i]) if total > 0 else 0.0


@jit
def sweep(first, last, rows, b, x):
    """Gauss–Seidel in order, from zero, each block by itself."""
    for i in range(first, last):
        total = b[i]
        for at in range(rows.ptr[i], rows.low[i]):
            total += rows.w[at] * x[rows.columns[at]]
        x[i] = total * rows.inverse[i]


@jit
def remainder(first, last, rows, x, r):
    """r ← the residual after `sweep`."""
    for i in range(first, last):
        total = rows.slack[i] * x[i]
        for at in range(rows.low[i], rows.ptr[i + 1]):
            total += rows.w[at] * x[rows.columns[at]]
        r[i] = total


@jit
def restrict(first, last, members, r, b):
    """Sum r over each group."""
    for c in range(first, last):
        total = 0.0
        for at in range(members.start[c], members.start[c + 1]):
            total += r[members.rows[at]]
        b[c] = total


@jit
def prolong(first, last, group, factor, z, x):
    for i in range(first, last):
        if group[i] >= 0:
            x[i] += factor * z[group[i]]


@jit
def sweep_back(first, last, rows, b, x, z):
    """Gauss–Seidel against the order, from x to z, each block by itself."""
    for i in range(last - 1, first - 1, -1):
        total = b[i] + rows.slack[i] * x[i]
        for at in range(rows.ptr[i], rows.high[i]):
            total += rows.w[at] * x[rows.columns[at]]
        for at in range(rows.high[i], rows.ptr[i + 1]):
            total += rows.w[at] * z[rows.columns[at]]
        z[i] = total * rows.inverse[i]


@jit
def again(first, last, rows, z, b, y):
    """y ← z, and b ← b - A z: what is left to solve for."""
    for i in range(first, last):
        y[i] = z[i]
        total = b[i] - rows.diagonal[i] * z[i]
        for at in range(rows.ptr[i], rows.ptr[i + 1]):
            total += rows.w[at] * z[rows.columns[at]]
        b[i] = total


@jit
def cycle(level, bounds, visits, factors, rows, group, members, b, x, y, z):
    """z ← about A⁻¹ b on one level; x and y are scratch."""
    first, last = bounds[level], bounds[level + 1]
    sweep(first, last, rows, b, x)
    if visits[level] > 0:
        end = bounds[level + 2]
        remainder(first, last, rows, x, z)
        restrict(last, end, members, z, b)
        cycle(level + 1, bounds, visits, factors, rows, group, members, b, x, y, z)
        if visits[level] > 1:
            again(last, end, rows, z, b, y)
            cycle(level + 1, bounds, visits, factors, rows, group, members, b, x, y, z)
            for c in range(last, end):
                z[c] += y[c]
        prolong(first, last, group, factors[level], z, x)
    sweep_back(first, last, rows, b, x, z)
