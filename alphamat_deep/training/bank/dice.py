"""The small random numbers of a sample."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import ndtri


class Dice:
    """Random numbers of one sample, all from one call. Each is used once.

    One call for each number would take most of the time that it takes to compile a program.
    """

    def __init__(self, key: Array, count: int = 24):
        self.left = iter(jax.random.uniform(key, (count,), minval=2.0**-24))

    def happens(self, probability: float) -> Array:
        return next(self.left) < probability

    def between(self, low: float, high: float) -> Array:
        return low + (high - low) * next(self.left)

    def log_between(self, low: float, high: float) -> Array:
        """Return a number whose logarithm is uniform."""
        return jnp.exp(self.between(np.log(low), np.log(high)))

    def below(self, count: Array | int) -> Array:
        """Return a whole number from 0 to count - 1."""
        return jnp.minimum((count * next(self.left)).astype(jnp.int32), count - 1)

    def normal(self, sigma: float) -> Array:
        return sigma * ndtri(next(self.left))

    def normals(self, sigma: float, count: int) -> Array:
        return jnp.stack([self.normal(sigma) for _ in range(count)])
