"""Compiled loops of `foreground.py`. Raw arrays in and out; results last; the caller checks."""

from __future__ import annotations

import numpy as np

from solvers.jit import jit

ZERO, ONE = np.float32(0), np.float32(1)  # a Python float would turn the sums into float64


@jit
def resample(rows, columns, source, out):
    """Copy to `out` (C, h, w) the given rows and columns of `source` (C, H, W)."""
    for plane in range(out.shape[0]):
        for y in range(out.shape[1]):
            values, result = source[plane, rows[y]], out[plane, y]
            for x in range(out.shape[2]):
                result[x] = values[columns[x]]


@jit
def relax(first, last, half, regularization, gradient_weight, observed, layers):
    """Improve every second pixel of the rows from `first`: the black ones of a chessboard, or the
    white ones. `observed` (4, H, W) holds the image's channels and alpha, `layers` is (6, H, W).
    """
    for y in range(first, last):
        relax_row(y, (y + half) % 2, regularization, gradient_weight, observed, layers)


@jit
def relax_row(y, first, regularization, gradient_weight, observed, layers):
    """Solve the 2 × 2 systems of every second pixel of a row, with their neighbours held.

    With s the sum of the edge weights and F', B' the weighted means of the neighbours, the
    minimum over F and B of (αF + (1-α)B - I)² + s (F - F')² + s (B - B')² is F = F' + αρ and
    B = B' + (1-α)ρ, where ρ = (I - αF' - (1-α)B') / (α² + (1-α)² + s). Unlike the inverse matrix
    this is free of cancellation, so float32 suffices.
    """
    _, height, width = observed.shape
    up, down = max(y - 1, 0), min(y + 1, height - 1)  # beyond the border lies the pixel itself
    for x in range(first, width, 2):
        left, right = max(x - 1, 0), min(x + 1, width - 1)
        a = observed[3, y, x]
        b = ONE - a
        w_left = regularization + gradient_weight * abs(a - observed[3, y, left])
        w_right = regularization + gradient_weight * abs(a - observed[3, y, right])
        w_up = regularization + gradient_weight * abs(a - observed[3, up, x])
        w_down = regularization + gradient_weight * abs(a - observed[3, down, x])
        s = w_left + w_right + w_up + w_down
        gain = ONE / (a * a + b * b + s)
        w_left, w_right, w_up, w_down = w_left / s, w_right / s, w_up / s, w_down / s
        for channel in range(3):
            F, B = layers[channel], layers[3 + channel]
            F_mean = (
                w_left * F[y, left] + w_right * F[y, right] + w_up * F[up, x] + w_down * F[down, x]
            )
            B_mean = (
                w_left * B[y, left] + w_right * B[y, right] + w_up * B[up, x] + w_down * B[down, x]
            )
            rho = gain * (observed[channel, y, x] - a * F_mean - b * B_mean)
            F[y, x] = min(max(F_mean + a * rho, ZERO), ONE)
            B[y, x] = min(max(B_mean + b * rho, ZERO), ONE)
