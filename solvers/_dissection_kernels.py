"""Compiled loops of Cholesky's factors by nested dissection. Raw arrays; results last.

A node's front is the dense matrix of its own unknowns and its border, in the order that
solvers._order_kernels finds. Of a front the own rows stay, as rows of R in A = Rᵀ R. The rest,
which couples the border, is added to the front of the node above.

Own rows are filled up to multiples of four and borders to multiples of eight, so that loops take
four rows and eight columns at once with nothing left over. What lies below diagonals is arbitrary.
"""

from __future__ import annotations

import numpy as np

from solvers.lanes import load, spread, store
from solvers.loops import jit

FOUR = 4  # rows at once
EIGHT = (0,) * 8  # columns at once
PANEL = 64  # own rows that are eliminated before later ones hear of it
COLUMNS = 96  # of later rows that then change together, a multiple of eight
ROUNDING = 1e-14  # share of the matrix's diagonal up to which a pivot is rounding
SHARE = 0.4  # of a thread's work may be in one subtree


# ---- fronts


@jit
def padded(count, multiple):
    return (count + multiple - 1) // multiple * multiple


@jit
def sizes(tree, v):
    """Return how many own rows node v's front has, and how many columns its border."""
    border = tree.starts[v + 1] - tree.starts[v]
    return padded(tree.end[v] - tree.begin[v], FOUR), padded(border, len(EIGHT))


@jit
def arrange(above, tree, work, threads, bin_of):
    """Say where own rows and rests are stored, and put nodes into bins. Return the rests' size.

    Each thread has a bin, which holds whole subtrees; one more holds the nodes above these. The
    rest of a node is made before those below it go, and so rests lie on two stacks for each bin:
    of nodes an even number of steps from the root, and of those at odd ones.
    """
    count = work.size
    whole = work.copy()  # of subtrees
    for v in range(count):
        own, border = sizes(tree, v)
        tree.fronts[v + 1] = tree.fronts[v] + own * (own + border)
        if above[v] >= 0:
            whole[above[v]] += whole[v]
    share, load = SHARE * work.sum() / threads, np.zeros(threads)
    side = np.zeros(count, np.int64)
    for v in range(count - 1, -1, -1):
        bin_of[v] = threads
        if above[v] >= 0:
            bin_of[v], side[v] = bin_of[above[v]], 1 - side[above[v]]
        if bin_of[v] == threads and whole[v] <= share:
            bin_of[v] = load.argmin()
            load[bin_of[v]] += whole[v]
    height, highest = np.zeros((2, threads + 1, 2), np.int64)
    for v in range(count):
        mine, b = height[bin_of[v]], bin_of[v]
        tree.rests[v] = mine[side[v]]
        mine[side[v]] += sizes(tree, v)[1] ** 2
        highest[b, side[v]] = max(highest[b, side[v]], mine[side[v]])
        below = tree.child[v]
        while below >= 0:
            if bin_of[below] == b:
                mine[side[below]] -= sizes(tree, below)[1] ** 2
            below = tree.sibling[below]
    ends = np.cumsum(highest.ravel())
    for v in range(count):
        k = 2 * bin_of[v] + side[v]
        tree.rests[v] += ends[k] - highest.ravel()[k]
    return ends[-1]


@jit
def eliminate(first, last, order, tree, matrix, factors, rests, place_in_front):
    """Eliminate the nodes of some bins."""
    nodes, bins = order
    for k in range(first, last):
        for v in nodes[bins[k] : bins[k + 1]]:
            R, U, least = assemble(v, tree, matrix, factors, rests, place_in_front[k])
            own, border = sizes(tree, v)
            for begin in range(0, own, PANEL):
                end = min(begin + PANEL, own)
                finish_panel(begin, end, least, own, border, R)
                blocks = (own + border - end) // FOUR
                update(0, blocks, begin, end, own, border, R, U)


@jit
def assemble(v, tree, matrix, factors, rests, place_in_front):
    """Return a front's own rows and its rest, and pivots up to which its own are rounding.

    In it is what the matrix holds, and what the nodes below leave.
    """
    at, place, stored, steps, planes = matrix
    own, border = sizes(tree, v)
    begin, end, width = tree.begin[v], tree.end[v], own + border
    R = factors[tree.fronts[v] : tree.fronts[v + 1]]
    U = rests[tree.rests[v] : tree.rests[v] + border * border]
    for i in range(own):
        R[i * width + i : (i + 1) * width] = 0
    for i in range(border):
        U[i * border + i : (i + 1) * border] = 0
    for p in range(begin, end):
        place_in_front[p] = p - begin
    for k in range(tree.starts[v], tree.starts[v + 1]):
        place_in_front[tree.borders[k]] = own + k - tree.starts[v]

    least = np.zeros(own)
    for p in range(begin, end):
        row, here = R[(p - begin) * width : (p - begin + 1) * width], stored[p]
        row[p - begin] = planes[0, here]
        least[p - begin] = ROUNDING * planes[0, here]
        for k in range(1, steps.size):
            q = place[at[p] + steps[k]]
            if q > p:
                row[place_in_front[q]] = planes[k, here]
            q = place[at[p] - steps[k]]
            if q > p:
                row[place_in_front[q]] = planes[k, stored[q]]
    for i in range(end - begin, own):
        R[i * width + i] = 1

    below = tree.child[v]
    while below >= 0:
        theirs = tree.borders[tree.starts[below] : tree.starts[below + 1]]
        to = np.empty(theirs.size, np.int64)
        for k in range(theirs.size):
            to[k] = place_in_front[theirs[k]]
        stride = padded(theirs.size, len(EIGHT))
        rest = rests[tree.rests[below] : tree.rests[below] + stride * stride]
        add(to, rest, stride, own, border, R, U)
        below = tree.sibling[below]
    return R, U, least


@jit
def add(to, rest, stride, own, border, R, U):
    """Add a rest, whose row i belongs into row to[i] of a front, and its columns likewise."""
    ends = np.empty(to.size, np.int64)  # how far columns go on side by side
    for k in range(to.size - 1, -1, -1):
        on = k + 1 < to.size and to[k + 1] == to[k] + 1
        ends[k] = ends[k + 1] if on else k + 1
    width = own + border
    for i in range(to.size):
        given = rest[i * stride : i * stride + to.size]
        if to[i] < own:
            row, before = R[to[i] * width : (to[i] + 1) * width], 0
        else:
            row, before = U[(to[i] - own) * border : (to[i] - own + 1) * border], own
        k = i
        while k < to.size:
            some = given[k : ends[k]]
            target = row[to[k] - before : to[k] - before + some.size]
            for j in range(some.size):
                target[j] += some[j]
            k = ends[k]


@jit
def finish_panel(begin, end, least, own, border, R):
    """Eliminate own rows begin … end; the diagonal then holds its inverse, or 0 for rounding."""
    width = own + border
    for p in range(begin, end, FOUR):
        reduce_rows(R, width, begin, p, p, R, p * width, width, p, width)
        for i in range(p, p + FOUR):
            row = R[i * width + i : (i + 1) * width]
            inverse = 1 / np.sqrt(row[0]) if row[0] > least[i] else 0.0
            for j in range(row.size):
                row[j] *= inverse
            row[0] = inverse
            for later in range(i + 1, p + FOUR):
                factor, mine = row[later - i], row[later - i :]
                other = R[later * width + later : (later + 1) * width]
                for j in range(mine.size):
                    other[j] -= factor * mine[j]


@jit
def update(first, last, begin, end, own, border, R, U):
    """Subtract what own rows begin … end give from later rows: the first-th four after them, ….

    Some columns at a time, so that the own rows' stay in the cache.
    """
    width = own + border
    start = width - padded(width - end - FOUR * first, len(EIGHT))
    for column in range(start, width, COLUMNS):
        stop = min(column + COLUMNS, width)
        for row in range(end + FOUR * first, min(end + FOUR * last, stop), FOUR):
            since = max(row, column)
            if row < own:
                reduce_rows(R, width, begin, end, row, R, row * width, width, since, stop)
            else:
                at = (row - own) * border - own
                reduce_rows(R, width, begin, end, row, U, at, border, since, stop)


@jit
def reduce_rows(R, width, begin, end, row, C, at, stride, first, last):
    """C ← C - Rᵀ R by rows begin … end of R, for four of its rows from `row` on.

    Columns are `first` … `last`, and before them up to seven that lie below the diagonal. Entry
    (0, j) of C is C[at + j].
    """
    if begin == end:
        return
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


# ---- solution: of a front's unknowns, some are here in `w`


@jit
def go_down(first, last, order, tree, factors, taken, x):
    """Replace b by y, where Rᵀ y = b, in the nodes of some bins.

    What their nodes take from later unknowns is collected in `taken`, a row for each bin.
    """
    nodes, bins = order
    w = np.empty(x.size + FOUR + len(EIGHT))
    for k in range(first, last):
        mine = taken[k]
        for v in nodes[bins[k] : bins[k + 1]]:
            own, columns = sizes(tree, v)
            width, begin, end = own + columns, tree.begin[v], tree.end[v]
            border = tree.borders[tree.starts[v] : tree.starts[v + 1]]
            R = factors[tree.fronts[v] : tree.fronts[v + 1]]
            w[: end - begin] = x[begin:end] - mine[begin:end]
            w[end - begin : width] = 0
            for i in range(end - begin):
                row, rest = R[i * width + i + 1 : (i + 1) * width], w[i + 1 : width]
                value = w[i] * R[i * width + i]
                x[begin + i] = value
                for j in range(row.size):
                    rest[j] -= value * row[j]
            for j in range(border.size):
                mine[border[j]] -= w[own + j]


@jit
def go_up(first, last, order, tree, factors, x):
    """Replace y by x, where R x = y, in the nodes of some bins."""
    nodes, bins = order
    w = np.empty(x.size + FOUR + len(EIGHT))
    for v in nodes[bins[first] : bins[last]][::-1]:
        own, columns = sizes(tree, v)
        width, begin, end = own + columns, tree.begin[v], tree.end[v]
        border = tree.borders[tree.starts[v] : tree.starts[v + 1]]
        R = factors[tree.fronts[v] : tree.fronts[v + 1]]
        w[: end - begin] = x[begin:end]
        w[end - begin : width] = 0
        for j in range(border.size):
            w[own + j] = x[border[j]]
        for i in range(end - begin - 1, -1, -1):
            row, rest = R[i * width + i + 1 : (i + 1) * width], w[i + 1 : width]
            total = 0.0
            for j in range(row.size):
                total += row[j] * rest[j]
            w[i] = (w[i] - total) * R[i * width + i]
        x[begin:end] = w[: end - begin]
