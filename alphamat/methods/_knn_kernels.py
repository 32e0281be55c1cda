"""Compiled loops of KNN matting. Raw arrays in and out; results last; the caller allocates."""

from __future__ import annotations

from solvers.loops import jit


@jit
def closeness(first, last, points, centres, members, scale, weights):
    """weights ← 1 - ‖X(i) - X(j)‖₁ / scale, for the members j of each centre i."""
    for m in range(first, last):
        here = points[centres[m]]
        for k in range(members.shape[1]):
            there = points[members[m, k]]
            distance = 0.0
            for c in range(here.size):
                distance += abs(there[c] - here[c])
            weights[m, k] = max(0.0, 1.0 - distance / scale)
