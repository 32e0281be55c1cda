"""Compiled loops of `closed_form.py`. Raw arrays in and out; results last; the caller checks.

Loops run over image rows first ≤ y < last, which threads share. Those that apply the matrix keep
three rows, row y at [y % 3]: `rows` holds F, B, cos θ and sin θ with a spare place at either end,
`weights` those of the edges to the left (and right), up and down, and their sum. `starts` and
`columns` tell where the mixed pixels are, as in `TwoLayers`.
"""

from __future__ import annotations

import numpy as np

from solvers.loops import jit


@jit
def hold(first, last, alpha, image, F, B):
    """Set a layer to the image where the other layer is not seen."""
    for y in range(first, last):
        for x in range(alpha.shape[1]):
            if alpha[y, x] == 1:
                F[y, x] = image[y, x]
            elif alpha[y, x] == 0:
                B[y, x] = image[y, x]


@jit
def apply(first, last, regularization, alpha, starts, columns, vector, out):
    """out ← A vector."""
    height, width = alpha.shape
    rows, weights, rough = scratch(width, out)
    for y in range(first - 1, last + 1):
        if 0 <= y < height:
            hidden, seen, mixed = parts(y, starts, columns, vector, width * height)
            prepare(y, regularization, alpha, rows, weights)
            split(mixed, hidden, seen, rows[y % 3])
        if first < y:
            hidden, seen, mixed = parts(y - 1, starts, columns, out, width * height)
            given = parts(y - 1, starts, columns, vector, width * height)[1]
            roughen(y - 1, rows, weights, rough)
            project(alpha[y - 1], mixed, rows[(y - 1) % 3], rough, given, hidden, seen)


@jit
def residual(first, last, regularization, alpha, starts, columns, image, channel, F, B, r):
    """r ← b - A x, where x are one channel's layers."""
    height, width = alpha.shape
    rows, weights, rough = scratch(width, r)
    excess = np.empty(width)
    for y in range(first - 1, last + 1):
        if 0 <= y < height:
            prepare(y, regularization, alpha, rows, weights)
            for x in range(width):
                rows[y % 3, 0, 1 + x] = F[y, x, channel]
                rows[y % 3, 1, 1 + x] = B[y, x, channel]
        if first < y:
            hidden, seen, mixed = parts(y - 1, starts, columns, r, width * height)
            for k in range(mixed.size):
                x = mixed[k]
                a, b = alpha[y - 1, x], 1 - alpha[y - 1, x]
                excess[k] = a * F[y - 1, x, channel] + b * B[y - 1, x, channel]
                excess[k] = (excess[k] - image[y - 1, x, channel]) / np.sqrt(a * a + b * b)
            roughen(y - 1, rows, weights, rough)
            project(alpha[y - 1], mixed, rows[(y - 1) % 3], rough, excess, hidden, seen)
            hidden *= -1
            seen *= -1


@jit
def add(first, last, alpha, starts, columns, vector, channel, F, B):
    """Add a vector to one channel's layers, and clip them to [0, 1]."""
    height, width = alpha.shape
    rows = np.zeros((4, width + 2))
    for y in range(first, last):
        hidden, seen, mixed = parts(y, starts, columns, vector, width * height)
        turn(alpha[y], rows)
        split(mixed, hidden, seen, rows)
        for x in range(width):
            F[y, x, channel] = min(max(F[y, x, channel] + rows[0, 1 + x], 0.0), 1.0)
            B[y, x, channel] = min(max(B[y, x, channel] + rows[1, 1 + x], 0.0), 1.0)


@jit
def diagonal(first, last, regularization, alpha, starts, columns, out):
    """out ← the diagonal of A."""
    height, width = alpha.shape
    weights = np.empty((4, width + 1))
    for y in range(first, last):
        hidden, seen, mixed = parts(y, starts, columns, out, width * height)
        weigh(y, regularization, alpha, weights)
        hidden[:] = weights[3, :width]
        for k in range(mixed.size):
            a, b = alpha[y, mixed[k]], 1 - alpha[y, mixed[k]]
            seen[k] = a * a + b * b + weights[3, mixed[k]]


@jit
def hidden_planes(first, last, regularization, alpha, planes):
    """Fill `planes` with the part of A that couples hidden colours to each other."""
    height, width = alpha.shape
    here, below = np.zeros((2, 4, width + 2))
    weights = np.empty((4, width + 1))
    for y in range(first, last):
        turn(alpha[y], here)
        turn(alpha[min(y + 1, height - 1)], below)
        weigh(y, regularization, alpha, weights)
        C, E, S = planes[0, 2 + y], planes[1, 2 + y], planes[3, 2 + y]
        c, s, c_below, s_below = here[2], here[3], below[2], below[3]
        for x in range(width):
            C[2 + x] = weights[3, x]
            E[2 + x] = -weights[0, x + 1] * (c[1 + x] * c[2 + x] + s[1 + x] * s[2 + x])
            S[2 + x] = -weights[2, x] * (c[1 + x] * c_below[1 + x] + s[1 + x] * s_below[1 + x])


@jit
def smooth_before(first, last, regularization, step, alpha, starts, columns, r, q):
    """q ← the hidden part of r - A x, where x is a Jacobi step from zero."""
    height, width = alpha.shape
    rows, weights, rough = scratch(width, q)
    hidden, seen = np.empty((2, width), q.dtype)
    for y in range(first - 1, last + 1):
        if 0 <= y < height:
            r_hidden, r_seen, mixed = parts(y, starts, columns, r, width * height)
            prepare(y, regularization, alpha, rows, weights)
            jacobi(step, alpha[y], mixed, weights[y % 3, 3], r_hidden, r_seen, hidden, seen)
            split(mixed, hidden, seen, rows[y % 3])
        if first < y:
            r_hidden = parts(y - 1, starts, columns, r, width * height)[0]
            roughen(y - 1, rows, weights, rough)
            c, s, out = rows[(y - 1) % 3, 2, 1:-1], rows[(y - 1) % 3, 3, 1:-1], q[1 + y, 2:-2]
            rough_F, rough_B = rough[0], rough[1]
            for x in range(width):
                out[x] = r_hidden[x] - c[x] * rough_F[x] + s[x] * rough_B[x]


@jit
def smooth_after(first, last, regularization, step, alpha, starts, columns, r, e, z):
    """z ← x and a Jacobi step from it, where x is that of `smooth_before`, corrected by e."""
    height, width = alpha.shape
    rows, weights, rough = scratch(width, e)
    hidden, seen, q_hidden, q_seen = np.empty((4, width), e.dtype)
    for y in range(first - 1, last + 1):
        if 0 <= y < height:
            r_hidden, r_seen, mixed = parts(y, starts, columns, r, width * height)
            prepare(y, regularization, alpha, rows, weights)
            jacobi(step, alpha[y], mixed, weights[y % 3, 3], r_hidden, r_seen, hidden, seen)
            correct(e[2 + y], hidden)
            split(mixed, hidden, seen, rows[y % 3])
        if first < y:
            total = weights[(y - 1) % 3, 3]
            r_hidden, r_seen, mixed = parts(y - 1, starts, columns, r, width * height)
            z_hidden, z_seen, _ = parts(y - 1, starts, columns, z, width * height)
            jacobi(step, alpha[y - 1], mixed, total, r_hidden, r_seen, z_hidden, z_seen)
            correct(e[1 + y], z_hidden)
            roughen(y - 1, rows, weights, rough)
            project(alpha[y - 1], mixed, rows[(y - 1) % 3], rough, z_seen, q_hidden, q_seen)
            for x in range(width):
                q_hidden[x] = r_hidden[x] - q_hidden[x]
            for k in range(mixed.size):
                q_seen[k] = r_seen[k] - q_seen[k]
            jacobi(step, alpha[y - 1], mixed, total, q_hidden, q_seen, hidden, seen)
            for x in range(width):
                z_hidden[x] += hidden[x]
            for k in range(mixed.size):
                z_seen[k] += seen[k]


# ---- pieces of these loops, each for one row


@jit
def scratch(width, like):
    """Return rows and weights to carry along, and room for the layers' roughness."""
    return (
        np.zeros((3, 4, width + 2), like.dtype),
        np.zeros((3, 4, width + 1), like.dtype),
        np.empty((2, width), like.dtype),
    )


@jit
def parts(y, starts, columns, vector, pixels):
    """Return a row's hidden part of a vector, its seen part, and the columns of the latter."""
    width = pixels // (starts.size - 1)
    first, last = starts[y], starts[y + 1]
    hidden = vector[y * width : (y + 1) * width]
    return hidden, vector[pixels + first : pixels + last], columns[first:last]


@jit
def prepare(y, regularization, alpha, rows, weights):
    turn(alpha[y], rows[y % 3])
    weigh(y, regularization, alpha, weights[y % 3])


@jit
def turn(opacity, rows):
    """Fill in cos θ and sin θ: (1-α, α) over its length."""
    c, s = rows[2, 1:-1], rows[3, 1:-1]
    for x in range(opacity.size):
        a, b = opacity[x], 1 - opacity[x]
        scale = 1 / np.sqrt(a * a + b * b)
        c[x] = b * scale
        s[x] = a * scale


@jit
def weigh(y, regularization, alpha, weights):
    """Fill in the weights of a row's edges: |α_i - α_j| + ε, and zero beyond the border."""
    height, width = alpha.shape
    here, left, right = alpha[y], weights[0], weights[0, 1:]
    up, down, total = weights[1], weights[2], weights[3]
    left[0] = left[width] = 0
    weigh_row(regularization, here[1:], here[:-1], right)
    if y > 0:
        weigh_row(regularization, here, alpha[y - 1], up)
    else:
        up[:] = 0
    if y < height - 1:
        weigh_row(regularization, here, alpha[y + 1], down)
    else:
        down[:] = 0
    for x in range(width):
        total[x] = left[x] + right[x] + up[x] + down[x]


@jit
def weigh_row(regularization, here, there, weights):
    for x in range(here.size):
        weights[x] = regularization + abs(here[x] - there[x])


@jit
def split(mixed, hidden, seen, rows):
    """Turn hidden and seen colours into those of the layers."""
    F, B, c, s = rows[0, 1:-1], rows[1, 1:-1], rows[2, 1:-1], rows[3, 1:-1]
    for x in range(hidden.size):
        F[x] = c[x] * hidden[x]
        B[x] = -s[x] * hidden[x]
    for k in range(mixed.size):
        x = mixed[k]
        F[x] += s[x] * seen[k]
        B[x] += c[x] * seen[k]


@jit
def roughen(y, rows, weights, rough):
    """Apply the smoothness term to both layers, whose next row is known."""
    left, up, down = weights[y % 3, 0], weights[y % 3, 1], weights[y % 3, 2]
    right = left[1:]
    for layer in range(2):
        above, here, below = rows[(y - 1) % 3, layer], rows[y % 3, layer], rows[(y + 1) % 3, layer]
        west, here, east, above, below = here[:-2], here[1:-1], here[2:], above[1:-1], below[1:-1]
        out = rough[layer]
        for x in range(out.size):
            out[x] = left[x] * (here[x] - west[x]) + right[x] * (here[x] - east[x])
        for x in range(out.size):
            out[x] += up[x] * (here[x] - above[x]) + down[x] * (here[x] - below[x])


@jit
def project(opacity, mixed, rows, rough, given, hidden, seen):
    """Turn the layers' roughness back, and add the data term to the seen part `given`."""
    c, s, rough_F, rough_B = rows[2, 1:-1], rows[3, 1:-1], rough[0], rough[1]
    for x in range(hidden.size):
        hidden[x] = c[x] * rough_F[x] - s[x] * rough_B[x]
    for k in range(mixed.size):
        x = mixed[k]
        a, b = opacity[x], 1 - opacity[x]
        seen[k] = (a * a + b * b) * given[k] + s[x] * rough_F[x] + c[x] * rough_B[x]


@jit
def jacobi(step, opacity, mixed, total, r_hidden, r_seen, hidden, seen):
    """Divide a residual by the diagonal of A, and shorten it."""
    for x in range(hidden.size):
        hidden[x] = step * r_hidden[x]
    for x in range(hidden.size):
        hidden[x] /= total[x]
    for k in range(mixed.size):
        a, b = opacity[mixed[k]], 1 - opacity[mixed[k]]
        seen[k] = step * r_seen[k] / (a * a + b * b + total[mixed[k]])


@jit
def correct(e, hidden):
    e = e[2:-2]
    for x in range(hidden.size):
        hidden[x] += e[x]
