"""Compiled loops of `blackbox.py`. Raw arrays in and out; results last; the caller allocates.

All arrays have two cells of zeros around the grid, so no loop tests for the border: row y, column x
of a grid is at [2 + y, 2 + x]. A fine cell beyond the border has no couplings, and so no share in
any coarse function. Loops run over rows first ≤ y < last, which threads share.

`P` holds the shares of cells in nodes, each at the node up and left of the cell: first those of the
cell east of the node, in the nodes west and east of it; then of the cell south, in the nodes north
and south; then of the cell southeast, in the nodes northwest, northeast, southwest and southeast.
"""

from __future__ import annotations

import numpy as np

from solvers.loops import jit

ZERO, TINY = 0.0, 1e-300


@jit
def share_between_two(first, last, planes, P):
    """Fill in the shares of cells between two nodes, side by side or one above the other.

    The matrix's row of such a cell is summed across the line that joins the nodes, and then read
    as an equation for the cell's value.
    """
    for Y in range(2 + first, 2 + last):
        (C, E, SW, S, SE), (_, _, SW_up, S_up, SE_up) = rows(planes, 2 * Y - 2)
        west, east = P[0, Y], P[1, Y]
        for X in range(2, west.size - 2):
            x = 2 * X - 1
            w = max(-SE_up[x - 1] - E[x - 1] - SW[x], ZERO)
            e = max(-SW_up[x + 1] - E[x] - SE[x], ZERO)
            total = max(C[x] + S_up[x] + S[x], w + e, TINY)
            west[X], east[X] = w / total, e / total
        (C, E, SW, S, SE), (_, _, SW_up, S_up, SE_up) = rows(planes, 2 * Y - 1)
        north, south = P[2, Y], P[3, Y]
        for X in range(2, north.size - 2):
            x = 2 * X - 2
            n = max(-SE_up[x - 1] - S_up[x] - SW_up[x + 1], ZERO)
            s = max(-SW[x] - S[x] - SE[x], ZERO)
            total = max(C[x] + E[x - 1] + E[x], n + s, TINY)
            north[X], south[X] = n / total, s / total


@jit
def share_among_four(first, last, planes, P):
    """Fill in the shares of cells amid four nodes: their row, the cells between nodes put in."""
    for Y in range(2 + first, 2 + last):
        (C, E, SW, S, SE), (_, _, SW_up, S_up, SE_up) = rows(planes, 2 * Y - 1)
        for X in range(2, P.shape[2] - 2):
            x = 2 * X - 1
            scale = -1 / max(C[x], TINY)
            P[4, Y, X] = scale * (SE_up[x - 1] + S_up[x] * P[0, Y, X] + E[x - 1] * P[2, Y, X])
            P[5, Y, X] = scale * (SW_up[x + 1] + S_up[x] * P[1, Y, X] + E[x] * P[2, Y, X + 1])
            P[6, Y, X] = scale * (SW[x] + S[x] * P[0, Y + 1, X] + E[x - 1] * P[3, Y, X])
            P[7, Y, X] = scale * (SE[x] + S[x] * P[1, Y + 1, X] + E[x] * P[3, Y, X + 1])


@jit
def rows(planes, y):
    """Return a row of each plane, and the row above of each."""
    C, E, SW, S, SE = planes[0], planes[1], planes[2], planes[3], planes[4]
    up = y - 1
    return (C[y], E[y], SW[y], S[y], SE[y]), (C[up], E[up], SW[up], S[up], SE[up])


@jit
def project(first, last, planes, P, coarse):
    """coarse ← Pᵀ A P."""
    here, below = np.zeros((2, 9, coarse.shape[2]))
    for Y in range(2 + first, 2 + last):
        lay_out(Y, P, here)
        lay_out(Y + 1, P, below)
        for plane in range(5):
            down, right = (plane + 1) // 3, (plane + 1) % 3 - 1  # the other node
            for d in range(9):
                for e in range(9 if plane else d + 1):  # a node and itself: pairs count twice
                    dy, dx = 2 * down + e // 3 - d // 3, 2 * right + e % 3 - d % 3
                    if abs(dy) <= 1 and abs(dx) <= 1:
                        other = below[e] if down else here[e]
                        times = 2 if plane == 0 and e < d else 1
                        y, x = 2 * Y - 3 + d // 3, d % 3 - 3
                        if 3 * dy + dx < 0:  # the entry is kept at the other cell
                            y, x, dy, dx = y + dy, x + dx, -dy, -dx
                        values, out = planes[3 * dy + dx, y], coarse[plane, Y]
                        add_products(times, here[d], values, x, other, right, out)


@jit
def lay_out(Y, P, hats):
    """hats[3 dy + dx + 4, X] ← the share in a node of the row of the cell (dy, dx) away."""
    hats[0, 1:], hats[1], hats[2] = P[7, Y - 1, :-1], P[3, Y - 1], P[6, Y - 1]
    hats[3, 1:], hats[4], hats[5] = P[1, Y, :-1], 1, P[0, Y]
    hats[6, 1:], hats[7], hats[8] = P[5, Y, :-1], P[2, Y], P[4, Y]


@jit
def add_products(times, p, values, x, other, right, out):
    for X in range(2, out.size - 2):
        out[X] += times * p[X] * values[2 * X + x] * other[X + right]


@jit
def restrict(first, last, P, q, b):
    """b ← Pᵀ q."""
    for Y in range(2 + first, 2 + last):
        y, out = 2 * Y - 2, b[Y]
        up, here, down = q[y - 1], q[y], q[y + 1]
        west, east, north, south = P[0, Y], P[1, Y], P[2, Y], P[3, Y - 1]
        for X in range(2, out.size - 2):
            x = 2 * X - 2
            out[X] = here[x] + west[X] * here[x + 1] + east[X - 1] * here[x - 1]
            out[X] += north[X] * down[x] + south[X] * up[x]
        nw, ne, sw, se = P[4, Y], P[5, Y], P[6, Y - 1], P[7, Y - 1]
        for X in range(2, out.size - 2):
            x = 2 * X - 2
            out[X] += nw[X] * down[x + 1] + ne[X - 1] * down[x - 1]
            out[X] += sw[X] * up[x + 1] + se[X - 1] * up[x - 1]


@jit
def prolong(first, last, P, e, x):
    """x ← x + P e."""
    even, odd = np.empty((2, e.shape[1]), x.dtype)
    for Y in range(2 + first, 2 + last):
        here, below = e[Y], e[Y + 1]
        west, east, north, south = P[0, Y], P[1, Y], P[2, Y], P[3, Y]
        for X in range(2, here.size - 2):
            even[X] = here[X]
            odd[X] = west[X] * here[X] + east[X] * here[X + 1]
        add_alternately(even, odd, x[2 * Y - 2])
        nw, ne, sw, se = P[4, Y], P[5, Y], P[6, Y], P[7, Y]
        for X in range(2, here.size - 2):
            even[X] = north[X] * here[X] + south[X] * below[X]
        for X in range(2, here.size - 2):
            odd[X] = nw[X] * here[X] + ne[X] * here[X + 1] + sw[X] * below[X] + se[X] * below[X + 1]
        add_alternately(even, odd, x[2 * Y - 1])  # zeros, if that is beyond the border


@jit
def add_alternately(even, odd, x):
    for X in range(2, x.size // 2):
        x[2 * X - 2] += even[X]
        x[2 * X - 1] += odd[X]
    if x.size % 2:
        x[x.size - 3] += even[x.size // 2]


@jit
def scale(first, last, weight, r, x):
    """x ← weight r."""
    for y in range(2 + first, 2 + last):
        values, factor, out = r[y], weight[y], x[y]
        for i in range(out.size):
            out[i] = factor[i] * values[i]


@jit
def residual(first, last, planes, x, r, q):
    """q ← r - A x."""
    for y in range(2 + first, 2 + last):
        subtract(y, planes, x, r, q)


@jit
def relax(first, last, planes, weight, r, x, z):
    """z ← x + weight (r - A x)."""
    for y in range(2 + first, 2 + last):
        subtract(y, planes, x, r, z)
        before, factor, out = x[y], weight[y], z[y]
        for i in range(out.size):
            out[i] = before[i] + factor[i] * out[i]


@jit
def subtract(y, planes, x, r, q):
    """q ← r - A x in one row."""
    n = q.shape[1]
    left, at, right = slice(1, n - 3), slice(2, n - 2), slice(3, n - 1)
    up, here, down, out = x[y - 1], x[y], x[y + 1], q[y, at]
    (C, E, SW, S, SE), (_, _, SW_up, S_up, SE_up) = rows(planes, y)
    out[:] = r[y, at]
    subtract_products(C[at], here[at], E[at], here[right], E[left], here[left], out)
    subtract_products(S[at], down[at], SE[at], down[right], SW[at], down[left], out)
    subtract_products(S_up[at], up[at], SE_up[left], up[left], SW_up[right], up[right], out)


@jit
def subtract_products(a, x, b, y, c, z, out):
    for i in range(out.size):
        out[i] -= a[i] * x[i] + b[i] * y[i] + c[i] * z[i]
