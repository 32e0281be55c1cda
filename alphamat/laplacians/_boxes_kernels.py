"""Compiled loops over large windows. Raw arrays in and out; results last; callers allocate.

Each loop works on rows first ≤ y < last, and rolls down them with one sum for each column: a row of
pixels enters as another leaves. Within a row the sums slide in the same way along runs, so that a
window costs the same whatever its size. `runs` and `starts` are those of a `RunsByRow`.
"""

from __future__ import annotations

import numpy as np

from solvers.loops import jit
from solvers.parts import join_trees
from solvers.runs import FIRST, LENGTH, X, Y


@jit
def whiten(first, last, image, radius, epsilon, runs, starts, whitening):
    """Compute each window's z = G⁻¹ (I - μ), with G Gᵀ = Σ + ε/|w|, as nine coefficients.

    z₁ = w₀ + w₃ R, z₂ = w₁ + w₄ R + w₅ G, z₃ = w₂ + w₆ R + w₇ G + w₈ B.
    """
    width = image.shape[1]
    size = 2 * radius + 1
    area = size * size
    least = epsilon / area  # a lower bound of the pivots of Σ + ε/|w|; rounding may violate it
    columns = np.zeros((9, width))
    sums = np.empty((9, width))
    for below in range(first - radius, last + radius):
        if 0 <= below < len(image):
            moments(image[below], 1.0, columns)
        above = below - size
        if above >= max(first - radius, 0):
            moments(image[above], -1.0, columns)
        y = below - radius
        if y < first:
            continue
        for k in range(starts[y], starts[y + 1]):
            start, n, x = runs[k, FIRST], runs[k, LENGTH], runs[k, X]
            for m in range(9):
                slide(columns[m], x, n, radius, sums[m])
            out = whitening[:, start : start + n]
            for i in range(n):
                mean_r, mean_g, mean_b = sums[0, i] / area, sums[1, i] / area, sums[2, i] / area
                rr = max(sums[3, i] / area - mean_r * mean_r, 0.0) + least
                gr = sums[4, i] / area - mean_g * mean_r
                gg = sums[5, i] / area - mean_g * mean_g + least
                br = sums[6, i] / area - mean_b * mean_r
                bg = sums[7, i] / area - mean_b * mean_g
                bb = sums[8, i] / area - mean_b * mean_b + least
                g11 = np.sqrt(rr)
                g21 = gr / g11
                g31 = br / g11
                g22 = np.sqrt(max(gg - g21 * g21, least))
                g32 = (bg - g31 * g21) / g22
                g33 = np.sqrt(max(bb - g31 * g31 - g32 * g32, least))
                w3 = 1 / g11
                w5 = 1 / g22
                w8 = 1 / g33
                w4 = -g21 * w3 * w5
                w7 = -g32 * w5 * w8
                w6 = -(g31 * w3 + g32 * w4) * w8
                out[0, i] = -w3 * mean_r
                out[1, i] = -w4 * mean_r - w5 * mean_g
                out[2, i] = -w6 * mean_r - w7 * mean_g - w8 * mean_b
                out[3, i], out[4, i], out[5, i] = w3, w4, w5
                out[6, i], out[7, i], out[8, i] = w6, w7, w8


@jit
def join(image, radius, steps, runs, starts, number, whitening, tied, leader):
    """Join unknowns that a window ties: |1 + zᵢ·zⱼ| > `tied`, for i in its middle and some j.

    `steps` lists the (dy, dx) of these j. Where the middle is known, the first unknown one of them
    takes its place. `number` says which unknown a pixel is; those that are none have leader.size.
    """
    for k in range(runs.shape[0]):
        y = runs[k, Y]
        for i in range(runs[k, LENGTH]):
            x, w = runs[k, X] + i, whitening[:, runs[k, FIRST] + i]
            one, z1, z2, z3 = leader.size, 0.0, 0.0, 0.0
            for step in range(steps.shape[0]):
                v, u = y + steps[step, 0], x + steps[step, 1]
                other, (r, g, b) = number[v, u], image[v, u]
                if other == leader.size:
                    continue
                c1 = w[0] + w[3] * r
                c2 = w[1] + w[4] * r + w[5] * g
                c3 = w[2] + w[6] * r + w[7] * g + w[8] * b
                if one == leader.size:
                    one, z1, z2, z3 = other, c1, c2, c3
                elif leader[one] != leader[other] and abs(1 + z1 * c1 + z2 * c2 + z3 * c3) > tied:
                    join_trees(leader, one, other)


@jit
def moments(row, sign, columns):
    """Add a row's colours and the six products of two of them to the columns' sums."""
    for x in range(len(row)):
        r, g, b = row[x, 0], row[x, 1], row[x, 2]
        columns[0, x] += sign * r
        columns[1, x] += sign * g
        columns[2, x] += sign * b
        columns[3, x] += sign * (r * r)
        columns[4, x] += sign * (g * r)
        columns[5, x] += sign * (g * g)
        columns[6, x] += sign * (b * r)
        columns[7, x] += sign * (b * g)
        columns[8, x] += sign * (b * b)


@jit
def slide(columns, x, n, radius, sums):
    """Sum up columns x - radius … x + radius, and so on for n neighbouring x."""
    total = 0.0
    for column in range(x - radius, x + radius):
        total += columns[column]
    entering, leaving = columns[x + radius :], columns[x - radius :]
    for i in range(n):
        total += entering[i]
        sums[i] = total
        total -= leaving[i]


@jit
def slide_four(columns, x, n, radius, sums):
    """`slide` for four planes at once: four sums that need not wait for each other."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for column in range(x - radius, x + radius):
        a += columns[0, column]
        b += columns[1, column]
        c += columns[2, column]
        d += columns[3, column]
    entering, leaving = columns[:, x + radius :], columns[:, x - radius :]
    for i in range(n):
        a += entering[0, i]
        b += entering[1, i]
        c += entering[2, i]
        d += entering[3, i]
        sums[0, i], sums[1, i], sums[2, i], sums[3, i] = a, b, c, d
        a -= leaving[0, i]
        b -= leaving[1, i]
        c -= leaving[2, i]
        d -= leaving[3, i]


@jit
def enter(runs, starts, y, image, p, sign, columns):
    """Add p (1, R, G, B) of a row of pixels to the columns' sums."""
    for k in range(starts[y], starts[y + 1]):
        start, n, x = runs[k, FIRST], runs[k, LENGTH], runs[k, X]
        values, colours = p[start : start + n], image[y, x : x + n]
        one, red = columns[0, x : x + n], columns[1, x : x + n]
        green, blue = columns[2, x : x + n], columns[3, x : x + n]
        for i in range(n):
            value = sign * values[i]
            one[i] += value
            red[i] += value * colours[i, 0]
            green[i] += value * colours[i, 1]
            blue[i] += value * colours[i, 2]


@jit
def subtract_fits(
    first,
    last,
    image,
    radius,
    windows,
    starts,
    whitening,
    weight,
    sources,
    source_starts,
    p,
    targets,
    target_starts,
    out,
):
    """Subtract from each target what all windows over it fit to p there, affine in colour.

    The fit is (1, R, G, B) Tᵀ T s / |w|, with s = Σ p (1, R, G, B) over the window's pixels and T
    the rows that turn (1, R, G, B) into (1, z).
    """
    height, width = image.shape[:2]
    size = 2 * radius + 1
    share = weight / (size * size)
    top = max(first - 2 * radius, 0)
    pixels = np.zeros((4, width))  # sums of p (1, R, G, B) over the height of a window
    fits = np.zeros((4, width + 2 * radius))  # sums of fits over the same height
    rows = np.empty((size, 4, width))  # the fits of so many rows of windows
    sums = np.empty((4, width))
    for below in range(top, last + 2 * radius):
        if below < height:
            enter(sources, source_starts, below, image, p, 1.0, pixels)
        if below - size >= top:
            enter(sources, source_starts, below - size, image, p, -1.0, pixels)
        y = below - radius
        row = rows[y % size]
        if y - size >= max(first - radius, 0):
            for k in range(starts[y - size], starts[y - size + 1]):
                n, x = windows[k, LENGTH], windows[k, X]
                for m in range(4):
                    total, leaving = fits[m, x + radius :], row[m, x:]
                    for i in range(n):
                        total[i] -= leaving[i]
        if max(first - radius, 0) <= y < height:
            for k in range(starts[y], starts[y + 1]):
                start, n, x = windows[k, FIRST], windows[k, LENGTH], windows[k, X]
                slide_four(pixels, x, n, radius, sums)
                fit(whitening[:, start : start + n], sums, row[:, x : x + n])
                for m in range(4):
                    total, entering = fits[m, x + radius :], row[m, x:]
                    for i in range(n):
                        total[i] += entering[i]
        y -= radius
        if first <= y:
            for k in range(target_starts[y], target_starts[y + 1]):
                start, n, x = targets[k, FIRST], targets[k, LENGTH], targets[k, X]
                slide_four(fits, x + radius, n, radius, sums)
                a, b, c, d = sums[0], sums[1], sums[2], sums[3]
                colours, result = image[y, x : x + n], out[start : start + n]
                for i in range(n):
                    result[i] -= share * (
                        a[i] + b[i] * colours[i, 0] + c[i] * colours[i, 1] + d[i] * colours[i, 2]
                    )


@jit
def fit(whitening, sums, row):
    """Turn sums s of p (1, R, G, B) over windows into Tᵀ T s, |w| times what they fit."""
    w0, w1, w2 = whitening[0], whitening[1], whitening[2]
    w3, w4, w5 = whitening[3], whitening[4], whitening[5]
    w6, w7, w8 = whitening[6], whitening[7], whitening[8]
    s, r, g, b = sums[0], sums[1], sums[2], sums[3]
    one, red, green, blue = row[0], row[1], row[2], row[3]
    for i in range(row.shape[1]):
        z1 = w0[i] * s[i] + w3[i] * r[i]
        z2 = w1[i] * s[i] + w4[i] * r[i] + w5[i] * g[i]
        z3 = w2[i] * s[i] + w6[i] * r[i] + w7[i] * g[i] + w8[i] * b[i]
        one[i] = s[i] + w0[i] * z1 + w1[i] * z2 + w2[i] * z3
        red[i] = w3[i] * z1 + w4[i] * z2 + w6[i] * z3
        green[i] = w5[i] * z2 + w7[i] * z3
        blue[i] = w8[i] * z3


@jit
def cover(
    first,
    last,
    image,
    radius,
    windows,
    starts,
    whitening,
    weight,
    targets,
    target_starts,
    out,
):
    """Add up, for all windows over a target, one in out[0], and 1 - (1 + z·z) / |w| in out[1]."""
    height, width = image.shape[:2]
    size = 2 * radius + 1
    share = weight / (size * size)
    fits = np.zeros((11, width + 2 * radius))
    rows = np.empty((size, 11, width))
    sums = np.empty((11, width))
    for below in range(max(first - radius, 0), last + radius):
        row = rows[below % size]
        if below - size >= max(first - radius, 0):
            for k in range(starts[below - size], starts[below - size + 1]):
                n, x = windows[k, LENGTH], windows[k, X]
                fits[:, x + radius : x + radius + n] -= row[:, x : x + n]
        if below < height:
            for k in range(starts[below], starts[below + 1]):
                start, n, x = windows[k, FIRST], windows[k, LENGTH], windows[k, X]
                products(whitening[:, start : start + n], row[:, x : x + n])
                fits[:, x + radius : x + radius + n] += row[:, x : x + n]
        y = below - radius
        if y >= first:
            for k in range(target_starts[y], target_starts[y + 1]):
                start, n, x = targets[k, FIRST], targets[k, LENGTH], targets[k, X]
                for m in range(11):
                    slide(fits[m], x + radius, n, radius, sums[m])
                for i in range(n):
                    r, g, b = image[y, x + i, 0], image[y, x + i, 1], image[y, x + i, 2]
                    count, fitted = sums[0, i], sums[1, i]
                    fitted += 2 * (sums[2, i] * r + sums[3, i] * g + sums[4, i] * b)
                    fitted += sums[5, i] * r * r + sums[8, i] * g * g + sums[10, i] * b * b
                    fitted += 2 * (sums[6, i] * r * g + sums[7, i] * r * b + sums[9, i] * g * b)
                    out[0, start + i] += weight * count
                    out[1, start + i] += weight * count - share * fitted


@jit
def products(whitening, row):
    """Write one, and the ten different entries of Tᵀ T."""
    for i in range(row.shape[1]):
        w0, w1, w2 = whitening[0, i], whitening[1, i], whitening[2, i]
        w3, w4, w5 = whitening[3, i], whitening[4, i], whitening[5, i]
        w6, w7, w8 = whitening[6, i], whitening[7, i], whitening[8, i]
        row[0, i] = 1.0
        row[1, i] = 1.0 + w0 * w0 + w1 * w1 + w2 * w2
        row[2, i] = w0 * w3 + w1 * w4 + w2 * w6
        row[3, i] = w1 * w5 + w2 * w7
        row[4, i] = w2 * w8
        row[5, i] = w3 * w3 + w4 * w4 + w6 * w6
        row[6, i] = w4 * w5 + w6 * w7
        row[7, i] = w6 * w8
        row[8, i] = w5 * w5 + w7 * w7
        row[9, i] = w7 * w8
        row[10, i] = w8 * w8
