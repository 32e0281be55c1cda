"""Self-attention within windows, which are shifted in every second block.

Liu, Lin, Cao, Hu, Wei, Zhang, Lin & Guo, "Swin Transformer: Hierarchical Vision Transformer using
Shifted Windows", ICCV 2021.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax
from jaxtyping import Array, Float, Int

from alphamat_deep.layers.attention import (
    SCORES,
    average,
    fill_windows,
    from_windows,
    into_windows,
)
from alphamat_deep.layers.convolution import Conv

APART = -100.0  # is added to a score of two tokens that the shift brought together


class WindowAttention(nnx.Module):
    """Each token gathers values from all tokens of its window, in several heads.

    The score of a key k for a query q is q·k / √d + b, where b belongs to their distance (equation
    4). The grid is filled up with zeros below and to the right, which count as tokens. With a
    `shift` it is rolled by so many tokens first, and windows that wrap round it keep their parts
    apart.
    """

    def __init__(self, features: int, heads: int, window: int, *, shift: int = 0, rngs: nnx.Rngs):
        self.qkv = Conv(features, 3 * features, 1, rngs=rngs)
        self.proj = Conv(features, features, 1, rngs=rngs)
        table = jnp.zeros(((2 * window - 1) ** 2, heads))
        self.relative_position_bias_table = nnx.Param(table)
        self.heads, self.window, self.shift = heads, window, shift

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        (_, H, W, C), size, back = x.shape, self.window, (-self.shift, -self.shift)
        x = jnp.roll(fill_windows(x, size), back, (1, 2))
        qkv = self.qkv(into_windows(x, size)).reshape(-1, size**2, 3, self.heads, C // self.heads)
        queries, keys, values = jnp.transpose(qkv, (2, 0, 3, 1, 4))
        table = self.relative_position_bias_table[...]
        bias = jnp.moveaxis(table[distances(size)], -1, 0)
        parts = wrapped_parts(x, size, self.shift) if self.shift else None
        y = attend_in_windows(queries, keys, values, bias, parts)
        y = self.proj(jnp.moveaxis(y, 1, 2).reshape(-1, size, size, C))
        return jnp.roll(from_windows(y, x), (self.shift, self.shift), (1, 2))[:, :H, :W]


def distances(size: int) -> np.ndarray:
    """Return for each query and key of a window the row of the table for their distance."""
    y, x = np.indices((size, size)).reshape(2, -1)
    dy, dx = (at[:, None] - at + size - 1 for at in (y, x))
    return dy * (2 * size - 1) + dx


def wrapped_parts(x: Float[Array, "B H W C"], size: int, shift: int) -> Int[Array, "n t"]:
    """Return for each token of each window which of up to four parts it belongs to."""
    rows, columns = (np.arange(side) >= side - shift for side in x.shape[1:3])
    parts = jnp.asarray(2 * rows[:, None] + columns)[None, ..., None]
    return jnp.tile(into_windows(parts, size).reshape(-1, size**2), (len(x), 1))


def attend_in_windows(
    queries: Float[Array, "n N t d"],
    keys: Float[Array, "n N t d"],
    values: Float[Array, "n N t d"],
    bias: Float[Array, "N t t"],
    parts: Int[Array, "n t"] | None,
) -> Float[Array, "n N t d"]:
    """Return each query's mean of the values of its head, weighted by softmax of scores.

    Some windows are done at a time: never more than `SCORES` scores, except for one window.
    """
    heads, tokens, d = queries.shape[1:]
    precise = jnp.promote_types(queries.dtype, jnp.float32)

    def attend(entry):
        query, key, value, part = entry
        scores = jnp.einsum("nqd,nkd->nqk", query, key, preferred_element_type=precise) + bias
        if part is not None:
            scores = scores + jnp.where(part[:, None] == part, 0, APART)
        return average(scores, value)

    some = max(1, SCORES // (heads * tokens**2))
    return lax.map(attend, (queries * d**-0.5, keys, values, parts), batch_size=some)
