"""What a network takes of a batch: colours as it normalises them, trimaps as it encodes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
from jax import Array

from alphamat.rules import Preprocess, levels, one_hot, raw_levels

UNKNOWN = 128  # of 255: what the unknown is in files

ENCODED: dict[Callable, Callable[[Array], Array]] = {
    levels: lambda trimap: jnp.where(trimap == 0.5, UNKNOWN / 255, trimap),
    raw_levels: lambda trimap: jnp.where(trimap == 0.5, UNKNOWN, 255 * trimap),
    one_hot: lambda trimap: jnp.concatenate([trimap == x for x in (0, 0.5, 1)], -1).astype(
        trimap.dtype
    ),
}


def inputs_of(rules: Preprocess, batch: Mapping[str, Array]) -> list[Array]:
    """Return the normalised image, the plate and the encoded trimap of those that are taken."""
    inputs = [normalised(rules, batch["image"])]
    if rules.plate:
        inputs.append(normalised(rules, batch["plate"]))
    if rules.encode is not None:
        inputs.append(ENCODED[rules.encode](batch["trimap"]))
    return inputs


def normalised(rules: Preprocess, colours: Array) -> Array:
    """Return colours in [0, 1] as the network sees them."""
    return (colours - jnp.asarray(rules.mean, colours.dtype)) / jnp.asarray(
        rules.std, colours.dtype
    )
