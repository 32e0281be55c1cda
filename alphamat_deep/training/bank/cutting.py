"""Crops of painted layers: turned, scaled, stretched and mirrored, without aliasing."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, UInt32

from alphamat_deep.training.bank.dice import Dice


class Place(NamedTuple):
    """Where a crop is cut."""

    layer: Array
    """Its number in the bank."""
    centre: Float[Array, 2]
    """Row and column of the layer in the middle of the crop."""
    matrix: Float[Array, "2 2"]
    """From places in the crop to places in the layer."""


def random_front(key: Array, points: Float[Array, "N K 2"], held: Array, side: int) -> Place:
    """Return a place around a pixel of fractional alpha, at most 0.35 of a side from it.

    Scales are exp(N(-0.15, 0.32)) within 0.41 … 2.01.
    """
    dice = Dice(key)
    layer = dice.below(held)
    point = points[layer, dice.below(points.shape[1])]
    away = jnp.stack([dice.between(-0.35, 0.35), dice.between(-0.35, 0.35)])
    return Place(layer, point + side * away, random_matrix(dice, 0.32))


def random_back(key: Array, extent: int, held: Array) -> Place:
    """Return a place anywhere in a layer of extent × extent pixels.

    Scales are exp(N(-0.15, 0.4)) within 0.41 … 2.01.
    """
    dice = Dice(key)
    centre = jnp.stack([dice.between(0, extent), dice.between(0, extent)])
    return Place(dice.below(held), centre, random_matrix(dice, 0.4))


def random_matrix(dice: Dice, spread: float) -> Float[Array, "2 2"]:
    """Return a scale, stretch, turn and mirroring.

    A third of the turns (0.35) are small, N(0, 0.1), and the others are any. A half is mirrored.
    Sides are stretched by exp(N(0, 0.12)) against each other.
    """
    scale = jnp.exp(jnp.clip(dice.normal(spread) - 0.15, -0.9, 0.7))
    small, turn = dice.normal(0.1), dice.between(0, 2 * np.pi)
    angle = jnp.where(dice.happens(0.35), small, turn)
    mirror = jnp.where(dice.happens(0.5), -1.0, 1.0)
    stretch = jnp.exp(dice.normal(0.12))
    c, s = scale * jnp.cos(angle), scale * jnp.sin(angle)
    first, second = jnp.stack([c, s]) * stretch, jnp.stack([-s, c]) * mirror / stretch
    return jnp.stack([first, second], axis=1)


def cut(layers: UInt32[Array, "N S S"], place: Place, side: int) -> Float[Array, "P P 4"]:
    """Return a crop, in [0, 1], of a layer that is mirrored at its borders.

    Each pixel is the mean of 2 × 2 places between four pixels each. A layer's four channels are the
    four bytes of its numbers.
    """
    extent = layers.shape[1]
    fine = (jnp.arange(2 * side) - (2 * side - 1) / 2) / 2
    places = (
        place.centre[:, None, None]
        + place.matrix[:, 0, None, None] * fine[:, None]
        + place.matrix[:, 1, None, None] * fine
    )
    first = jnp.floor(places)
    (down, right), (top, left) = (places - first)[..., None], first.astype(jnp.int32)

    def mirrored(at):
        at = at % (2 * extent)
        return jnp.minimum(at, 2 * extent - 1 - at)

    def taken(rows, columns):
        found = layers.at[place.layer, mirrored(rows), mirrored(columns)].get(
            mode="promise_in_bounds"
        )
        # Without the barrier each of the four channels would fetch the pixel again.
        return channels(lax.optimization_barrier(found))

    upper = taken(top, left) * (1 - right) + taken(top, left + 1) * right
    lower = taken(top + 1, left) * (1 - right) + taken(top + 1, left + 1) * right
    found = upper * (1 - down) + lower * down
    return found.reshape(side, 2, side, 2, 4).mean((1, 3)) / 255


def channels(packed: UInt32[Array, "*B"]) -> Float[Array, "*B 4"]:
    """Return the four bytes of each number, the lowest first, as floating point."""
    bytes_ = (packed[..., None] >> jnp.array([0, 8, 16, 24], jnp.uint32)) & 255
    return bytes_.astype(jnp.float32)
