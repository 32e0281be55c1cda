"""Compiled loops of `features.py`. Raw arrays in and out; results last; the caller checks.

Pixels are read from the whole picture (H, W, 3), whose edges are repeated beyond it; results are of
a tile whose first row and column are `top` and `left`. Numbers are float32 throughout: a Python
float would turn a formula into float64.
"""

from __future__ import annotations

import math

import numpy as np

from solvers.loops import FASTMATH, jit

BACKGROUND, FOREGROUND, UNKNOWN = 0, 1, 2
CELL = 4  # pixels: the side of the finest cells
ZERO, ONE, HALF, TWO = np.float32(0), np.float32(1), np.float32(0.5), np.float32(2)
TENTH, ROUNDING, LEAST_LENGTH = np.float32(0.1), np.float32(1e-6), np.float32(1e-3)
TINY = np.float32(1e-9)
NEAR, SIDE, CORNER = np.float32(9 / 16), np.float32(3 / 16), np.float32(1 / 16)
REACH = 3  # cells: how far from its own cell a pixel looks
MOST = 64  # cells of one layer that it may find, rounded up: loops over sixteens have no rest
LEAST_SHARE = np.float32(0.02)  # of a cell that is known, for it to count as near
FAR = np.float32(1e9)


@jit
def sum_moments(first, last, image, labels, moments):
    """Write the moments (h, w, 20) of rows first ≤ i < last of 4 × 4 cells; see `cell_moments`."""
    height, width = labels.shape
    share = ONE / np.float32(CELL * CELL)
    for i in range(first, last):
        for j in range(moments.shape[1]):
            cell = moments[i, j]
            cell[:] = ZERO
            for y in range(CELL * i, CELL * i + CELL):
                for x in range(CELL * j, CELL * j + CELL):
                    row, column = min(y, height - 1), min(x, width - 1)
                    if labels[row, column] == FOREGROUND:
                        add_moments(image[row, column], share, cell[:10])
                    elif labels[row, column] == BACKGROUND:
                        add_moments(image[row, column], share, cell[10:])


@jit
def add_moments(colour, weight, moments):
    r, g, b = np.float32(colour[0]), np.float32(colour[1]), np.float32(colour[2])
    moments[0] += weight
    moments[1] += weight * r
    moments[2] += weight * g
    moments[3] += weight * b
    moments[4] += weight * r * r
    moments[5] += weight * r * g
    moments[6] += weight * r * b
    moments[7] += weight * g * g
    moments[8] += weight * g * b
    moments[9] += weight * b * b


@jit
def describe(first, last, top, left, image, labels, models, start, features):
    """Write the 19 features at full size of rows first ≤ y < last of a tile; see `full_features`.

    `models` (h, w, 20) have half the resolution, and the pixel `start` of the next finer grid is
    the tile's first.
    """
    height, width = labels.shape
    model, compared = np.empty(20, np.float32), np.empty(7, np.float32)
    for y in range(first, last):
        row = min(top + y, height - 1)
        for x in range(features.shape[2]):
            column = min(left + x, width - 1)
            r, g, b = image[row, column]
            r, g, b = np.float32(r), np.float32(g), np.float32(b)
            label = labels[row, column]
            upsample(models, start[0] + y, start[1] + x, model)
            compare(r, g, b, model, compared)
            out = features[:, y, x]
            out[0], out[1], out[2] = r - HALF, g - HALF, b - HALF
            out[3] = ONE if label == FOREGROUND else ZERO
            out[4] = ONE if label == BACKGROUND else ZERO
            out[5] = ONE - out[3] - out[4]
            out[6], out[7], out[8] = model[0] - r, model[1] - g, model[2] - b
            out[9], out[10], out[11] = model[9] - r, model[10] - g, model[11] - b
            for k in range(7):
                out[12 + k] = compared[k]


@jit
def halve(first, last, top, left, image, half):
    """Write the means (h, w, 3) of 2 × 2 pixels of a tile for rows first ≤ y < last."""
    height, width = image.shape[:2]
    for y in range(first, last):
        above, below = min(top + 2 * y, height - 1), min(top + 2 * y + 1, height - 1)
        for x in range(half.shape[1]):
            near, far = min(left + 2 * x, width - 1), min(left + 2 * x + 1, width - 1)
            for c in range(3):
                half[y, x, c] = (
                    image[above, near, c] + image[above, far, c]
                    + image[below, near, c] + image[below, far, c]
                ) / 4  # fmt: skip


@jit
def compare_all(first, last, pixels, models, start, features):
    """Write what `compare` says of pixels (h, w, 3), rows first ≤ y < last; see `describe`."""
    model, compared = np.empty(20, np.float32), np.empty(7, np.float32)
    for y in range(first, last):
        for x in range(pixels.shape[1]):
            upsample(models, start[0] + y, start[1] + x, model)
            compare(pixels[y, x, 0], pixels[y, x, 1], pixels[y, x, 2], model, compared)
            for k in range(7):
                features[k, y, x] = compared[k]


@jit
def upsample(models, y, x, model):
    """Interpolate a pixel of the grid twice as fine, bilinearly; edges are repeated."""
    i, j = y // 2, x // 2
    row = min(max(i - 1 + 2 * (y % 2), 0), models.shape[0] - 1)
    column = min(max(j - 1 + 2 * (x % 2), 0), models.shape[1] - 1)
    own, beside, above, across = (
        models[i, j],
        models[i, column],
        models[row, j],
        models[row, column],
    )
    for k in range(20):
        model[k] = NEAR * own[k] + SIDE * (beside[k] + above[k]) + CORNER * across[k]


@jit
def compare(r, g, b, model, out):
    """Write seven features of a colour I beside the models of both layers.

    α - ½ on the line from μ_B to μ_F, twice the distance from that line, m / (2 + m) of the two
    Mahalanobis distances m_F and m_B, m_B / (m_F + m_B + 0.1) - ½, and how well F and B are known.
    """
    out[0], out[1] = project(
        r, g, b, model[0], model[1], model[2], model[9], model[10], model[11]
    )  # fmt: skip
    to_f = mahalanobis(r - model[0], g - model[1], b - model[2], model[3:9])
    to_b = mahalanobis(r - model[9], g - model[10], b - model[11], model[12:18])
    out[0] -= HALF
    out[1] *= TWO
    out[2] = to_f / (TWO + to_f)
    out[3] = to_b / (TWO + to_b)
    out[4] = to_b / (to_f + to_b + TENTH) - HALF
    out[5], out[6] = model[18], model[19]


@jit
def project(r, g, b, f_r, f_g, f_b, b_r, b_g, b_b):
    """Return alpha of a colour on the line from B to F, from -1/2 to 3/2, and its distance."""
    d_r, d_g, d_b = f_r - b_r, f_g - b_g, f_b - b_b
    e_r, e_g, e_b = r - b_r, g - b_g, b - b_b
    length = d_r * d_r + d_g * d_g + d_b * d_b + LEAST_LENGTH
    alpha = (e_r * d_r + e_g * d_g + e_b * d_b) / length
    alpha = min(max(alpha, -HALF), ONE + HALF)
    clipped = min(max(alpha, ZERO), ONE)
    e_r, e_g, e_b = e_r - clipped * d_r, e_g - clipped * d_g, e_b - clipped * d_b
    return alpha, math.sqrt(e_r * e_r + e_g * e_g + e_b * e_b + ROUNDING)


@jit
def mahalanobis(x, y, z, inverse):
    """Return √(dᵀ Σ⁻¹ d), with Σ⁻¹ as its upper triangle by rows."""
    squared = inverse[0] * x * x + inverse[3] * y * y + inverse[5] * z * z
    squared += TWO * (inverse[1] * x * y + inverse[2] * x * z + inverse[4] * y * z)
    return math.sqrt(max(squared, ZERO))


@jit
def attend(first, last, top, left, side, pixels, cells, features):
    """Write ten features of pixels (h, w, 3) in rows first ≤ i < last of cells of a tile.

    A cell has `side` pixels a side; the tile's first is (top, left) of `cells` (h, w, 2, 4), which
    hold a colour and its weight for each layer. See `attend` of the caller.
    """
    found, near = np.empty((2, 5, MOST), np.float32), np.empty((2, 5), np.float32)
    for i in range(first, last):
        for j in range(pixels.shape[1] // side):
            count_f = gather(top + i, left + j, 0, cells, found[0])
            count_b = gather(top + i, left + j, 1, cells, found[1])
            for y in range(side * i, side * i + side):
                for x in range(side * j, side * j + side):
                    r, g, b = pixels[y, x, 0], pixels[y, x, 1], pixels[y, x, 2]
                    average(r, g, b, count_f, found[0], near[0])
                    average(r, g, b, count_b, found[1], near[1])
                    out = features[:, y, x]
                    f, k = near[0], near[1]
                    out[0], out[1] = TWO * f[3], TWO * k[3]
                    alpha, off = project(r, g, b, f[0], f[1], f[2], k[0], k[1], k[2])
                    out[2], out[3] = alpha - HALF, TWO * off
                    if out.size > 4:
                        out[4], out[5], out[6] = f[0] - r, f[1] - g, f[2] - b
                        out[7], out[8], out[9] = k[0] - r, k[1] - g, k[2] - b


@jit
def gather(i, j, layer, cells, found):
    """List the cells around one that have known pixels of a layer; return their number.

    `found` gets colour, weight, and FAR where too little is known; up to a multiple of sixteen it
    is filled with cells without weight.
    """
    count = 0
    for y in range(max(i - REACH, 0), min(i + REACH + 1, cells.shape[0])):
        for x in range(max(j - REACH, 0), min(j + REACH + 1, cells.shape[1])):
            cell = cells[y, x, layer]
            if cell[3] > ZERO:
                for k in range(4):
                    found[k, count] = cell[k]
                found[4, count] = ZERO if cell[3] > LEAST_SHARE else FAR
                count += 1
    padded = (count + 15) // 16 * 16
    found[:4, count:padded] = ZERO
    found[4, count:padded] = FAR
    return padded


@jit(fastmath=FASTMATH | {"nnan"})  # so that the minimum is taken in vectors
def average(r, g, b, count, found, near):
    """Write the mean colour of the cells nearest in colour, and the distance of the nearest."""
    reds, greens, blues, weights, penalties = found
    least, total, sum_r, sum_g, sum_b = ONE, ZERO, ZERO, ZERO, ZERO
    for k in range(count):
        d_r, d_g, d_b = r - reds[k], g - greens[k], b - blues[k]
        squared = d_r * d_r + d_g * d_g + d_b * d_b
        least = min(least, squared + penalties[k])
        softened = squared + LEAST_LENGTH
        weight = weights[k] / (softened * softened)
        total += weight
        sum_r += weight * reds[k]
        sum_g += weight * greens[k]
        sum_b += weight * blues[k]
    near[3] = math.sqrt(least)
    if total > ZERO:
        total = max(total, TINY)
        near[0], near[1], near[2] = sum_r / total, sum_g / total, sum_b / total
    else:
        near[0], near[1], near[2] = r, g, b
