"""What a network takes of a batch: colours as it normalises them, trimaps as it encodes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
from jax import Array

from alphamat.rules import NEAR_WIDTHS, Preprocess, known_and_near, levels, one_hot, raw_levels

UNKNOWN = 128  # of 255: what the unknown is in files

ENCODED: dict[Callable, Callable[[Array], Array]] = {
    levels: lambda trimap: jnp.where(trimap == 0.5, UNKNOWN / 255, trimap),
    raw_levels: lambda trimap: jnp.where(trimap == 0.5, UNKNOWN, 255 * trimap),
    one_hot: lambda trimap: jnp.concatenate([trimap == x for x in (0, 0.5, 1)], -1).astype(
        trimap.dtype
    ),
    known_and_near: lambda trimap: known_and_near_of(trimap),
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


def known_and_near_of(trimap: Array) -> Array:
    """(B, H, W, 1) → (B, H, W, 8), as `known_and_near` makes it of a picture's trimap."""
    known = jnp.concatenate([trimap == 0, trimap == 1], axis=-1)
    near = jnp.exp(-nearest_square(known)[..., None] / (2 * jnp.square(jnp.asarray(NEAR_WIDTHS))))
    near = near.reshape(*known.shape[:3], -1)
    return jnp.concatenate([known, near], axis=-1).astype(trimap.dtype)


def nearest_square(known: Array) -> Array:
    """Return each pixel's squared distance to the nearest that is known, by feature."""
    square = jnp.where(known, 0, jnp.inf)
    for axis in (1, 2):
        at = jnp.arange(square.shape[axis])
        gaps = jnp.square(at[:, None] - at)  # of each pixel and each that may be the nearest
        spread = gaps.reshape(*[1] * (axis - 1), *gaps.shape, *[1] * (3 - axis))
        square = (jnp.expand_dims(square, axis) + spread).min(axis + 1)
    return square
