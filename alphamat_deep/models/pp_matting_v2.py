"""PP-MattingV2 of PaddleSeg, which is described by its code only.

A light network for portraits without a trimap: STDC-1 finds features, a double pyramid of averages
finds their context, and fusions weighted by attention bring both to the full size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.backbones.stdc import STDC1
from alphamat_deep.layers import (
    AdaptiveAveragePool,
    Conv,
    ConvBN,
    ConvBNReLU,
    apply,
    average_pool,
    concatenate,
    rectify,
    refuse_unless_multiples,
    resize,
    resize_like_paddle,
)

CONTEXT = 256
HEADS, KEY, VALUE = 8, 16, 32  # of attention: heads, and features of each one's keys and values
POOLED = 64  # pixels on each side of a square that is averaged


@dataclass(frozen=True)
class PPMattingV2Config:
    supervise: bool = False
    """Whether there is a head for alpha at an eighth of the size. Only training needs it."""


class PPMattingV2Output(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    alpha_8x: Float[Array, "B h w 1"] | None
    """At an eighth of the size; None without that head."""


class PPMattingV2(nnx.Module):
    """The network of PP-MattingV2."""

    def __init__(self, config: PPMattingV2Config = PPMattingV2Config(), *, rngs: nnx.Rngs):
        self.config = config
        self.backbone = STDC1(rngs=rngs)
        c2, c4, c8, c16, c32 = self.backbone.features
        self.dpp = DoublePyramid(c4 + c8 + c16 + c32, rngs=rngs)
        fusion = partial(Fusion, rngs=rngs)
        self.mlff32x = fusion((c32, CONTEXT), (CONTEXT, CONTEXT), 128)
        self.mlff16x = fusion((c16, 128, CONTEXT), (128, 128, 128), 96)
        self.mlff8x = fusion((c8, 96, CONTEXT), (96, 96, 96), 64)
        self.mlff4x = fusion((c4, 64, 3), (64, 64, 3), 32)
        self.mlff2x = fusion((c2, 32, 3), (32, 32, 3), 16)
        self.matting_head_mlff8x = Head(64, 32, rngs=rngs) if config.supervise else None
        self.matting_head_mlff2x = Head(16 + 3, 8, 1, rngs=rngs)

    def __call__(self, image: Float[Array, "B H W 3"]) -> PPMattingV2Output:
        """Estimate alpha of images in [-1, 1], H and W multiples of 32 and at least 64."""
        refuse_unless_multiples(32, image, least=POOLED)
        x2, x4, x8, x16, x32 = self.backbone(image)
        context = self.dpp([x4, x8, x16, x32])
        x = self.mlff32x([x32, context])
        x = self.mlff16x([x16, x, context])
        eighth = self.mlff8x([x8, x, context])
        half = average_pool(image)
        x = self.mlff4x([x4, eighth, average_pool(half)])
        x = resize(self.mlff2x([x2, x, half]), *image.shape[1:3])
        alpha = self.matting_head_mlff2x(concatenate(x, image))
        if self.matting_head_mlff8x is None:
            return PPMattingV2Output(alpha, None)
        return PPMattingV2Output(alpha, self.matting_head_mlff8x(eighth))


class DoublePyramid(nnx.Module):
    """The context of the picture, from averages of all features over 64 × 64 pixels each.

    Averages of these over 2 × 2, 4 × 4 and 6 × 6 parts of the picture attend to each other.
    """

    def __init__(self, channels: int, *, rngs: nnx.Rngs):
        self.conv_mid = ConvBN(channels, CONTEXT, 1, rngs=rngs)
        self.pp2 = nnx.List(
            nnx.List([AdaptiveAveragePool(size), Transformer(rngs=rngs)]) for size in (2, 4, 6)
        )
        self.conv_out = ConvBNReLU(CONTEXT, CONTEXT, 1, rngs=rngs)

    def __call__(self, features: Sequence[Array]) -> Float[Array, "B h w F"]:
        pooled = [average_squares(x, POOLED >> level) for level, x in enumerate(features, start=2)]
        x = self.conv_mid(concatenate(*pooled))
        parts = [resize_like_paddle(apply(part, x), *x.shape[1:3]) for part in self.pp2]
        return self.conv_out(sum(parts[::-1], x))


class Transformer(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.attn = Attention(rngs=rngs)
        self.mlp = MLP(rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        x = x + self.attn(x)
        return x + self.mlp(x)


class Attention(nnx.Module):
    """Attention of all places to all places, without scaling of the scores."""

    def __init__(self, *, rngs: nnx.Rngs):
        conv = partial(ConvBN, size=1, bias=False, rngs=rngs)
        self.to_q = conv(CONTEXT, HEADS * KEY)
        self.to_k = conv(CONTEXT, HEADS * KEY)
        self.to_v = conv(CONTEXT, HEADS * VALUE)
        self.proj = nnx.List([jax.nn.relu6, conv(HEADS * VALUE, CONTEXT, scale=0.0)])

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        B, H, W, _ = x.shape
        q, k, v = (
            layer(x).reshape(B, H * W, HEADS, -1) for layer in (self.to_q, self.to_k, self.to_v)
        )
        weights = jax.nn.softmax(jnp.einsum("bqhc,bkhc->bhqk", q, k))
        y = jnp.einsum("bhqk,bkhc->bqhc", weights, v)
        return apply(self.proj, y.reshape(B, H, W, -1))


class MLP(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        hidden = 2 * CONTEXT
        self.fc1 = ConvBN(CONTEXT, hidden, 1, bias=False, rngs=rngs)
        self.dwconv = Conv(hidden, hidden, 3, padding=1, groups=hidden, rngs=rngs)
        self.fc2 = ConvBN(hidden, CONTEXT, 1, bias=False, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        return self.fc2(jax.nn.relu6(self.dwconv(self.fc1(x))))


class Fusion(nnx.Module):
    """Combine features of several levels at the size of the first, each with a weight per place."""

    def __init__(
        self, channels: Sequence[int], inner: Sequence[int], features: int, *, rngs: nnx.Rngs
    ):
        count = len(channels)
        conv = partial(ConvBNReLU, size=3, padding=1, bias=False, rngs=rngs)
        self.pwconvs = nnx.List(
            ConvBN(*pair, 1, bias=False, rngs=rngs) for pair in zip(channels, inner, strict=True)
        )
        self.dwconvs = nnx.List(
            ConvBN(n, n, 3, padding=1, groups=n, bias=False, rngs=rngs) for n in inner
        )
        last = ConvBN(count, count, 3, padding=1, bias=False, rngs=rngs)
        self.conv_atten = nnx.List([conv(2 * count, count), last, jax.nn.sigmoid])
        self.conv_out = conv(sum(inner), features)

    def __call__(self, levels: Sequence[Float[Array, "B _ _ _"]]) -> Float[Array, "B H W F"]:
        size = levels[0].shape[1:3]
        found = [
            rectify(after(resize(before(x), *size)))
            for before, after, x in zip(self.pwconvs, self.dwconvs, levels, strict=True)
        ]
        looks = [look(x, axis=-1, keepdims=True) for x in found for look in (jnp.mean, jnp.max)]
        weights = apply(self.conv_atten, concatenate(*looks))
        weighted = [x * weights[..., at : at + 1] for at, x in enumerate(found)]
        return self.conv_out(concatenate(*weighted))


class Head(nnx.Module):
    def __init__(self, channels: int, inner: int, more: int = 0, *, rngs: nnx.Rngs):
        conv = partial(ConvBNReLU, size=3, padding=1, bias=False, rngs=rngs)
        self.conv = conv(channels, inner)
        self.mid_conv = nnx.List(conv(inner, inner) for _ in range(more))
        self.conv_out = Conv(inner, 1, 1, bias=False, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W 1"]:
        return jax.nn.sigmoid(self.conv_out(apply(self.mid_conv, self.conv(x))))


def average_squares(x: Float[Array, "B H W C"], size: int) -> Float[Array, "B h w C"]:
    """Average each size × size pixels. Rows and columns left over at the end are dropped."""
    B, H, W, C = x.shape
    h, w = H // size, W // size
    x = x[:, : h * size, : w * size]
    return x.reshape(B, h, size, w, size, C).mean((2, 4))
