"""Compiled loops of random-walk matting. Raw arrays in and out; callers check and allocate."""

from __future__ import annotations

import numpy as np

from solvers.loops import jit
from solvers.runs import LENGTH, X, Y, own_column


@jit
def link(first, last, runs, steps, image, metric, beta, floor, planes):
    """Set minus the affinity of every edge that touches a run, at the earlier of its two pixels.

    Each row of `steps` is the (dy, dx) of an edge and its plane in a stencil matrix. An edge
    between two runs is set by both of them, to the same value.
    """
    own = own_column(runs)
    for k in range(first, last):
        n, y, x = runs[k, LENGTH], runs[k, Y], runs[k, X]
        for s in range(steps.shape[0]):
            dy, dx, plane = steps[s, 0], steps[s, 1], steps[s, 2]
            ahead, behind = runs[k, own], runs[k, own - dy] - dx
            link_run(image, y, x, dy, dx, metric, beta, floor, planes[plane, ahead : ahead + n])
            out = planes[plane, behind : behind + n]
            link_run(image, y - dy, x - dx, dy, dx, metric, beta, floor, out)


@jit
def link_run(image, y, x, dy, dx, metric, beta, floor, out):
    """Link pixels (y, x), (y, x + 1), … to those a step away, where both are in the image."""
    height, width = image.shape[:2]
    if y < 0 or y + dy >= height:
        return
    here, there = image[y], image[y + dy]
    for i in range(max(0, -x, -x - dx), min(out.size, width - x, width - x - dx)):
        r = here[x + i, 0] - there[x + i + dx, 0]
        g = here[x + i, 1] - there[x + i + dx, 1]
        b = here[x + i, 2] - there[x + i + dx, 2]
        squared = (
            metric[0, 0] * r * r
            + metric[1, 1] * g * g
            + metric[2, 2] * b * b
            + 2 * (metric[0, 1] * r * g + metric[0, 2] * r * b + metric[1, 2] * g * b)
        )
        out[i] = -max(np.exp(-beta * squared), floor)


@jit
def second_moments(first, last, steps, image, beta):
    """Return Σ w_ij (z_i z_iᵀ + z_j z_jᵀ) over the edges that start in rows first ≤ y < last.

    w_ij = exp(-β ‖z_i - z_j‖²). The upper triangle alone is summed.
    """
    height, width = image.shape[:2]
    total = np.zeros((3, 3))
    for s in range(steps.shape[0]):
        dy, dx = steps[s, 0], steps[s, 1]
        rr, rg, rb, gg, gb, bb = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for y in range(first, min(last, height - dy)):
            here, there = image[y], image[y + dy]
            for x in range(max(0, -dx), min(width, width - dx)):
                r, g, b = here[x, 0], here[x, 1], here[x, 2]
                p, q, t = there[x + dx, 0], there[x + dx, 1], there[x + dx, 2]
                w = np.exp(-beta * ((r - p) ** 2 + (g - q) ** 2 + (b - t) ** 2))
                rr += w * (r * r + p * p)
                rg += w * (r * g + p * q)
                rb += w * (r * b + p * t)
                gg += w * (g * g + q * q)
                gb += w * (g * b + q * t)
                bb += w * (b * b + t * t)
        total += np.array([[rr, rg, rb], [0.0, gg, gb], [0.0, 0.0, bb]])
    return total
