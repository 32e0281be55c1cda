"""Two operations that JAX and Python have with other rules."""

from collections.abc import Iterable
from functools import reduce
from operator import add

import jax.numpy as jnp
from jaxtyping import Array


def absolute(x: Array) -> Array:
    """Return |x| with the gradient 0 at 0, as PyTorch and Paddle have it; JAX has 1.

    It matters: alphas that are clipped to 0 or 1 often equal the truth.
    """
    return x * jnp.sign(x)


def add_up(terms: Iterable[Array]) -> Array:
    """Add arrays, at least one. Unlike Python's `sum` this does not begin with the integer 0."""
    return reduce(add, terms)
