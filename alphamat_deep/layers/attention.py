"""Attention between tokens, some of which know how far they are from each other.

Li, Mao, Girshick & He, "Exploring Plain Vision Transformer Backbones for Object Detection", ECCV
2022, attends within windows; Li, Wu, Fan, Mangalam, Xiong, Malik & Feichtenhofer, "MViTv2", CVPR
2022, has the relative positions (section 4.1).
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax
from jaxtyping import Array, Float, Num

from alphamat_deep.layers.convolution import Conv
from alphamat_deep.layers.resizing import resize_along, resize_bicubic

SCORES = 2**22  # that are held at a time, for memory; with more a CPU takes up to twice as long


class RelativeAttention(nnx.Module):
    """Each token gathers values from all tokens of its grid, in several heads.

    The score of a key k for a query q, (y, x) apart, is q·k / √d + q·R(y) + q·C(x): equation 4 of
    MViTv2. Tables of R and C are made for grids of `side` × `side`, and resized for others.
    """

    def __init__(self, features: int, heads: int, side: int, *, rngs: nnx.Rngs):
        self.qkv = Conv(features, 3 * features, 1, rngs=rngs)
        self.proj = Conv(features, features, 1, rngs=rngs)
        table = 2 * side - 1, features // heads
        self.rel_pos_h, self.rel_pos_w = nnx.Param(jnp.zeros(table)), nnx.Param(jnp.zeros(table))
        self.heads = heads

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        B, H, W, C = x.shape
        qkv = self.qkv(x).reshape(B, H, W, 3, self.heads, C // self.heads)
        queries, keys, values = jnp.transpose(qkv, (3, 0, 4, 1, 2, 5))
        tables = self.rel_pos_h[...], self.rel_pos_w[...]
        rows, columns = (relative(table, n) for table, n in zip(tables, (H, W), strict=True))
        y = attend(queries, keys, values, rows, columns)
        return self.proj(jnp.moveaxis(y, 1, 3).reshape(B, H, W, C))


class SelfAttention(nnx.Module):
    """Each token gathers values from all tokens of its grid, in several heads.

    The score of a key k for a query q is q·k / √d.
    """

    def __init__(self, features: int, heads: int, *, rngs: nnx.Rngs):
        self.qkv = Conv(features, 3 * features, 1, rngs=rngs)
        self.proj = Conv(features, features, 1, rngs=rngs)
        self.heads = heads

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        B, H, W, C = x.shape
        qkv = self.qkv(x).reshape(B, H * W, 3, self.heads, C // self.heads)
        y = dot_product_attention(*jnp.transpose(qkv, (2, 0, 3, 1, 4)))
        return self.proj(jnp.moveaxis(y, 1, 2).reshape(x.shape))


class CrossAttention(nnx.Module):
    """Queries gather values by keys, in one head, under the names of PyTorch's."""

    def __init__(self, features: int, *, rngs: nnx.Rngs):
        self.in_proj = Conv(features, 3 * features, 1, rngs=rngs)
        self.out_proj = Conv(features, features, 1, rngs=rngs)

    def __call__(
        self,
        queries: Float[Array, "B Q C"],
        keys: Float[Array, "B K C"],
        values: Float[Array, "B K C"],
    ) -> Float[Array, "B Q C"]:
        kernel, bias = self.in_proj.kernel[0, 0], self.in_proj.bias
        assert bias is not None
        kernels, biases = jnp.split(kernel, 3, axis=1), jnp.split(bias[...], 3)
        parts = zip((queries, keys, values), kernels, biases, strict=True)
        y = dot_product_attention(*((x @ kernel + bias)[:, None] for x, kernel, bias in parts))
        return self.out_proj(jnp.moveaxis(y, 1, 2))[:, :, 0]


def dot_product_attention(
    queries: Float[Array, "B N Q d"], keys: Float[Array, "B N K d"], values: Float[Array, "B N K d"]
) -> Float[Array, "B N Q d"]:
    """Return each query's mean of the values of its head, weighted by softmax of q·k / √d.

    Never more than `SCORES` scores are held at a time, except for one query.
    """
    B, N, Q, d = queries.shape
    steps = steps_for(Q, B * N * keys.shape[2])
    precise = jnp.promote_types(queries.dtype, jnp.float32)

    def step(some):
        scores = jnp.einsum("bnqd,bnkd->bnqk", some, keys, preferred_element_type=precise)
        return average(scores, values)

    some = jnp.moveaxis((queries * d**-0.5).reshape(B, N, steps, Q // steps, d), 2, 0)
    return jnp.moveaxis(lax.map(step, some), 0, 2).reshape(queries.shape)


def average(
    scores: Float[Array, "*n Q K"], values: Float[Array, "*n K d"]
) -> Float[Array, "*n Q d"]:
    """Return means of values, weighted by softmax of the scores."""
    weights = jnp.exp(scores - lax.stop_gradient(scores.max(-1, keepdims=True)))
    total = weights.sum(-1, keepdims=True)
    # One division for each mean, not for each weight.
    return (weights.astype(values.dtype) @ values) / total.astype(values.dtype)


def steps_for(count: int, scores: int) -> int:
    """Return in how many equal steps `count` queries, or rows, of so many scores each are done."""
    most = max(1, SCORES // scores)
    return next(n for n in range(1, count + 1) if count % n == 0 and count // n <= most)


def relative(table: Float[Array, "t d"], count: int) -> Float[Array, "n n d"]:
    """Return the table's vector for each query and key of `count` in a row."""
    at = np.arange(count)
    return resize_along(table, 0, 2 * count - 1)[at[:, None] - at + count - 1]


def attend(
    queries: Float[Array, "B N H W d"],
    keys: Float[Array, "B N H W d"],
    values: Float[Array, "B N H W d"],
    rows: Float[Array, "H H d"],
    columns: Float[Array, "W W d"],
) -> Float[Array, "B N H W d"]:
    """Return each query's mean of the values of its head, weighted by softmax of scores.

    Some rows of queries are done at a time: never more than `SCORES` scores, except for one row.
    """
    B, N, H, W, d = queries.shape
    steps = steps_for(H, B * N * W * H * W)
    precise = jnp.promote_types(queries.dtype, jnp.float32)

    def in_steps(x):
        """(B, N, H, W, …) → (steps, B, N, queries, …)."""
        x = x.reshape(B, N, steps, H // steps * W, x.shape[-1])
        return jnp.moveaxis(x, 2, 0)

    keys, values = (x.reshape(B, N, H * W, d) for x in (keys, values))
    by_row = jnp.einsum("bnyxd,yzd->bnyxz", queries, rows)
    by_column = jnp.einsum("bnyxd,xzd->bnyxz", queries, columns)

    def step(entry):
        some, by_row, by_column = entry
        scores = jnp.einsum("bnqd,bnkd->bnqk", some, keys, preferred_element_type=precise)
        scores = scores.reshape(B, N, -1, H, W) + by_row[..., None] + by_column[..., None, :]
        return average(scores.reshape(B, N, -1, H * W), values)

    y = lax.map(step, tuple(map(in_steps, (queries * d**-0.5, by_row, by_column))))
    return jnp.moveaxis(y, 0, 2).reshape(B, N, H, W, d)


def over_windows(
    layer: Callable[[Array], Array], x: Float[Array, "B H W C"], size: int
) -> Float[Array, "B H W C"]:
    """Apply a layer to each `size` × `size` tokens by themselves.

    The grid is filled up with zeros below and to the right, which the layer sees.
    """
    H, W = x.shape[1:3]
    x = fill_windows(x, size)
    return from_windows(layer(into_windows(x, size)), x)[:, :H, :W]


def fill_windows(x: Float[Array, "B H W C"], size: int) -> Float[Array, "B h w C"]:
    """Add zeros below and to the right, up to multiples of `size`."""
    return jnp.pad(x, [(0, 0), (0, -x.shape[1] % size), (0, -x.shape[2] % size), (0, 0)])


def into_windows(x: Num[Array, "B H W C"], size: int) -> Num[Array, "n s s C"]:
    """Cut grids into windows of `size` × `size` tokens, those of a row after each other."""
    B, H, W, C = x.shape
    windows = x.reshape(B, H // size, size, W // size, size, C).swapaxes(2, 3)
    return windows.reshape(-1, size, size, C)


def from_windows(
    windows: Float[Array, "n s s F"], x: Float[Array, "B H W C"]
) -> Float[Array, "B H W F"]:
    """Put windows together to grids as large as x."""
    (B, H, W, _), (_, size, _, F) = x.shape, windows.shape
    y = windows.reshape(B, H // size, W // size, size, size, F).swapaxes(2, 3)
    return y.reshape(B, H, W, F)


class PositionEmbedding(nnx.Module):
    """A learnt vector for each place of a grid, `side` × `side`, and resized for others.

    The first vector of the table belongs to a token of classes, which only pretraining has.
    """

    def __init__(self, features: int, side: int):
        self.weight = nnx.Param(jnp.zeros((1, 1 + side**2, features)))
        self.side = side

    def __call__(self, height: int, width: int) -> Float[Array, "1 H W C"]:
        grid = self.weight[...][:, 1:].reshape(1, self.side, self.side, -1)
        return resize_bicubic(grid, height, width)
