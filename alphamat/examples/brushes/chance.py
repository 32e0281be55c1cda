"""Numbers and places by chance."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.painting import Canvas


def chance(rng: np.random.Generator, share: float) -> bool:
    """Return True as often as `share` says."""
    return bool(rng.uniform() < share)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number from `low` to `high`: one order of magnitude is as likely as another."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def choose(rng: np.random.Generator, shares: dict):
    """Return one of the keys, as often as its share says."""
    weights = np.array([*shares.values()], dtype=float)
    return [*shares][rng.choice(len(shares), p=weights / weights.sum())]


def places(canvas: Canvas, rng: np.random.Generator, count: int, margin: float = 0) -> np.ndarray:
    """Return points of the picture, (count, 2).

    `margin` is the share of the picture's sides that stays free at each end; below zero, points may
    lie beyond the picture.
    """
    first = np.array([canvas.y[0, 0], canvas.x[0, 0]])
    last = np.array([canvas.y[-1, 0], canvas.x[0, -1]])
    return first + (last - first) * rng.uniform(margin, 1 - margin, (count, 2))


def letters(rng: np.random.Generator, most: int) -> str:
    """Return a word that nobody knows."""
    return "".join(map(chr, rng.integers(48, 122, int(rng.integers(1, most + 1)))))
