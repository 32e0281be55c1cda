"""Compiled loops over windows. Raw arrays in and out; results last; callers check and allocate."""

from __future__ import annotations

import numpy as np

from solvers.jit import jit


@jit
def colour_line(first, last, windows, image, epsilon, planes):
    """Add every window's δ_ij - (1 + z_i·z_j) / |w| to the planes of a stencil matrix.

    `windows` lists runs of window centres; see `Windows.runs`.
    """
    size = windows.shape[1] - 4
    colours = np.empty((3, size * size, 64))
    features = np.empty((4, size * size, 64))
    for k in range(first, last):
        for begin in range(0, windows[k, 1], 64):
            n = min(64, windows[k, 1] - begin)
            gather(image, windows[k, 2], windows[k, 3] + begin, size, n, colours)
            whiten(colours, epsilon, n, features)
            subtract_gram(features, windows[k, 4:], begin, n, planes)


@jit
def gather(image, y, x, size, n, colours):
    """Lay out the colours of n neighbouring windows, window after window for each cell."""
    radius = size // 2
    for row in range(size):
        for column in range(size):
            for c in range(3):
                out = colours[c, row * size + column]
                for i in range(n):
                    out[i] = image[y + row - radius, x + column - radius + i, c]


@jit
def whiten(colours, epsilon, n, features):
    """Turn colours into features whose inner product is (1 + z_i·z_j) / |w|.

    z = G⁻¹ (I - μ) with G Gᵀ = Σ + ε/|w| by Cholesky: the cofactor inverse loses everything where
    a window has one colour.
    """
    cells = colours.shape[1]
    red, green, blue = colours[0], colours[1], colours[2]
    root = np.sqrt(1.0 / cells)
    for i in range(n):
        mean_r, mean_g, mean_b = 0.0, 0.0, 0.0
        for k in range(cells):
            mean_r += red[k, i]
            mean_g += green[k, i]
            mean_b += blue[k, i]
        mean_r, mean_g, mean_b = mean_r / cells, mean_g / cells, mean_b / cells
        rr, gr, gg, br, bg, bb = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(cells):
            r, g, b = red[k, i] - mean_r, green[k, i] - mean_g, blue[k, i] - mean_b
            rr += r * r
            gr += g * r
            gg += g * g
            br += b * r
            bg += b * g
            bb += b * b
        g11 = np.sqrt((rr + epsilon) / cells)
        g21 = gr / cells / g11
        g31 = br / cells / g11
        g22 = np.sqrt((gg + epsilon) / cells - g21 * g21)
        g32 = (bg / cells - g31 * g21) / g22
        g33 = np.sqrt((bb + epsilon) / cells - g31 * g31 - g32 * g32)
        for k in range(cells):
            r, g, b = red[k, i] - mean_r, green[k, i] - mean_g, blue[k, i] - mean_b
            z1 = r / g11
            z2 = (g - g21 * z1) / g22
            features[0, k, i] = root
            features[1, k, i] = root * z1
            features[2, k, i] = root * z2
            features[3, k, i] = root * (b - g31 * z1 - g32 * z2) / g33


@jit
def subtract_gram(features, stored, begin, n, planes):
    """Add δ_ij - f_i·f_j of n neighbouring windows to the planes, at the earlier of i and j."""
    size = stored.size
    radius = size // 2
    for i in range(size * size):
        row_i, column_i = i // size, i % size
        first = stored[row_i] + begin + column_i - radius
        for j in range(i, size * size):
            row_j, column_j = j // size, j % size
            plane = (row_j - row_i) * (2 * size - 1) + column_j - column_i
            out = planes[plane, first : first + n]
            same = 1.0 if i == j else 0.0
            a0, a1, a2, a3 = features[0, i], features[1, i], features[2, i], features[3, i]
            b0, b1, b2, b3 = features[0, j], features[1, j], features[2, j], features[3, j]
            for k in range(n):
                out[k] += same - (a0[k] * b0[k] + a1[k] * b1[k] + a2[k] * b2[k] + a3[k] * b3[k])
