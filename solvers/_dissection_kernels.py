"""Compiled loops of Cholesky's factors by nested dissection. Raw arrays; results last.

Unknowns are numbered in the order in which they are eliminated. A node of the tree eliminates the
unknowns `begin` … `end` at once; its dense front couples them, and the later unknowns that they or
its children are coupled to: its border. Of a front the rows of its own unknowns stay, the upper
triangle of R in A = Rᵀ R; what remains on the border is added to the parent's front.

Own rows are filled up to multiples of FOUR, and columns of the border to multiples of eight, so
that loops take four rows and eight columns at once and nothing is left over.
"""

from __future__ import annotations

import numpy as np

from solvers.lanes import load, spread, store
from solvers.loops import jit

EIGHT = (0,) * 8  # columns at once
FOUR = 4  # rows at once
PANEL = 64  # own rows eliminated before later ones are updated
COLUMNS = 96  # of later rows that are updated together, a multiple of eight
SHARE = 0.4  # of a thread's work is in one subtree, at most
LOPSIDED = 0.7  # of a set's cells lie on one side of a cut, at most, where that is possible


# ---- the order of elimination


@jit
def dissect(reach, leaf, y, x, order, begin, end, parent):
    """Cut the cells in two by a line as thick as `reach`, and so on down to sets of `leaf` cells.

    Both sides of a cut are eliminated before it. Reorders y and x as well; returns the number of
    nodes, which are numbered as they are eliminated; a root's parent is -1.
    """
    n = y.size
    in_rows, in_columns = np.zeros(y.max() + 2, np.int64), np.zeros(x.max() + 2, np.int64)
    kept = np.empty((3, n), np.int32)
    todo, height, count = [(0, n, -1)], 1, 0
    own_first, own_last, above = [0], [0], [0]
    own_first.clear()
    own_last.clear()
    above.clear()
    while len(todo):
        first, last, mother = todo.pop()
        if last == first:
            continue
        if last - first <= leaf:
            own_first.append(first)
            own_last.append(last)
            above.append(mother)
            continue
        top, bottom = y[first:last].min(), y[first:last].max()
        left, right = x[first:last].min(), x[first:last].max()
        in_rows[top : bottom + 1] = 0
        in_columns[left : right + 1] = 0
        for k in range(first, last):
            in_rows[y[k]] += 1
            in_columns[x[k]] += 1
        row, row_cost = best_cut(in_rows[top : bottom + 1], reach)
        column, column_cost = best_cut(in_columns[left : right + 1], reach)
        by_rows = row_cost < column_cost
        along, cut = (y, top + row) if by_rows else (x, left + column)
        before, after, on = 0, 0, 0
        for k in range(first, last):
            if along[k] < cut:
                before += 1
            elif along[k] >= cut + reach:
                after += 1
        a, b, c = first, first + before, first + before + after
        for k in range(first, last):
            if along[k] < cut:
                to = a
                a += 1
            elif along[k] >= cut + reach:
                to = b
                b += 1
            else:
                to = c
                c += 1
            kept[0, to], kept[1, to], kept[2, to] = order[k], y[k], x[k]
        order[first:last], y[first:last], x[first:last] = (
            kept[0, first:last],
            kept[1, first:last],
            kept[2, first:last],
        )
        middle = first + before + after
        if middle < last:
            own_first.append(middle)
            own_last.append(last)
            above.append(mother)
            mother = len(own_first) - 1
        todo.append((first, first + before, mother))
        todo.append((first + before, middle, mother))
    # a node's number is its place in the order of elimination
    count = len(own_first)
    number = np.full(n, -1, np.int32)
    for k in range(count):
        number[own_first[k]] = k
    at = 0
    place = np.empty(count, np.int32)
    for p in range(n):
        if number[p] >= 0:
            place[number[p]] = at
            begin[at], end[at] = p, own_last[number[p]]
            at += 1
    for k in range(count):
        parent[place[k]] = place[above[k]] if above[k] >= 0 else -1
    return count


@jit
def best_cut(counts, thick):
    """Return where a line `thick` lines thick is best left out, and its cost."""
    total = counts.sum()
    best, least = -1, np.inf
    fair, fairest = -1, np.inf
    before, on = 0, 0
    for k in range(min(thick, counts.size)):
        on += counts[k]
    for k in range(1, counts.size - thick):
        before += counts[k - 1]
        on += counts[k + thick - 1] - counts[k - 1]
        larger = max(before, total - before - on) / total
        if larger < fairest:
            fair, fairest = k, larger
        cost = on * (0.5 + larger)
        if larger <= LOPSIDED and cost < least:
            best, least = k, cost
    if best < 0 and fair >= 0:
        best, least = fair, 1e9 * fairest
    return best, least


@jit
def find_borders(begin, end, parent, steps, at, place, starts):
    """Return the later unknowns that each node's front holds, in order; `starts` cuts them.

    `place` holds each cell's number, -1 for cells that are no unknowns, and is flat; `at` says where
    an unknown is in it, `steps` how far the cells are from it to which it is coupled.
    """
    nodes = begin.size
    first_child, next_child = np.full(nodes, -1, np.int32), np.full(nodes, -1, np.int32)
    seen = np.full(at.size, -1, np.int32)
    borders = np.empty(4 * at.size, np.int32)
    filled = 0
    for v in range(nodes):
        starts[v] = filled
        last = end[v]
        most = filled + (last - begin[v]) * steps.size
        child = first_child[v]
        while child >= 0:
            most += starts[child + 1] - starts[child]
            child = next_child[child]
        if most > borders.size:
            larger = np.empty(2 * most, np.int32)
            larger[:filled] = borders[:filled]
            borders = larger
        for p in range(begin[v], last):
            for k in range(steps.size):
                q = place[at[p] + steps[k]]
                if q >= last and seen[q] != v:
                    seen[q] = v
                    borders[filled] = q
                    filled += 1
        child = first_child[v]
        while child >= 0:
            for k in range(starts[child], starts[child + 1]):
                q = borders[k]
                if q >= last and seen[q] != v:
                    seen[q] = v
                    borders[filled] = q
                    filled += 1
            child = next_child[child]
        borders[starts[v] : filled] = np.sort(borders[starts[v] : filled])
        starts[v + 1] = filled
        if parent[v] >= 0:
            next_child[v] = first_child[parent[v]]
            first_child[parent[v]] = v
    return borders[:filled].copy()


# ---- fronts


@jit
def padded(count, multiple):
    return (count + multiple - 1) // multiple * multiple


@jit
def arrange(begin, end, parent, starts, bins, first_child, next_child, rows, rest, bin_of, sums):
    """Say where each node's rows and rest are stored, and which bin it is in.

    Bins hold whole subtrees of about equal work, for threads; the last one holds what lies above
    them. The rests of a node's children are no longer needed once its own is there, and so rests
    lie in stacks, those of even and of odd depth in two of them for each bin. `sums` gets the
    work in multiply-adds, the size of all rests, and the largest front's width.
    """
    nodes = begin.size
    work, depth = np.zeros(nodes), np.zeros(nodes, np.int64)
    width = 0
    for v in range(nodes):
        own, border = padded(end[v] - begin[v], FOUR), padded(starts[v + 1] - starts[v], len(EIGHT))
        width = max(width, own + border)
        rows[v + 1] = rows[v] + own * (own + border)
        work[v] += own * (own * own / 6 + own * border / 2 + border * border / 2)
        if parent[v] >= 0:
            work[parent[v]] += work[v]
            next_child[v] = first_child[parent[v]]
            first_child[parent[v]] = v
        else:
            sums[0] += work[v]
    load = np.zeros(bins)
    for v in range(nodes - 1, -1, -1):
        above = bins if parent[v] < 0 else bin_of[parent[v]]
        depth[v] = 0 if parent[v] < 0 else depth[parent[v]] + 1
        if above == bins and work[v] <= SHARE * sums[0] / bins:
            above = load.argmin()
            load[above] += work[v]
        bin_of[v] = above
    heights, most = np.zeros((bins + 1, 2), np.int64), np.zeros((bins + 1, 2), np.int64)
    for v in range(nodes):
        side, here = depth[v] % 2, heights[bin_of[v]]
        rest[v] = here[side]
        here[side] += padded(starts[v + 1] - starts[v], len(EIGHT)) ** 2
        most[bin_of[v], side] = max(most[bin_of[v], side], here[side])
        child = first_child[v]
        while child >= 0:
            if bin_of[child] == bin_of[v]:
                here[1 - side] -= padded(starts[child + 1] - starts[child], len(EIGHT)) ** 2
            child = next_child[child]
    before = np.zeros((bins + 1, 2), np.int64)
    total = 0
    for k in range(bins + 1):
        for side in range(2):
            before[k, side] = total
            total += most[k, side]
    for v in range(nodes):
        rest[v] += before[bin_of[v], depth[v] % 2]
    sums[1], sums[2] = total, width


@jit
def eliminate(first, last, nodes, bins, tree, matrix, least, factors, rests, local):
    """Eliminate the nodes of some bins."""
    node_begin, node_end = tree[0], tree[1]
    for k in range(first, last):
        for v in nodes[bins[k] : bins[k + 1]]:
            R, U, own, width = assemble(v, tree, matrix, factors, rests, local[k])
            for begin in range(0, own, PANEL):
                end = min(begin + PANEL, own)
                finish_panel(R, width, begin, end, least[node_begin[v] : node_end[v]])
                update(0, (width - end) // FOUR, R, width, begin, end, own, U)


@jit
def assemble(v, tree, matrix, factors, rests, local):
    """Return a node's front: its own rows, what is left for its border, and their sizes.

    In it are the entries of the matrix, and what the children leave.
    """
    begin, end, first_child, next_child, starts, borders, row_starts, rest_starts = tree
    place, at, stored, steps, planes = matrix
    first, last = begin[v], end[v]
    own, border = padded(last - first, FOUR), padded(starts[v + 1] - starts[v], len(EIGHT))
    width = own + border
    R = factors[row_starts[v] : row_starts[v + 1]]
    U = rests[rest_starts[v] : rest_starts[v] + border * border]
    for i in range(own):
        R[i * width + i : (i + 1) * width] = 0
    for i in range(border):
        U[i * border + i : (i + 1) * border] = 0
    for p in range(first, last):
        local[p] = p - first
    for k in range(starts[v], starts[v + 1]):
        local[borders[k]] = own + k - starts[v]
    for p in range(first, last):
        row, here = (p - first) * width, stored[p]
        R[row + p - first] = planes[0, here]
        for k in range(1, steps.size):
            q = place[at[p] + steps[k]]
            if q > p:
                R[row + local[q]] = planes[k, here]
            q = place[at[p] - steps[k]]
            if q > p:
                R[row + local[q]] = planes[k, stored[q]]
    for p in range(last - first, own):
        R[p * width + p] = 1.0
    child = first_child[v]
    while child >= 0:
        add_rest(borders[starts[child] : starts[child + 1]], rests, rest_starts[child], local, R, U, own)
        child = next_child[child]
    return R, U, own, width


@jit
def add_rest(border, rests, at, local, R, U, own):
    """Add what a child leaves for its border to its parent's front."""
    count = border.size
    stride = padded(count, len(EIGHT))
    into = np.int64(np.sqrt(U.size))
    width = own + into
    run_starts = np.empty(count + 1, np.int64)  # where the border's places in the front skip some
    runs = 0
    for k in range(count):
        if k == 0 or local[border[k]] != local[border[k - 1]] + 1:
            run_starts[runs] = k
            runs += 1
    run_starts[runs] = count
    run = 0
    for i in range(count):
        if run_starts[run + 1] == i:
            run += 1
        place = local[border[i]]
        if place < own:
            target, shift = R[place * width : (place + 1) * width], 0
        else:
            target, shift = U[(place - own) * into : (place - own + 1) * into], own
        for k in range(run, runs):
            begin, end = max(i, run_starts[k]), run_starts[k + 1]
            to = local[border[begin]] - shift
            given, taken = rests[at + i * stride + begin : at + i * stride + end], target[to : to + end - begin]
            for j in range(given.size):
                taken[j] += given[j]


@jit
def finish_panel(R, width, begin, end, least):
    """Eliminate some own rows; the diagonal then holds its inverse, or 0 for less than `least`."""
    for p in range(begin, end, FOUR):
        if p > begin:
            reduce_rows(R, width, begin, p, p, R, p * width, width, p, width)
        for a in range(p, p + FOUR):
            row = R[a * width + a : (a + 1) * width]
            pivot = row[0]
            bound = least[a] if a < least.size else 0.0
            inverse = 1 / np.sqrt(pivot) if pivot > bound else 0.0
            for j in range(row.size):
                row[j] *= inverse
            row[0] = inverse
            for c in range(a + 1, p + FOUR):
                other, factor = R[c * width + c : (c + 1) * width], row[c - a]
                mine = row[c - a :]
                for j in range(mine.size):
                    other[j] -= factor * mine[j]


@jit
def update(first, last, R, width, begin, end, own, U):
    """Subtract what own rows `begin` … `end` give from later rows: every four from `end` on."""
    border = width - own
    start = width - padded(width - end - FOUR * first, len(EIGHT))
    for column in range(start, width, COLUMNS):
        before = min(column + COLUMNS, width)
        for k in range(first, last):
            row = end + FOUR * k
            if row >= before:
                break
            since = max(row, column)
            if row < own:
                reduce_rows(R, width, begin, end, row, R, row * width, width, since, before)
            else:
                at = (row - own) * border - own
                reduce_rows(R, width, begin, end, row, U, at, border, since, before)


@jit
def reduce_rows(R, width, begin, end, row, C, at, stride, first, last):
    """C ← C - Rᵀ R by rows begin … end of R, for four of its rows from `row` on.

    Columns are `first` … `last`, and up to seven before, which lie below the diagonal. Entry (0, j)
    of C is C[at + j].
    """
    zero = spread(0.0, EIGHT)
    for j in range(last - padded(last - first, len(EIGHT)), last, len(EIGHT)):
        a, b, c, d = zero, zero, zero, zero
        for k in range(begin, end):
            here = np.uint64(k * width)
            eight = load(R, here + np.uint64(j), EIGHT)
            here += np.uint64(row)
            a = a + spread(R[here], EIGHT) * eight
            b = b + spread(R[here + np.uint64(1)], EIGHT) * eight
            c = c + spread(R[here + np.uint64(2)], EIGHT) * eight
            d = d + spread(R[here + np.uint64(3)], EIGHT) * eight
        to = at + j
        store(load(C, to, EIGHT) - a, C, to)
        store(load(C, to + stride, EIGHT) - b, C, to + stride)
        store(load(C, to + 2 * stride, EIGHT) - c, C, to + 2 * stride)
        store(load(C, to + 3 * stride, EIGHT) - d, C, to + 3 * stride)


# ---- solution


@jit
def go_down(first, last, nodes, bins, tree, factors, given, x):
    """Replace b by y, where Rᵀ y = b, in the nodes of some bins.

    What earlier nodes give to later ones is in `given`, of which each bin has a row of its own.
    """
    begin, end, first_child, next_child, starts, borders, row_starts, rest_starts = tree
    w = np.empty(given.shape[1] + len(EIGHT) + FOUR)
    for bin in range(first, last):
        mine = given[bin]
        for v in nodes[bins[bin] : bins[bin + 1]]:
            size = end[v] - begin[v]
            own, border = padded(size, FOUR), borders[starts[v] : starts[v + 1]]
            width = own + padded(border.size, len(EIGHT))
            R, here = factors[row_starts[v] : row_starts[v + 1]], x[begin[v] : end[v]]
            w[:size] = here + mine[begin[v] : end[v]]
            w[size:width] = 0
            for k in range(size):
                row, rest = R[k * width + k + 1 : (k + 1) * width], w[k + 1 : width]
                value = w[k] * R[k * width + k]
                here[k] = value
                for j in range(row.size):
                    rest[j] -= value * row[j]
            for k in range(border.size):
                mine[border[k]] += w[own + k]


@jit
def go_up(first, last, nodes, bins, tree, factors, x):
    """Replace y by x, where R x = y, in the nodes of some bins, later ones first."""
    begin, end, first_child, next_child, starts, borders, row_starts, rest_starts = tree
    w = np.empty(x.size + len(EIGHT) + FOUR)
    chosen = nodes[bins[first] : bins[last]]
    for k in range(chosen.size - 1, -1, -1):
        v = chosen[k]
        size = end[v] - begin[v]
        own, border = padded(size, FOUR), borders[starts[v] : starts[v + 1]]
        width = own + padded(border.size, len(EIGHT))
        R, here = factors[row_starts[v] : row_starts[v + 1]], x[begin[v] : end[v]]
        w[:size] = here
        w[size:width] = 0
        for j in range(border.size):
            w[own + j] = x[border[j]]
        for i in range(size - 1, -1, -1):
            row, rest = R[i * width + i + 1 : (i + 1) * width], w[i + 1 : width]
            total = 0.0
            for j in range(row.size):
                total += row[j] * rest[j]
            w[i] = (w[i] - total) * R[i * width + i]
        here[:] = w[:size]
