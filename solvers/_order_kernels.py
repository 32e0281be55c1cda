"""Compiled loops that find the order of a nested dissection. Raw arrays; results last.

Unknowns are numbered as they are eliminated. Each node of a tree eliminates some that follow each
other, its own, and its border are the later ones that are coupled to these or to those below it.
"""

from __future__ import annotations

import numpy as np

from solvers.loops import jit

LOPSIDED = 0.7  # of the cells may be on one side of a cut, where that is possible


@jit
def dissect(thick, leaf, y, x, order, begin, end, above):
    """Cut cells in two by a line so many cells thick, and so on down to sets of `leaf` cells.

    Both sides of a line come before it, and then its cells are a node. Puts `order`, y and x in
    order, and returns the number of nodes, in order, too; `above` says which node is above each,
    or -1.
    """
    n = y.size
    if n == 0:
        return 0
    in_rows, in_columns = np.zeros(y.max() + 1, np.int64), np.zeros(x.max() + 1, np.int64)
    spare = np.empty((3, n), np.int32)
    found = np.full(n, -1, np.int32)  # of nodes, in the order of their first cells
    last_of, above_of = np.empty(n, np.int32), np.empty(n, np.int32)
    todo, count = [(0, n, -1)], 0
    while len(todo):
        first, last, mother = todo.pop()
        middle, line = last, first
        if last - first > leaf:
            top, left = y[first:last].min(), x[first:last].min()
            rows, columns = (
                in_rows[: y[first:last].max() + 1],
                in_columns[: x[first:last].max() + 1],
            )
            rows[top:], columns[left:] = 0, 0
            for k in range(first, last):
                rows[y[k]] += 1
                columns[x[k]] += 1
            row, cost_of_row = best_cut(rows[top:], thick)
            column, cost_of_column = best_cut(columns[left:], thick)
            if cost_of_row < cost_of_column:
                middle, line = part(first, last, y, top + row, thick, order, y, x, spare)
            else:
                middle, line = part(first, last, x, left + column, thick, order, y, x, spare)
        if line < last:
            found[line], last_of[count], above_of[count] = count, last, mother
            mother = count
            count += 1
        if line > first:
            todo.append((first, middle, mother))
            todo.append((middle, line, mother))
    place, at = np.empty(count, np.int32), 0
    for first in range(n):
        if found[first] >= 0:
            begin[at], end[at], place[found[first]] = first, last_of[found[first]], at
            at += 1
    for k in range(count):
        above[place[k]] = place[above_of[k]] if above_of[k] >= 0 else -1
    return count


@jit
def best_cut(counts, thick):
    """Return where a line of `thick` rows with few cells cuts them about in two, and its cost."""
    total = counts.sum()
    best, least = 1, np.inf
    before, on = 0, counts[:thick].sum()
    for k in range(1, counts.size - thick):
        before += counts[k - 1]
        on += counts[k + thick - 1] - counts[k - 1]
        larger = max(before, total - before - on) / total
        cost = on * (0.5 + larger) if larger <= LOPSIDED else 1e9 * larger
        if cost < least:
            best, least = k, cost
    return best, least


@jit
def part(first, last, along, line, thick, order, y, x, spare):
    """Put cells before a line first, then those behind it, then its own; return where these begin.

    The line is `thick` cells thick from `line` on, `along` one of y and x.
    """
    a, b = first, first
    for k in range(first, last):
        a += along[k] < line
        b += along[k] < line or along[k] >= line + thick
    middle, own = a, b
    to_first, to_middle, to_own = first, middle, own
    for k in range(first, last):
        if along[k] < line:
            to = to_first
            to_first += 1
        elif along[k] >= line + thick:
            to = to_middle
            to_middle += 1
        else:
            to = to_own
            to_own += 1
        spare[0, to], spare[1, to], spare[2, to] = order[k], y[k], x[k]
    order[first:last] = spare[0, first:last]
    y[first:last] = spare[1, first:last]
    x[first:last] = spare[2, first:last]
    return middle, own


@jit
def find_borders(begin, end, child, sibling, at, steps, place, starts):
    """Return the borders of all nodes, in order; node v's begins at starts[v].

    Unknown p is cell at[p], and coupled to those in `steps` from there; place[c] says which unknown
    cell c is, or -1.
    """
    seen = np.full(at.size, -1, np.int32)
    borders, size = np.empty(4 * at.size, np.int32), 0
    for v in range(begin.size):
        first, most = size, size + (end[v] - begin[v]) * steps.size
        below = child[v]
        while below >= 0:
            most += starts[below + 1] - starts[below]
            below = sibling[below]
        if most > borders.size:
            larger = np.empty(2 * most, np.int32)
            larger[:size] = borders[:size]
            borders = larger
        for p in range(begin[v], end[v]):
            for step in steps:
                q = place[at[p] + step]
                if q >= end[v] and seen[q] != v:
                    seen[q], borders[size] = v, q
                    size += 1
        below = child[v]
        while below >= 0:
            for q in borders[starts[below] : starts[below + 1]]:
                if q >= end[v] and seen[q] != v:
                    seen[q], borders[size] = v, q
                    size += 1
            below = sibling[below]
        borders[first:size] = np.sort(borders[first:size])
        starts[v + 1] = size
    return borders[:size].copy()
