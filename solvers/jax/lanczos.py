"""The largest eigenvalue of an operator on a device, which sets the step of a smoother."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from solvers.lanczos import STEADY


def largest_eigenvalue(
    apply: Callable[[jax.Array], jax.Array],
    shape: tuple[int, ...],
    *,
    weight: jax.Array | float = 1.0,
    iterations: int = 9,
) -> jax.Array:
    """Estimate λmax as `solvers.lanczos.largest_eigenvalue` does, on which see there."""

    def norm(x):
        return jnp.sqrt((weight * x * x).sum())

    def step(state, _):
        x, previous, off = state
        y = apply(x) - off * previous
        own = (weight * x * y).sum()
        y = y - own * x
        off = norm(y)
        steady = off < STEADY
        following = jnp.where(steady, 0, y / jnp.where(steady, 1, off))
        off = jnp.where(steady, 0, off)
        return (following, x, off), (own, off)

    x = _noise(shape)
    start = x / norm(x), jnp.zeros_like(x), jnp.zeros((), x.dtype)
    _, (diagonal, off) = lax.scan(step, start, length=iterations)
    matrix = jnp.diag(diagonal) + jnp.diag(off[:-1], 1) + jnp.diag(off[:-1], -1)
    values, vectors = jnp.linalg.eigh(matrix)
    return 1.02 * (values[-1] + off[-1] * abs(vectors[-1, -1]))


def _noise(shape: tuple[int, ...]) -> jax.Array:
    """Return numbers in [-1, 1]: a hash of their places, of which XLA makes a short program."""
    places = jnp.arange(math.prod(shape), dtype=jnp.uint32).reshape(shape)
    bits = (places + 1) * jnp.uint32(2654435761)
    bits = (bits ^ (bits >> 15)) * jnp.uint32(2246822519)
    bits = bits ^ (bits >> 13)
    return lax.bitcast_convert_type(bits, jnp.int32).astype(jnp.float32) / 2.0**31
