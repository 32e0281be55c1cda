"""Compiled loops of `colour.py`. Raw arrays in and out; results last; the caller checks.

Chroma may have only every second row and column. A sample then lies at the left one of its two
columns, and half-way between its two rows. That is the default of H.264, HEVC and ProRes. JPEG's
and MPEG-1's is centred: it lies half-way between its two columns, too.
"""

from __future__ import annotations

import numpy as np

from solvers.loops import jit

HALF, QUARTER = np.float32(0.5), np.float32(0.25)


@jit
def decode(first, last, y, u, v, halved, centred, matrix, offset, full, colours):
    """Fill rows first ≤ y < last of colours (H, W, 3 or 4), integers up to `full`.

    Rows of the three planes may be longer than the picture is wide. `halved` says whether chroma
    has half the rows, and half the columns, and `centred`, where it lies. `matrix` (3, 3) is
    applied to the three planes less `offset` (3).
    """
    width = colours.shape[1]
    blue = np.empty(width, np.float32)
    red = np.empty(width, np.float32)
    top = np.float32(full)
    for row in range(first, last):
        _widen(u, row, halved, centred, blue)
        _widen(v, row, halved, centred, red)
        luma, pixels = y[row], colours[row]
        for c in range(3):
            of_luma, of_blue, of_red = matrix[c]
            start = -(of_luma * offset[0] + of_blue * offset[1] + of_red * offset[2]) + HALF
            for x in range(width):
                level = of_luma * luma[x] + of_blue * blue[x] + of_red * red[x] + start
                pixels[x, c] = np.uint16(min(max(level, np.float32(0)), top))


@jit
def _widen(chroma, row, halved, centred, wide):
    """Interpolate one row of a chroma plane to the luma's."""
    down, across = halved
    near = row >> 1 if down else row
    far = near
    if down:
        far = min(max(near + (1 if row & 1 else -1), 0), chroma.shape[0] - 1)
    a, b = chroma[near], chroma[far]
    near_share = np.float32(0.75)
    far_share = np.float32(0.25)
    if across:
        count = (wide.size + 1) // 2
        for x in range(count):
            wide[2 * x] = near_share * a[x] + far_share * b[x]
        for x in range(wide.size // 2):
            wide[2 * x + 1] = HALF * (wide[2 * x] + wide[2 * min(x + 1, count - 1)])
        if centred:
            _centre(wide, count)
    else:
        for x in range(wide.size):
            wide[x] = near_share * a[x] + far_share * b[x]


@jit
def _centre(wide, count):
    """Move samples at even columns, with their means at odd ones, half a column to the right."""
    before = wide[0]
    for x in range(wide.size // 2):
        here, after = wide[2 * x], wide[2 * min(x + 1, count - 1)]
        wide[2 * x] = np.float32(0.75) * here + QUARTER * before
        wide[2 * x + 1] = np.float32(0.75) * here + QUARTER * after
        before = here
    if wide.size % 2:
        wide[-1] = np.float32(0.75) * wide[-1] + QUARTER * before


@jit
def encode(first, last, colours, halved, matrix, offset, full, y, u, v):
    """Fill the planes from colours (H, W, 3 or 4); first ≤ row < last counts rows of chroma.

    `matrix` (3, 3) is applied to colours, and `offset` (3) is added; the planes hold integers up to
    `full`.
    """
    height, width = colours.shape[:2]
    down, across = halved
    sums = np.zeros((2, width), np.float32)
    for row in range(first, last):
        sums[:] = 0
        above = 2 * row if down else row
        below = min(above + 1, height - 1) if down else row
        for at in range(above, below + 1):
            # If the number of rows is odd, the last one counts twice.
            share = HALF if below > above else np.float32(1)
            _planes(colours[at], matrix, offset, full, share, y[at], sums)
        _narrow(sums[0], across, full, u[row])
        _narrow(sums[1], across, full, v[row])


@jit
def _planes(pixels, matrix, offset, full, share, luma, sums):
    """Fill a row of luma, and add a share of its chroma to `sums`."""
    top = np.float32(full)
    for x in range(pixels.shape[0]):
        r, g, b = np.float32(pixels[x, 0]), np.float32(pixels[x, 1]), np.float32(pixels[x, 2])
        level = matrix[0, 0] * r + matrix[0, 1] * g + matrix[0, 2] * b + offset[0] + HALF
        luma[x] = np.uint16(min(max(level, np.float32(0)), top))
        for c in range(2):
            chroma = matrix[c + 1, 0] * r + matrix[c + 1, 1] * g + matrix[c + 1, 2] * b
            sums[c, x] += share * (chroma + offset[c + 1])


@jit
def _narrow(wide, across, full, chroma):
    """Round a row of chroma; with `across`, only every second pixel of it."""
    top = np.float32(full)
    count = (wide.size + 1) // 2 if across else wide.size
    for x in range(count):
        level = wide[x]
        if across:
            left, right = wide[max(2 * x - 1, 0)], wide[min(2 * x + 1, wide.size - 1)]
            level = HALF * wide[2 * x] + QUARTER * (left + right)
        chroma[x] = np.uint16(min(max(level + HALF, np.float32(0)), top))
