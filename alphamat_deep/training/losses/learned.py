"""The library's own network.

All terms look at the unknown region only, and each crop is divided by its own number of unknown
pixels, so that small regions count: a crop has the weight 1 / √unknown in a batch.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from alphamat_deep.models.learned import LearnedOutput
from alphamat_deep.training.losses.arithmetic import absolute, add_up
from alphamat_deep.training.losses.filters import filter_separably, halve
from alphamat_deep.training.losses.terms import Scalar

Alpha = Float[Array, "B H W 1"]
Colours = Float[Array, "B H W 3"]
EachCrop = Float[Array, " B"]

LEVELS = 4
FEWEST = 100  # unknown pixels of a crop that counts
BINOMIAL = 0.25, 0.5, 0.25


def supervised(
    outputs: LearnedOutput,
    alpha: Alpha,
    *,
    trimap: Alpha,
    foreground: Colours,
    background: Colours,
) -> dict[str, Scalar]:
    """Sum L1, L2, half of a Laplacian pyramid, and 0.3 of what composites differ by.

    Alphas beyond 0 and 1 count a tenth of what they are beyond, so that the network learns to stop
    there, and is not pushed back hard. H and W are multiples of 8.

    Returns "l1", "l2", "laplacian", "composition" and "total".
    """
    unknown = (trimap == 0.5).astype(alpha.dtype)
    raw = outputs.raw.astype(alpha.dtype)
    inside = jnp.clip(raw, 0, 1)
    difference = (inside + 0.1 * (raw - inside) - alpha) * unknown
    contrast = jnp.sqrt(((foreground - background) ** 2).sum(-1, keepdims=True) + 1e-6)
    size = absolute(difference)
    terms = {
        "l1": sums(size),
        "l2": sums(difference**2),
        "laplacian": laplacian(difference),
        "composition": sums(size * contrast),
    }
    count = sums(unknown)
    weights = jnp.where(count > FEWEST, 1 / jnp.sqrt(jnp.maximum(count, 1)), 0)
    weights /= (weights.sum() + 1e-6) * jnp.maximum(count, FEWEST)
    found = {name: (weights * term).sum() for name, term in terms.items()}
    whole = found["l1"] + found["l2"] + 0.5 * found["laplacian"] + 0.3 * found["composition"]
    return found | {"total": whole}


def laplacian(difference: Alpha) -> EachCrop:
    """Return Σ 2^ℓ Σ |band ℓ| of each crop: what a binomial filter takes away, at four sizes."""
    terms = []
    for level in range(LEVELS):
        low = filter_separably(difference, BINOMIAL, BINOMIAL, border="edge")
        terms.append(2.0**level * sums(absolute(difference - low)))
        difference = halve(low)
    return add_up(terms)


def sums(x: Alpha) -> EachCrop:
    return x.sum((1, 2, 3))
