"""Compiled loops over neighbours. Raw arrays in and out; results last; the caller allocates."""

from __future__ import annotations

import numpy as np

from solvers.loops import jit

TOGETHER = 256  # points that are looked at one after another


@jit
def limit_reach(first, last, points, order, k, apart, limits):
    """Bound each point's distance to its k nearest others, unless all are nearer than `apart`.

    `order` keeps near points together: each point is compared with those beside it.
    """
    coordinates, size = points.shape[1], order.size
    span = min(3 * k // 2 + 12, size)
    near = np.empty((coordinates, min(TOGETHER + 2 * span, size)))
    squares, smallest = np.empty(span), np.empty(k + 1)
    loaded, until = 0, 0  # what `near` holds
    for i in range(first, last):
        begin = max(0, min(i - span // 2, size - span))
        if begin + span > until:
            loaded, until = begin, min(begin + near.shape[1], size)
            for j in range(loaded, until):
                for c in range(coordinates):
                    near[c, j - loaded] = points[order[j], c]
        begin -= loaded
        squares[:] = 0.0
        for c in range(coordinates):
            here, beside = near[c, i - loaded], near[c, begin : begin + span]
            for j in range(span):
                squares[j] += (beside[j] - here) * (beside[j] - here)
        nearer, limit = 0, apart[i] * apart[i]
        for j in range(span):
            nearer += squares[j] < limit
        if nearer > k or apart[i] == 0.0:  # the point itself is one of them
            continue
        smallest[:] = np.inf
        for j in range(span):
            at, square = k, squares[j]
            if square < smallest[k]:
                while at > 0 and smallest[at - 1] > square:
                    smallest[at] = smallest[at - 1]
                    at -= 1
                smallest[at] = square
        limits[i] = np.sqrt(smallest[k])


# ---- a graph's edges, in the rows of chosen points: those numbered before all others


@jit
def count_edges(centres, members, number, counts):
    """Count the edges that begin or end in each row."""
    rows = counts.size
    for m in range(centres.size):
        if number[centres[m]] < rows:
            counts[number[centres[m]]] += members.shape[1]
        for k in range(members.shape[1]):
            if number[members[m, k]] < rows:
                counts[number[members[m, k]]] += 1


@jit
def place_edges(centres, members, weights, number, ends, indices, values):
    """Enter every edge in the row where it begins and the one where it ends; move these ends."""
    rows = ends.size
    for m in range(centres.size):
        i = number[centres[m]]
        for k in range(members.shape[1]):
            j, weight = number[members[m, k]], weights[m, k]
            if i < rows:
                indices[ends[i]], values[ends[i]] = j, weight
                ends[i] += 1
            if j < rows:
                indices[ends[j]], values[ends[j]] = i, weight
                ends[j] += 1


@jit
def merge_edges(first, last, starts, points, indices, values, inner, outer):
    """Add up edges between the same points; put those to other rows first, and count both kinds."""
    rows = starts.size - 1
    seen = np.zeros(points, np.int32)  # where in the row a point was entered last, if it was
    for i in range(first, last):
        row, weights = indices[starts[i] : starts[i + 1]], values[starts[i] : starts[i + 1]]
        kept, front = 0, 0
        for k in range(row.size):
            point, weight = row[k], weights[k]
            at = seen[point]
            if at < kept and row[at] == point:
                weights[at] += weight
                continue
            at = kept
            kept += 1
            if point < rows:
                if front < at:
                    row[at], weights[at] = row[front], weights[front]
                    seen[row[at]] = at
                at = front
                front += 1
            row[at], weights[at] = point, weight
            seen[point] = at
        inner[i], outer[i] = front, kept - front


@jit
def split_rows(
    first,
    last,
    starts,
    indices,
    values,
    inner_values,
    inner_indices,
    inner,
    outer_values,
    outer_indices,
    outer,
):
    """Write the rows of D - W in two parts: among the rows themselves, and to all other points."""
    rows = starts.size - 1
    for i in range(first, last):
        begin, diagonal, total = starts[i], inner[i], 0.0
        end = begin + inner[i + 1] - diagonal - 1 + outer[i + 1] - outer[i]
        for weight in values[begin:end]:
            total += weight
        inner_indices[diagonal], inner_values[diagonal] = i, total
        for k in range(inner[i + 1] - diagonal - 1):
            inner_indices[diagonal + 1 + k] = indices[begin + k]
            inner_values[diagonal + 1 + k] = -values[begin + k]
        begin += inner[i + 1] - diagonal - 1
        for k in range(outer[i + 1] - outer[i]):
            outer_indices[outer[i] + k] = indices[begin + k] - rows
            outer_values[outer[i] + k] = -values[begin + k]


@jit
def flood(indptr, indices, values, reached):
    """Mark all rows that nonzero entries join to a marked row, directly or over other rows."""
    stack = np.empty(reached.size, np.int32)
    top = 0
    for i in range(reached.size):
        if reached[i]:
            stack[top] = i
            top += 1
    while top > 0:
        top -= 1
        i = stack[top]
        for at in range(indptr[i], indptr[i + 1]):
            j = indices[at]
            if values[at] != 0 and not reached[j]:
                reached[j] = True
                stack[top] = j
                top += 1
