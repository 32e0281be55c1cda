"""Smooth noise, as sums over a few rows and columns of a grid.

They are written as products that are summed, not as products of matrices: for each of these XLA
tries many programs on a GPU, which takes seconds.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def smooth_field(key: Array, side: int, count: int) -> Float[Array, "P P"]:
    """Return noise with about `count` bumps across: mean 0, standard deviation about 1.

    It is a cubic spline through a grid of normal numbers.
    """
    grid = 2 * jax.random.normal(key, (count, count))
    return spread(grid, cubic_weights(side, count))


def spread(grid: Float[Array, "n n"], weights: np.ndarray) -> Float[Array, "P P"]:
    """Return W G Wᵀ: a grid brought to the size of a picture by weights (P, n)."""
    rows = (jnp.asarray(weights)[:, :, None] * grid).sum(1)
    return (rows[:, None, :] * weights).sum(-1)


def cubic_weights(side: int, count: int) -> np.ndarray:
    """Return the weights of uniform cubic B-splines, (side, count). Each row sums to 1."""
    places = (np.arange(side) + 0.5) / side * (count - 3) + 1
    away = np.abs(places[:, None] - np.arange(count))
    near, far = 2 / 3 - away**2 + away**3 / 2, (2 - away) ** 3 / 6
    return np.select([away < 1, away < 2], [near, far]).astype(np.float32)


def linear_weights(side: int, count: int) -> np.ndarray:
    """Return the weights of linear interpolation between cells, (side, count)."""
    places = np.clip((np.arange(side) + 0.5) * count / side - 0.5, 0, count - 1)
    return np.maximum(0, 1 - np.abs(places[:, None] - np.arange(count))).astype(np.float32)
