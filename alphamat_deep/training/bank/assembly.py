"""The batches of a bank: some programs, one after the other, each of which compiles in seconds.

Crop i of a run is a function of the bank, of a key and of i, and of nothing else.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, UInt32

from alphamat_deep.training.bank.camera import (
    in_8_bits,
    random_composite,
    random_gamma,
    random_jpeg,
    random_noise,
    random_sharpness,
)
from alphamat_deep.training.bank.colours import random_recolour
from alphamat_deep.training.bank.cutting import Place, cut, random_back, random_front
from alphamat_deep.training.bank.layering import (
    Colours,
    Front,
    random_focus,
    random_likeness,
    random_opacity,
    random_pair,
    random_texture,
)
from alphamat_deep.training.bank.trimaps import random_trimap


class Layers(NamedTuple):
    """Painted layers on the device. Bytes are red, green, blue and alpha, from the lowest."""

    foregrounds: UInt32[Array, "N S S"]
    points: Float[Array, "N K 2"]
    """Some pixels of each foreground whose alpha is fractional."""
    backgrounds: UInt32[Array, "N S S"]


def crops(
    layers: Layers,
    held: Array | int,
    key: Array,
    numbers: Int[Array | np.ndarray, " B"],
    *,
    side: int,
) -> dict[str, Array]:
    """Make crops of the layers.

    Parameters
    ----------
    layers : Layers
    held : int
        How many of them there are yet.
    key : key of JAX
    numbers : (B,) array
        Which crops to make.
    side : int
        Of a crop, in pixels; a multiple of 16.

    Returns
    -------
    dict of "image", "alpha", "trimap", "foreground" and "background", as a batch of samples. The
    image has been changed after it was composed: α F + (1 - α) B is near it, not equal.
    """
    keys = _keys(key, numbers)
    fronts, backs = _places(layers, held, keys.places, side=side)
    front, behind = _cut(layers.foregrounds, fronts, keys.fronts, side=side)
    background, texture = _cut(layers.backgrounds, backs, keys.backs, side=side)
    front, background = _assemble(keys.assembly, front, behind, background, texture)
    alpha = front[..., 3:]
    return {
        "image": _photograph(keys.camera, front, background),
        "alpha": alpha,
        "trimap": _trimaps(keys.trimap, alpha),
        "foreground": front[..., :3],
        "background": background[..., :3],
    }


class Keys(NamedTuple):
    """Of each crop, one for each step; two where two layers are cut."""

    places: Array
    fronts: Array
    backs: Array
    assembly: Array
    camera: Array
    trimap: Array


@jax.jit
def _keys(key: Array, numbers: Int[Array, " B"]) -> Keys:
    def split(number):
        return jax.random.split(jax.random.fold_in(key, number), 9)

    a, b, c, d, e, f, *rest = jax.vmap(split, out_axes=1)(numbers)
    return Keys(jnp.stack([a, b]), jnp.stack([c, d]), jnp.stack([e, f]), *rest)


@partial(jax.jit, static_argnames="side")
def _places(layers: Layers, held: Array, keys: Array, *, side: int) -> tuple[Place, Place]:
    """Return two places of foregrounds and two of backgrounds for each crop."""
    extent = layers.backgrounds.shape[1]
    both = jax.vmap(jax.vmap(partial(jax.random.split, num=2)))(keys)

    def front(key):
        return random_front(key, layers.points, held, side)

    def back(key):
        return random_back(key, extent, held)

    return jax.vmap(jax.vmap(front))(both[..., 0]), jax.vmap(jax.vmap(back))(both[..., 1])


@partial(jax.jit, static_argnames="side")
def _cut(
    layers: UInt32[Array, "N S S"], places: Place, keys: Array, *, side: int
) -> Float[Array, "2 B P P 4"]:
    """Cut two layers for each crop, and change their colours."""

    def one(place, key):
        found = cut(layers, place, side)
        return jnp.concatenate([random_recolour(key, found[..., :3]), found[..., 3:]], -1)

    return jax.vmap(jax.vmap(one))(places, keys)


@jax.jit
@jax.vmap
def _assemble(
    key: Array, front: Front, behind: Front, background: Front, texture: Front
) -> tuple[Front, Colours]:
    keys = jax.random.split(key, 5)
    front = random_pair(keys[0], front, behind)
    colours = random_texture(keys[1], front[..., :3], texture[..., :3])
    front = jnp.concatenate([colours, front[..., 3:]], -1)
    back = random_likeness(keys[2], background[..., :3], front)
    return random_focus(keys[3], random_opacity(keys[4], front)), back


@jax.jit
@jax.vmap
def _photograph(key: Array, front: Front, background: Colours) -> Colours:
    keys = jax.random.split(key, 5)
    image = random_gamma(keys[1], random_composite(keys[0], front, background))
    image = random_noise(keys[3], random_sharpness(keys[2], image))
    return in_8_bits(random_jpeg(keys[4], image))


_trimaps = jax.jit(jax.vmap(random_trimap))
