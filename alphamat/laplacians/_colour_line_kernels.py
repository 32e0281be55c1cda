"""Compiled loops over windows. Raw arrays in and out; results last; callers check and allocate."""

from __future__ import annotations

import numpy as np

from solvers.loops import jit
from solvers.runs import FIRST, LENGTH, STORED, X, Y


@jit
def colour_line(first, last, windows, image, epsilon, squared, planes):
    """Add every window's I - F, or its square, to the planes of a stencil matrix.

    F fits a window's alphas by an affine function of colour, with ε on the squares of its slopes.
    `windows` are runs of window centres, stored with as many rows as a window has.
    """
    size = windows.shape[1] - STORED
    features = np.empty((4, size * size + 3, 64))
    for k in range(first, last):
        for begin in range(0, windows[k, LENGTH], 64):
            n = min(64, windows[k, LENGTH] - begin)
            gather(image, windows[k, Y], windows[k, X] + begin, size, n, features[1:])
            whiten(epsilon, n, features)
            if squared:
                double_less_square(n, features)
            subtract_gram(features, windows[k, STORED:], begin, n, planes)


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
def whiten(epsilon, n, features):
    """Turn colours into features whose inner product is F.

    They are Q of [1, I] = Q R by Gram-Schmidt, with √ε below each colour in a row of its own. To
    factorise (I - μ)ᵀ(I - μ) + ε loses twice the digits, and its cofactor inverse loses everything
    where a window has one colour.
    """
    cells = features.shape[1] - 3
    sums = np.empty(n)
    features[:, cells:] = 0
    features[0, :cells] = np.sqrt(1 / cells)
    for c in range(1, 4):
        feature = features[c]
        feature[cells + c - 1] = np.sqrt(epsilon)
        for earlier in range(c):
            inner(feature, features[earlier], sums)
            subtract(features[earlier], sums, feature)
        inner(feature, feature, sums)
        for k in range(cells + 3):
            row = feature[k]
            for i in range(n):
                row[i] /= np.sqrt(sums[i])


@jit
def inner(a, b, sums):
    """Sum the products of two features over the cells."""
    sums[:] = 0
    for k in range(len(a)):
        row_a, row_b = a[k], b[k]
        for i in range(len(sums)):
            sums[i] += row_a[i] * row_b[i]


@jit
def subtract(a, factors, out):
    """Subtract multiples of a feature from another one."""
    for k in range(len(a)):
        row_a, row = a[k], out[k]
        for i in range(len(factors)):
            row[i] -= factors[i] * row_a[i]


@jit
def double_less_square(n, features):
    """Turn features whose inner product is F into those of 2F - F²; I less this is (I - F)².

    Let F = Q Qᵀ, and B be the rows below Q. Since QᵀQ + BᵀB = I, 2F - F² = Q (I + BᵀB) Qᵀ, and
    the eigenvalues of I + BᵀB lie between 1 and 2: its Cholesky factor G loses nothing.
    """
    cells = features.shape[1] - 3
    f1, f2, f3 = features[1], features[2], features[3]
    for i in range(n):
        b11 = f1[cells, i]
        b12, b22 = f2[cells, i], f2[cells + 1, i]
        b13, b23, b33 = f3[cells, i], f3[cells + 1, i], f3[cells + 2, i]
        g11 = np.sqrt(1 + b11 * b11)
        g21 = b11 * b12 / g11
        g31 = b11 * b13 / g11
        g22 = np.sqrt(1 + b12 * b12 + b22 * b22 - g21 * g21)
        g32 = (b12 * b13 + b22 * b23 - g31 * g21) / g22
        g33 = np.sqrt(1 + b13 * b13 + b23 * b23 + b33 * b33 - g31 * g31 - g32 * g32)
        for k in range(cells):
            f1[k, i] = g11 * f1[k, i] + g21 * f2[k, i] + g31 * f3[k, i]
            f2[k, i] = g22 * f2[k, i] + g32 * f3[k, i]
            f3[k, i] = g33 * f3[k, i]


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


@jit
def draw(first, last, windows, image, epsilon, noise, out):
    """Add to the cells of each window numbers whose covariance is I - F, out of white noise.

    With B the rows below Q, [Q; B] has orthonormal columns, and z - Q (Qᵀz + Bᵀz') the covariance
    I - Q Qᵀ, and (I - F)² where z' is zero. `noise` holds z and z', a row for each window.
    """
    size = windows.shape[1] - STORED
    cells, radius = size * size, size // 2
    features, weights = np.empty((4, cells + 3, 64)), np.empty(4)
    for k in range(first, last):
        for begin in range(0, windows[k, LENGTH], 64):
            n = min(64, windows[k, LENGTH] - begin)
            gather(image, windows[k, Y], windows[k, X] + begin, size, n, features[1:])
            whiten(epsilon, n, features)
            for i in range(n):
                z = noise[windows[k, FIRST] + begin + i]
                weights[:] = 0
                for row in range(cells + 3):
                    for f in range(4):
                        weights[f] += features[f, row, i] * z[row]
                for row in range(cells):
                    fit = 0.0
                    for f in range(4):
                        fit += features[f, row, i] * weights[f]
                    at = windows[k, STORED + row // size] + begin + i + row % size - radius
                    out[at] += z[row] - fit
