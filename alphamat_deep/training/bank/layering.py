"""What becomes of cut layers before they are a picture.

A front is RGBA: colours that are not multiplied by alpha, and alpha.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from alphamat_deep.training.bank.dice import Dice
from alphamat_deep.training.losses.filters import filter_separably

Colours = Float[Array, "P P 3"]
Front = Float[Array, "P P 4"]
Alpha = Float[Array, "P P 1"]

BINOMIAL = 0.25, 0.5, 0.25


def random_pair(key: Array, front: Front, behind: Front) -> Front:
    """Put a second layer behind the first, with probability 0.15.

    Both together are one foreground: α = α₁ + α₂ - α₁ α₂, with the colour of α₁ F₁ +
    (1 - α₁) α₂ F₂, divided by α.
    """
    first = front[..., 3:]
    second = jnp.where(Dice(key).happens(0.15), behind[..., 3:], 0)
    both = first + second - first * second
    share = jnp.where(both > 1e-3, first / jnp.maximum(both, 1e-3), 1)
    colours = share * front[..., :3] + (1 - share) * behind[..., :3]
    return jnp.concatenate([colours, both], -1)


def random_texture(key: Array, colours: Colours, texture: Colours) -> Colours:
    """Mix 0.5 … 1 of a texture into colours, with probability 0.2."""
    dice = Dice(key)
    share = jnp.where(dice.happens(0.2), dice.between(0.5, 1), 0)
    return colours + share * (texture - colours)


def random_likeness(key: Array, background: Colours, front: Front) -> Colours:
    """Bring the mean colour of the background near to that of the foreground.

    With probability 0.25 it goes 0.4 … 1 of the way, and N(0, 0.06) beside it in each channel.
    """
    dice, alpha = Dice(key), front[..., 3:]
    ours = (front[..., :3] * alpha).sum((0, 1)) / (alpha.sum() + 1)
    theirs = (background * (1 - alpha)).sum((0, 1)) / ((1 - alpha).sum() + 1)
    share = jnp.where(dice.happens(0.25), dice.between(0.4, 1), 0)
    return jnp.clip(background + share * (ours - theirs + dice.normals(0.06, 3)), 0, 1)


def random_opacity(key: Array, front: Front) -> Front:
    """Raise alpha to a power of 0.6 … 1.7, with probability 0.12."""
    dice = Dice(key)
    alpha = front[..., 3:]
    changed = alpha ** dice.log_between(0.6, 1.7)
    alpha = jnp.where(dice.happens(0.12), changed, alpha)
    return jnp.concatenate([front[..., :3], alpha], -1)


def random_focus(key: Array, front: Front) -> Front:
    """Blur the layer by up to two binomial filters, with probability 0.3.

    Alphas below 1 and above 254 of 255 become 0 and 255 of 255.
    """
    dice = Dice(key)
    share = jnp.where(dice.happens(0.3), dice.between(0, 1), 0)
    colours, alpha = front[..., :3], front[..., 3:]
    light = jnp.concatenate([colours * alpha, alpha], -1)  # what reaches the camera
    light += share * (blurred(blurred(light)) - light)
    alpha = light[..., 3:]
    colours = jnp.where(alpha > 0.02, light[..., :3] / jnp.maximum(alpha, 0.02), colours)
    alpha = jnp.where(alpha < 1 / 255, 0, jnp.where(alpha > 254 / 255, 1, alpha))
    return jnp.concatenate([colours, alpha], -1)


def blurred(x: Float[Array, "P P C"]) -> Float[Array, "P P C"]:
    return filter_separably(x, BINOMIAL, BINOMIAL, border="edge")
