"""Rates, clipping and groups of parameters as the authors have them, where optax has others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float


def warm_up_and_cosine(peak: float, warm: int, steps: int) -> optax.Schedule:
    """Return GCA's rates: peak (s + 1) / warm, then a cosine to 0.

    `optax.warmup_cosine_decay_schedule` starts at 0, where GCA's first step has a rate already, and
    its cosine starts one step later.
    """
    rise = optax.linear_schedule(peak / warm, peak, warm - 1)
    fall = optax.cosine_decay_schedule(peak, steps - warm)
    return optax.join_schedules([rise, fall], [warm - 1])


def warm_up_and_cosine_to_a_hundredth(peak: float, warm: int, steps: int | Array) -> optax.Schedule:
    """Return rates that rise over `warm` steps, at most an eighth of all, while a cosine falls.

    The number of all steps may be an array, so that it need not be known when this is compiled.
    """

    def rate(step):
        rise = jnp.minimum(1, (step + 1) / jnp.clip(steps / 8, 1, warm))
        fall = 0.01 + 0.99 * (1 + jnp.cos(jnp.pi * jnp.minimum(1, step / steps))) / 2
        return peak * rise * fall

    return rate


def muon(
    rates: optax.ScalarOrSchedule, *, momentum: float = 0.95, decay: float = 0.01
) -> optax.GradientTransformation:
    """Move kernels along the nearest orthogonal matrix of Nesterov's momentum.

    Jordan et al., "Muon", 2024, for matrices r × c of all inputs by outputs of a kernel. Steps are
    0.2 √max(r, c) long, so that a weight moves as far as with Adam (Liu et al., "Muon is scalable
    for LLM training", 2025). All parameters have to be kernels: see `by_name`.

    `optax.contrib.muon` corrects the bias of the gradient and of its momentum apart, as Nesterov's
    Adam does, so that its first steps go elsewhere; and it compiles a program for each kernel,
    which takes long. Here one serves all kernels of a shape.
    """
    return optax.chain(
        optax.trace(momentum, nesterov=True),
        optax.stateless(lambda gradient, _: orthogonalised(gradient)),
        optax.add_decayed_weights(decay),
        optax.scale_by_learning_rate(rates),
    )


def orthogonalised(kernels: Any, *, scale: float = 0.2) -> Any:
    """Return kernels (…, inputs, outputs) as orthogonal matrices, times 0.2 √max(r, c)."""
    leaves, tree = jax.tree.flatten(kernels)
    places: dict[tuple[int, ...], list[int]] = {}
    for at, kernel in enumerate(leaves):
        places.setdefault(kernel.shape, []).append(at)
    for shape, same in places.items():
        matrices = jnp.stack([leaves[at].reshape(-1, shape[-1]) for at in same])
        found = scale * max(matrices.shape[1:]) ** 0.5 * nearest_orthogonal(matrices)
        for at, matrix in zip(same, found, strict=True):
            leaves[at] = matrix.reshape(shape)
    return tree.unflatten(leaves)


def nearest_orthogonal(matrices: Float[Array, "n r c"], steps: int = 5) -> Float[Array, "n r c"]:
    """Return U S Vᵀ of each matrix U Σ Vᵀ, the numbers of S within 0.7 … 1.2, mostly.

    It is Newton's and Schulz's iteration, x ← a x + b x xᵀx + c x (xᵀx)², with Jordan's constants.
    """
    if matrices.shape[1] < matrices.shape[2]:
        return nearest_orthogonal(matrices.mT, steps).mT
    a, b, c = 3.4445, -4.7750, 2.0315

    def improved(_, x):
        gram = x.mT @ x
        return a * x + x @ (b * gram + c * gram @ gram)

    norms = jnp.sqrt((matrices**2).sum((1, 2), keepdims=True))
    return lax.fori_loop(0, steps, improved, matrices / (norms + 1e-7))


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
        return next(pattern for pattern in transformations if re.search(pattern, _name(path)))

    return optax.partition(
        transformations, lambda tree: jax.tree_util.tree_map_with_path(label, tree)
    )


def by_depth(layers: Sequence[str], factor: float) -> optax.GradientTransformation:
    """Shorten updates from layer to layer, the first one's most.

    Parameters
    ----------
    layers : sequence of str
        Regular expressions of names, of which layer `i` of `n` has factorⁿ⁻ⁱ. Parameters with none
        of them in their name have 1.
    factor : float

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> shorten = by_depth([r"^first\\.", r"^second\\."], 0.5)
    >>> updates = {"first": {"a": jnp.ones(1)}, "second": {"a": jnp.ones(1)}, "last": jnp.ones(1)}
    >>> [float(x[0]) for x in jax.tree.leaves(shorten.update(updates, shorten.init(updates))[0])]
    [0.25, 1.0, 0.5]
    """

    def shortened(path, update):
        found = (at for at, layer in enumerate(layers) if re.search(layer, _name(path)))
        return update * factor ** (len(layers) - next(found, len(layers)))

    return optax.stateless(lambda updates, _: jax.tree_util.tree_map_with_path(shortened, updates))


def adamw(
    rates: optax.ScalarOrSchedule, *, decay: float, undecayed: str
) -> optax.GradientTransformation:
    """Return AdamW that does not decay parameters with a regular expression in their name."""

    def decayed(path, _):
        return re.search(undecayed, _name(path)) is None

    return optax.adamw(
        rates,
        weight_decay=decay,
        mask=lambda tree: jax.tree_util.tree_map_with_path(decayed, tree),
    )


def _name(path: Sequence[Any]) -> str:
    return ".".join(str(getattr(key, "key", key)) for key in path)
