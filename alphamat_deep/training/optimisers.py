"""Rates, clipping and groups of parameters as the authors have them, where optax has others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array


def warm_up_and_cosine(peak: float, warm: int, steps: int) -> optax.Schedule:
    """Return GCA's rates: peak (s + 1) / warm, then a cosine to 0.

    `optax.warmup_cosine_decay_schedule` starts at 0, where GCA's first step has a rate already, and
    its cosine starts one step later.
    """
    rise = optax.linear_schedule(peak / warm, peak, warm - 1)
    fall = optax.cosine_decay_schedule(peak, steps - warm)
    return optax.join_schedules([rise, fall], [warm - 1])


class Norms(NamedTuple):
    average: Array
    """Of the norms so far; 0 before the first."""


def clip_by_average(
    factor: float = 2.0, decay: float = 0.999, first: float = 1e6
) -> optax.GradientTransformation:
    """Scale a gradient down whose norm is more than `factor` times the average norm before it.

    GCA's rule: the first norm, clipped at `first`, starts the average; norms enter it unclipped.
    """

    def init(parameters):
        return Norms(jnp.zeros(()))

    def update(gradient, state, parameters=None):
        norm, average = optax.tree.norm(gradient), state.average
        limit = jnp.where(average == 0, first, factor * average)
        scale = jnp.minimum(1, limit / (norm + 1e-6))  # PyTorch's 1e-6
        average = jnp.where(average == 0, norm, decay * average + (1 - decay) * norm)
        clipped = jax.tree.map(lambda g: (scale * g).astype(g.dtype), gradient)
        return clipped, Norms(average.astype(state.average.dtype))

    return optax.GradientTransformation(init, update)


def by_name(
    transformations: Mapping[str, optax.GradientTransformation],
) -> optax.GradientTransformation:
    """Transform each parameter by the first entry whose regular expression is in its name.

    Examples
    --------
    >>> slow, fast = optax.adam(1e-5), optax.adam(1e-4)
    >>> optimiser = by_name({r"^backbone\\.": slow, "": fast})
    """

    def label(path, _):
        name = ".".join(str(getattr(key, "key", key)) for key in path)
        return next(pattern for pattern in transformations if re.search(pattern, name))

    return optax.partition(
        transformations, lambda tree: jax.tree_util.tree_map_with_path(label, tree)
    )
