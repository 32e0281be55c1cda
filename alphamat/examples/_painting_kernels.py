"""Loops that draw strokes and noise."""

from __future__ import annotations

import math

from solvers.loops import jit


@jit
def draw(nodes, widths, colours, layer):
    """Draw polylines over a premultiplied (H, W, 4) layer, in their order.

    nodes : (n, m, 2), y and x in pixels. widths : (n, m), in pixels. colours : (n, m, 4), red,
    green, blue and opacity.

    Lines across the stroke, at its nodes, divide the plane. A pixel belongs to the segment between
    two of them, so that it meets each smooth stroke once.
    """
    height, width = layer.shape[:2]
    count, length = widths.shape
    for s in range(count):
        for k in range(length - 1):
            y0, x0 = nodes[s, k]
            y1, x1 = nodes[s, k + 1]
            dy, dx = y1 - y0, x1 - x0
            span = math.hypot(dy, dx)
            reach = 0.5 * max(widths[s, k], widths[s, k + 1]) + 0.71
            if not span > 0:
                continue
            before, after = max(k - 1, 0), min(k + 2, length - 1)
            ay, ax = y1 - nodes[s, before, 0], x1 - nodes[s, before, 1]
            by, bx = nodes[s, after, 0] - y0, nodes[s, after, 1] - x0
            top = max(math.ceil(min(y0, y1) - reach), 0)
            bottom = min(math.floor(max(y0, y1) + reach), height - 1)
            left = max(math.ceil(min(x0, x1) - reach), 0)
            right = min(math.floor(max(x0, x1) + reach), width - 1)
            for y in range(top, bottom + 1):
                for x in range(left, right + 1):
                    py, px = y - y0, x - x0
                    if py * ay + px * ax < 0 or (y - y1) * by + (x - x1) * bx >= 0:
                        continue
                    distance = abs(py * dx - px * dy) / span
                    t = min(max((py * dy + px * dx) / (span * span), 0.0), 1.0)
                    wide = (1 - t) * widths[s, k] + t * widths[s, k + 1]
                    cover = _below(0.5 * wide - distance, dy / span, dx / span)
                    cover -= _below(-0.5 * wide - distance, dy / span, dx / span)
                    if cover <= 0:
                        continue
                    cover *= (1 - t) * colours[s, k, 3] + t * colours[s, k + 1, 3]
                    for c in range(3):
                        colour = (1 - t) * colours[s, k, c] + t * colours[s, k + 1, c]
                        layer[y, x, c] += cover * (colour - layer[y, x, c])
                    layer[y, x, 3] += cover * (1 - layer[y, x, 3])


@jit
def _below(height, c, s):
    """Return the area of a unit square that lies below a line, whose direction is (c, s).

    `height` is the distance from the square's centre up to the line.
    """
    a, b = max(abs(c), abs(s)), min(abs(c), abs(s))
    corner = 0.5 * (a + b) - abs(height)
    if corner <= 0:
        beyond = 0.0
    elif corner >= b:
        beyond = 0.5 - abs(height) / a
    else:
        beyond = corner * corner / (2 * a * b)
    return 1 - beyond if height > 0 else beyond


@jit
def add_bumps(first, last, lattice, y, x, scale, total):
    """Add `scale` times the cubic B-spline with these coefficients, repeated for ever.

    lattice : (n, n), where n is a power of 2. y, x, total : (m,); points `first` to `last` are
    computed.
    """
    wrap = lattice.shape[0] - 1
    for i in range(first, last):
        row, column = math.floor(y[i]), math.floor(x[i])
        v, u = y[i] - row, x[i] - column
        u0, u1, u2, u3 = (1 - u) ** 3, 4 + u * u * (3 * u - 6), 1 + 3 * u * (1 + u - u * u), u**3
        v0, v1, v2, v3 = (1 - v) ** 3, 4 + v * v * (3 * v - 6), 1 + 3 * v * (1 + v - v * v), v**3
        c0, c1 = (column - 1) & wrap, column & wrap
        c2, c3 = (column + 1) & wrap, (column + 2) & wrap
        height = 0.0
        for k, weight in enumerate((v0, v1, v2, v3)):
            line = lattice[(row - 1 + k) & wrap]
            height += weight * (u0 * line[c0] + u1 * line[c1] + u2 * line[c2] + u3 * line[c3])
        total[i] += scale / 36 * height
