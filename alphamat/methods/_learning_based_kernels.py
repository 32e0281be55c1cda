"""Compiled loops of global learning. Raw arrays in and out; results last; callers check."""

from __future__ import annotations

import numpy as np

from solvers.loops import jit


@jit
def predict(colours, samples, nearest, variance, ridge, alpha):
    """Predict the alpha of each colour by kernel ridge regression on its nearest samples (eq. 18).

    The columns of `samples` are red, green, blue, weight, and label: 1 or -1. `nearest` lists rows.
    """
    count = nearest.shape[1]
    K = np.empty((count, count))
    x = np.empty((5, count))
    similarity = np.empty(count)
    solution = np.empty(count)
    for i in range(len(colours)):
        for a in range(count):
            for c in range(5):
                x[c, a] = samples[nearest[i, a], c]
        weight, label = x[3], x[4]
        for a in range(count):
            row = K[a, : a + 1]
            compare(x[0, a], x[1, a], x[2, a], x, variance, row)
            for b in range(a + 1):
                row[b] *= weight[a] * weight[b]
            row[a] += ridge
            solution[a] = weight[a] * label[a]
        solve(K, solution)
        compare(colours[i, 0], colours[i, 1], colours[i, 2], x, variance, similarity)
        total = 0.0
        for a in range(count):
            total += similarity[a] * weight[a] * solution[a]
        alpha[i] = (1 + total) / 2


@jit
def compare(red, green, blue, x, variance, similarity):
    """Evaluate the Gaussian kernel between one colour and the first of the samples' colours."""
    for a in range(len(similarity)):
        r, g, b = x[0, a] - red, x[1, a] - green, x[2, a] - blue
        similarity[a] = np.exp(-(r * r + g * g + b * b) / variance)


@jit
def solve(A, b):
    """Solve A x = b in place by Cholesky; only the lower triangle of A is read."""
    for i in range(len(b)):
        row = A[i]
        for j in range(i):
            row[j] = (row[j] - dot(row[:j], A[j, :j])) / A[j, j]
        row[i] = np.sqrt(row[i] - dot(row[:i], row[:i]))
        b[i] = (b[i] - dot(row[:i], b[:i])) / row[i]
    for i in range(len(b) - 1, -1, -1):
        b[i] /= A[i, i]
        row = A[i]
        for j in range(i):
            b[j] -= row[j] * b[i]


@jit
def dot(a, b):
    total = 0.0
    for k in range(len(a)):
        total += a[k] * b[k]
    return total
