"""Compiled loops of information-flow matting. Raw arrays in and out; results last."""

from __future__ import annotations

import math

import numpy as np

from solvers.loops import jit


@jit
def embed(first, last, colours, pixels, members, ridge, weights):
    """Find the weights that mix each pixel's colour from those of its members."""
    count = members.shape[1]
    D, square, total = np.empty((count, 3)), np.empty(6), np.empty(3)
    for m in range(first, last):
        here = colours[pixels[m]]
        square[:], total[:] = 0.0, 0.0
        for k in range(count):
            there = colours[members[m, k]]
            r, g, b = there[0] - here[0], there[1] - here[1], there[2] - here[2]
            D[k, 0], D[k, 1], D[k, 2] = r, g, b
            total[0] += r
            total[1] += g
            total[2] += b
            square[0] += r * r
            square[1] += r * g
            square[2] += r * b
            square[3] += g * g
            square[4] += g * b
            square[5] += b * b
        square[0] += ridge
        square[3] += ridge
        square[5] += ridge
        root = cholesky(square)
        forward(root, total)
        for c in range(2, -1, -1):  # backward
            total[c] /= root[c, c]
            for above in range(c):
                total[above] -= root[c, above] * total[c]
        mass = 0.0
        for k in range(count):
            weights[m, k] = 1 - D[k, 0] * total[0] - D[k, 1] * total[1] - D[k, 2] * total[2]
            mass += weights[m, k]
        for k in range(count):
            weights[m, k] /= mass


@jit
def cholesky(square):
    """Return the lower factor of a symmetric 3 × 3 matrix, given by rows of its upper half."""
    root = np.zeros((3, 3))
    root[0, 0] = math.sqrt(square[0])
    root[1, 0], root[2, 0] = square[1] / root[0, 0], square[2] / root[0, 0]
    root[1, 1] = math.sqrt(square[3] - root[1, 0] ** 2)
    root[2, 1] = (square[4] - root[2, 0] * root[1, 0]) / root[1, 1]
    root[2, 2] = math.sqrt(square[5] - root[2, 0] ** 2 - root[2, 1] ** 2)
    return root


@jit
def forward(root, x):
    """x ← root⁻¹ x."""
    for c in range(3):
        for before in range(c):
            x[c] -= root[c, before] * x[before]
        x[c] /= root[c, c]


@jit
def closest(first, last, mean, covariance, pixels, members, least):
    """Find the least Bhattacharyya distance of each pixel's patch from those of its members.

    d = ΔᵀS⁻¹Δ / 8 + ln(det S / √(det S_p det S_q)) / 2, with S = (S_p + S_q) / 2.
    """
    S, delta = np.empty(6), np.empty(3)
    for m in range(first, last):
        p, best = pixels[m], np.inf
        own = determinant(covariance[p])
        for k in range(members.shape[1]):
            q = members[m, k]
            for c in range(6):
                S[c] = (covariance[p, c] + covariance[q, c]) / 2
            for c in range(3):
                delta[c] = mean[q, c] - mean[p, c]
            root = cholesky(S)
            forward(root, delta)
            far = delta[0] ** 2 + delta[1] ** 2 + delta[2] ** 2
            square = (root[0, 0] * root[1, 1] * root[2, 2]) ** 2
            spread = math.log(square / math.sqrt(own * determinant(covariance[q])))
            distance = far / 8 + spread / 2
            best = distance if distance < best else best
        least[m] = best


@jit
def determinant(square):
    root = cholesky(square)
    return (root[0, 0] * root[1, 1] * root[2, 2]) ** 2
