"""Parameters to start training from, and their number."""

from __future__ import annotations

from functools import partial
from math import prod, sqrt

import jax
from flax import nnx
from jaxtyping import Array


class SpectralVector(nnx.Variable):
    """A singular vector. Power iteration updates it; gradients do not."""


def he_normal(key: Array, shape: tuple[int, ...]) -> Array:
    """Draw a kernel (h, w, in, out) that keeps the variance of rectified features.

    He, Zhang, Ren & Sun, "Delving Deep into Rectifiers", ICCV 2015.
    """
    return draw_normal(key, shape, sqrt(2 / prod(shape[:-1])))


def draw_normal(key: Array, shape: tuple[int, ...], scale: float = 1.0) -> Array:
    # Compiling a draw takes much longer than drawing: so few sizes are drawn, and then cut.
    drawn = jax.random.normal(key, 2 ** max(16, (prod(shape) - 1).bit_length()))
    return _take_first(scale * drawn, shape)


@partial(jax.jit, static_argnums=1)
def _take_first(x: Array, shape: tuple[int, ...]) -> Array:
    return x[: prod(shape)].reshape(shape)


def count_parameters(model: nnx.Module) -> int:
    """Count parameters as authors do: with singular vectors, without statistics of norms."""
    state = nnx.state(model, nnx.Any(nnx.Param, SpectralVector))
    return sum(prod(leaf.shape) for leaf in jax.tree.leaves(state))
