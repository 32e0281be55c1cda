"""Trimaps as people make them, from alpha: wide or narrow, drawn, with blots, or of hints only."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from alphamat_deep.training.bank.dice import Dice
from alphamat_deep.training.bank.fields import linear_weights, smooth_field, spread

Alpha = Float[Array, "P P 1"]
Mask = Bool[Array, "P P"]

BRUSH = 16  # pixels


def random_trimap(key: Array, alpha: Alpha) -> Float[Array, "P P 1"]:
    """Return a trimap of 0, 0.5 and 1, in which all that people do to one may be done."""
    keys = jax.random.split(key, 5)
    masks = random_widths(keys[0], alpha[..., 0])
    masks = random_blot(keys[2], *random_brush(keys[1], *masks))
    foreground, background = (random_hiding(*pair) for pair in zip(keys[3:], masks, strict=True))
    return jnp.where(foreground, 1.0, jnp.where(background, 0.0, 0.5))[..., None]


def random_widths(key: Array, alpha: Float[Array, "P P"]) -> tuple[Mask, Mask]:
    """Return known foreground and background: what is far enough from other alphas.

    Alphas within 0.004 … 0.06 of 0 and of 1 count as 0 and 1. Radii are 1 … 40 outside and 1 … 32
    inside, small ones more often; with probability 0.1 20 … 80 and 5 … 60. They wobble along the
    border by exp(±0.5) at most: the wider outside, the narrower inside.
    """
    first, *rest = jax.random.split(key, 3)
    dice, side = Dice(first), len(alpha)
    out = distances(alpha > dice.log_between(0.004, 0.06))
    into = distances(alpha < 1 - dice.log_between(0.004, 0.06))
    wide = dice.happens(0.1)
    outer = jnp.where(wide, dice.between(20, 80), dice.log_between(1, 40))
    inner = jnp.where(wide, dice.between(5, 60), dice.log_between(1, 32))
    few, many = (smooth_field(key, side, count) for key, count in zip(rest, (5, 8), strict=True))
    wobble = jnp.exp(dice.between(0, 0.5) * jnp.where(dice.happens(0.5), few, many))
    return into > inner / wobble, out > outer * wobble


def random_brush(key: Array, foreground: Mask, background: Mask) -> tuple[Mask, Mask]:
    """Leave no islands that are smaller than a round brush, with probability 0.4."""
    drawn = Dice(key).happens(0.4)

    def smoothed(mask):
        return jnp.where(drawn, mask & (averaged(mask, BRUSH) > 0.45), mask)

    return smoothed(foreground), smoothed(background)


def random_blot(key: Array, foreground: Mask, background: Mask) -> tuple[Mask, Mask]:
    """Make blots unknown, with probability 0.2: a tenth of the picture, more or less."""
    first, second = jax.random.split(key)
    clean = ~(Dice(first).happens(0.2) & (smooth_field(second, len(foreground), 7) > 1.2))
    return foreground & clean, background & clean


def random_hiding(key: Array, known: Mask) -> Mask:
    """Make a large part of what is known unknown, with probability 0.25.

    One half of the time a straight cut goes through the picture, up to 0.35 of a side from its
    middle; one half of the time hints are left, here and there.
    """
    first, second = jax.random.split(key)
    dice, side = Dice(first), len(known)
    hides, cut = dice.happens(0.25), dice.happens(0.5)
    angle, away, rarity = dice.between(0, 2 * np.pi), dice.between(-0.35, 0.35), dice.between(0, 2)
    rise = (jnp.arange(side) + 0.5) / side - 0.5
    kept = jnp.cos(angle) * rise[:, None] + jnp.sin(angle) * rise > away
    hints = smooth_field(second, side, 8) > rarity
    return known & (~hides | jnp.where(cut, kept, hints))


def distances(target: Mask) -> Float[Array, "P P"]:
    """Return the distance of each pixel to the nearest that is True, exactly; 1000 without any.

    First the nearest in each column, then along the rows: all pairs are compared, which suits GPUs.
    """
    rows, columns = (np.arange(side, dtype=np.float32) for side in target.shape)
    found = jnp.where(target, 0, 1e6)
    found = (found + ((rows[:, None] - rows) ** 2)[..., None]).min(1)
    found = (found[:, None, :] + (columns[:, None] - columns) ** 2).min(-1)
    return jnp.sqrt(found)


def averaged(mask: Mask, cell: int) -> Float[Array, "P P"]:
    """Return the share of True around each pixel, from the means of cells; no finer details."""
    count = len(mask) // cell
    means = mask.reshape(count, cell, count, cell).mean((1, 3))
    return spread(means, linear_weights(len(mask), count))
