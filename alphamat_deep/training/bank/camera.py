"""From layers to the file of a picture: light, gamma, sharpening, noise, JPEG, 8 bits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from alphamat_deep.training.bank.dice import Dice
from alphamat_deep.training.bank.jpeg import jpeg
from alphamat_deep.training.bank.layering import Colours, Front, blurred


def random_composite(key: Array, front: Front, background: Colours) -> Colours:
    """Put a front over a background.

    With probability 0.15 light is added, not what files store: α F^γ + (1 - α) B^γ, γ 1 … 2.2.
    """
    dice, (colours, alpha) = Dice(key), (front[..., :3], front[..., 3:])
    linear, gamma = dice.happens(0.15), dice.between(1, 2.2)
    stored = alpha * colours + (1 - alpha) * background
    light = alpha * power(colours, gamma) + (1 - alpha) * power(background, gamma)
    return jnp.where(linear, power(light, 1 / gamma), stored)


def random_gamma(key: Array, image: Colours) -> Colours:
    """Raise the picture to a power of exp(N(0, 0.15))."""
    return power(jnp.clip(image, 0, 1), jnp.exp(Dice(key).normal(0.15)))


def random_sharpness(key: Array, image: Colours) -> Colours:
    """Sharpen or blur, with probability 0.5: by -0.9 … 0.5 of what a binomial filter changes."""
    dice = Dice(key)
    share = jnp.where(dice.happens(0.5), dice.between(-0.9, 0.5), 0)
    return image + share * (blurred(image) - image)


def random_noise(key: Array, image: Colours) -> Colours:
    """Add noise, with probability 0.7.

    Its standard deviation is 0.001 … 0.03, times √(0.3 + brightness), and with probability 0.4 it
    is correlated by a binomial filter.
    """
    first, second = jax.random.split(key)
    dice = Dice(first)
    noise = jax.random.normal(second, image.shape)
    noise = jnp.where(dice.happens(0.4), 1.9 * blurred(noise), noise)
    sigma = jnp.where(dice.happens(0.7), dice.log_between(0.001, 0.03), 0)
    return jnp.clip(image + sigma * noise * jnp.sqrt(0.3 + jnp.clip(image, 0, 1)), 0, 1)


def random_jpeg(key: Array, image: Colours) -> Colours:
    """Store and read again as JPEG of quality 55 … 98, with probability 0.35."""
    dice = Dice(key)
    return jnp.where(dice.happens(0.35), jpeg(image, dice.between(55, 98)), image)


def in_8_bits(image: Colours) -> Colours:
    return jnp.round(255 * image) / 255


def power(x: Colours, exponent: Array) -> Float[Array, "P P 3"]:
    return jnp.maximum(x, 1e-4) ** exponent
