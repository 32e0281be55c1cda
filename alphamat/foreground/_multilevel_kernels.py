"""Compiled loops of `multilevel.py`. Raw arrays in and out; results last; the caller checks.

A row is stored as the black and the white pixels of a chessboard, each with a spare place at
either end, so that a half-sweep reads and writes without gaps. Loops are short because those over
more than eight arrays do not vectorise.
"""

from __future__ import annotations

import numpy as np

from solvers.loops import jit

ZERO, ONE = np.float32(0), np.float32(1)  # a Python float would turn the sums into float64


@jit
def sum_colours(first, last, image, alpha):
    """Return red, green, blue and count of the opaque pixels in some rows, and of the empty."""
    sums = np.zeros((2, 4))
    for y in range(first, last):
        pixels, opacity = image[y], alpha[y]
        r, g, b, n = 0.0, 0.0, 0.0, 0.0
        r_empty, g_empty, b_empty, n_empty = 0.0, 0.0, 0.0, 0.0
        for x in range(opacity.size):
            opaque = 1.0 if opacity[x] > 0.9 else 0.0
            empty = 1.0 if opacity[x] < 0.1 else 0.0
            r += opaque * pixels[x, 0]
            g += opaque * pixels[x, 1]
            b += opaque * pixels[x, 2]
            n += opaque
            r_empty += empty * pixels[x, 0]
            g_empty += empty * pixels[x, 1]
            b_empty += empty * pixels[x, 2]
            n_empty += empty
        sums[0] += np.array((r, g, b, n))
        sums[1] += np.array((r_empty, g_empty, b_empty, n_empty))
    return sums


@jit
def refine(
    first, last, sweeps, regularization, gradient_weight, at, image, alpha, above, coarse, F, B
):
    """Fill rows first ≤ y < last of the layers F and B (H, W, 3) from a coarser estimate of them.

    A half-sweep follows the one before it two rows behind, so that all the work on a row is done
    while it is in the cache. Rows beyond these are worked on as far as they have influence.
    `at` holds the rows and the columns of `image` and `alpha` to look at, `above` those of the two
    layers `coarse`.
    """
    height, width, _ = F.shape
    stages = 2 * sweeps
    depth = min(stages + 2, height)
    observed = np.zeros((depth, 4, 2, width // 2 + 3), np.float32)
    layers = np.zeros((depth, 6, 2, width // 2 + 3), np.float32)
    scratch = np.empty((8, width // 2 + 1), np.float32)
    for newest in range(max(first - stages, 0), last + stages):
        if newest < min(last + stages, height):
            slot = newest % depth
            look(newest, at, image, alpha, observed[slot])
            start(newest, above, coarse, layers[slot])
        for stage in range(max(1, newest - height + 1), min(stages, newest) + 1):
            y, margin = newest - stage, stages - stage
            if first - margin <= y < last + margin:
                relax(
                    y, height, width, (stage - 1) % 2, regularization, gradient_weight,
                    observed, scratch, layers,
                )  # fmt: skip
        if newest - stages >= first:
            finish(newest - stages, layers[(newest - stages) % depth], F, B)


@jit
def look(y, at, image, alpha, observed):
    """Take a row's colours and alpha from the image."""
    rows, columns = at
    pixels, opacity = image[rows[y]], alpha[rows[y]]
    for colour in range(2):
        offset = (y + colour) % 2
        for j in range((columns.size - offset + 1) // 2):
            x = columns[2 * j + offset]
            for channel in range(3):
                observed[channel, colour, 1 + j] = pixels[x, channel]
            observed[3, colour, 1 + j] = opacity[x]


@jit
def start(y, above, coarse, layers):
    """Take a row's white pixels from the coarser layers; the black ones come from them."""
    rows, columns = above
    F, B = coarse[0][rows[y]], coarse[1][rows[y]]
    offset = (y + 1) % 2
    for j in range((columns.size - offset + 1) // 2):
        x = columns[2 * j + offset]
        for channel in range(3):
            layers[channel, 1, 1 + j] = F[x, channel]
            layers[3 + channel, 1, 1 + j] = B[x, channel]


@jit
def finish(y, layers, F, B):
    """Put a row where the caller wants it."""
    for colour in range(2):
        offset = (y + colour) % 2
        for j in range((F.shape[1] - offset + 1) // 2):
            x = 2 * j + offset
            for channel in range(3):
                F[y, x, channel] = layers[channel, colour, 1 + j]
                B[y, x, channel] = layers[3 + channel, colour, 1 + j]


@jit
def relax(y, height, width, colour, regularization, gradient_weight, observed, scratch, layers):
    """Solve the 2 × 2 systems of a row's pixels of one colour, with their neighbours held.

    With s the sum of the edge weights and F', B' the weighted means of the neighbours, the
    minimum over F and B of (αF + (1-α)B - I)² + s (F - F')² + s (B - B')² is F = F' + αρ and
    B = B' + (1-α)ρ, where ρ = (I - αF' - (1-α)B') / (α² + (1-α)² + s). Unlike the inverse matrix
    this is free of cancellation, so float32 suffices.
    """
    depth = len(layers)
    here, up, down = y % depth, max(y - 1, 0) % depth, min(y + 1, height - 1) % depth
    offset = (y + colour) % 2
    n = (width - offset + 1) // 2
    own, other = slice(1, 1 + n), 1 - colour
    left, right = slice(offset, offset + n), slice(offset + 1, offset + 1 + n)
    w_left, w_right, w_up, w_down = scratch[0, :n], scratch[1, :n], scratch[2, :n], scratch[3, :n]
    gain, F_mean, B_mean, rho = scratch[4, :n], scratch[5, :n], scratch[6, :n], scratch[7, :n]
    a = observed[here, 3, colour, own]
    weigh(a, observed[here, 3, other, left], regularization, gradient_weight, w_left)
    weigh(a, observed[here, 3, other, right], regularization, gradient_weight, w_right)
    weigh(a, observed[up, 3, other, own], regularization, gradient_weight, w_up)
    weigh(a, observed[down, 3, other, own], regularization, gradient_weight, w_down)
    if offset == 0 and n > 0:
        w_left[0] = 0
    if offset + 2 * n > width:
        w_right[n - 1] = 0
    if y == 0:
        w_up[:] = 0
    if y == height - 1:
        w_down[:] = 0
    for j in range(n):
        s = w_left[j] + w_right[j] + w_up[j] + w_down[j]
        gain[j] = ONE / (a[j] * a[j] + (ONE - a[j]) * (ONE - a[j]) + s)
        s = ONE / s
        w_left[j] *= s
        w_right[j] *= s
        w_up[j] *= s
        w_down[j] *= s
    for channel in range(3):
        for layer, mean in ((channel, F_mean), (3 + channel, B_mean)):
            at_left, at_right = layers[here, layer, other, left], layers[here, layer, other, right]
            at_up, at_down = layers[up, layer, other, own], layers[down, layer, other, own]
            for j in range(n):
                mean[j] = w_left[j] * at_left[j] + w_right[j] * at_right[j]
                mean[j] += w_up[j] * at_up[j] + w_down[j] * at_down[j]
        seen = observed[here, channel, colour, own]
        F, B = layers[here, channel, colour, own], layers[here, 3 + channel, colour, own]
        for j in range(n):
            rho[j] = gain[j] * (seen[j] - a[j] * F_mean[j] - (ONE - a[j]) * B_mean[j])
        for j in range(n):
            F[j] = min(max(F_mean[j] + a[j] * rho[j], ZERO), ONE)
        for j in range(n):
            B[j] = min(max(B_mean[j] + (ONE - a[j]) * rho[j], ZERO), ONE)


@jit
def weigh(a, neighbour, regularization, gradient_weight, weights):
    for j in range(a.size):
        weights[j] = regularization + gradient_weight * abs(a[j] - neighbour[j])
