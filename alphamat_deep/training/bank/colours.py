"""Other colours for a layer."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from alphamat_deep.training.bank.dice import Dice

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SKEW = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.float32) / np.float32(3**0.5)

Colours = Float[Array, "P P 3"]


def random_recolour(key: Array, colours: Colours) -> Colours:
    """Change hue, saturation, contrast, gain and gamma, and let light fall at a slant.

    Half of the hues turn, by any angle. Saturation is 0 … 1.25 of what it was, contrast 0.4 … 1.3
    around the mean. Gain is exp(N(-0.05, 0.25)), and exp(N(0, 0.12)) for each channel; gamma is
    exp(N(0, 0.3)). Light rises by N(0, 0.35) from side to side, along both axes.
    """
    dice, side = Dice(key), len(colours)
    turn = jnp.where(dice.happens(0.5), dice.between(0, 2 * np.pi), 0.0)
    x = mixed(colours, hue_matrix(turn))
    grey, saturation = (x * LUMA).sum(-1, keepdims=True), dice.between(0, 1.25)
    x = grey + saturation * (x - grey)
    mean = x.mean((0, 1))
    x = mean + dice.log_between(0.4, 1.3) * (x - mean)
    gain = jnp.exp(dice.normals(0.12, 3) + dice.normal(0.25) - 0.05)
    x = jnp.clip(x * gain, 1e-4, 1) ** jnp.exp(dice.normal(0.3))
    rise = jnp.arange(side) / side - 0.5
    light = 1 + dice.normal(0.35) * rise[:, None] + dice.normal(0.35) * rise
    return jnp.clip(x * jnp.clip(light, 0.3, 1.7)[..., None], 0, 1)


def hue_matrix(angle: Array) -> Float[Array, "3 3"]:
    """Return the turn of colours around the axis of greys (Rodrigues' formula)."""
    c, s = jnp.cos(angle), jnp.sin(angle)
    return c * jnp.eye(3) + (1 - c) * np.full((3, 3), 1 / 3, np.float32) + s * SKEW


def mixed(colours: Float[Array, "*B 3"], matrix: Array | np.ndarray) -> Float[Array, "*B 3"]:
    """Return M c of each colour."""
    return (colours[..., None, :] * matrix).sum(-1)
