"""ViTAE, a transformer with convolutions, as the encoder of P3M-Net.

Xu, Zhang, Zhang & Tao, "ViTAE: Vision Transformer Advanced by Exploring Intrinsic Inductive Bias",
NeurIPS 2021. Ma, Li, Zhang, Zhang & Tao, "Rethinking Portrait Matting with Privacy Preserving",
IJCV 131, 2023, shrink between its stages by largest values, whose places a decoder needs. Its first
stage has the attention of Choromanski et al., "Rethinking Attention with Performers", ICLR 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import sqrt
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, UInt8

from alphamat_deep.backbones.resnet_mp import Pooled
from alphamat_deep.backbones.vit import MLP, layer_norm
from alphamat_deep.layers import (
    Conv,
    SelfAttention,
    Stack,
    apply,
    batch_norm,
    max_pool,
    max_unpool,
)

DEPTHS = 2, 2, 12, 2  # blocks of each stage
FEATURES = 64, 128, 256, 512
HEADS = 1, 2, 4, 8
GROUPS = 1, 32, 64, 128  # of the convolutions
DIRECTIONS = 32  # of a Performer


def draw_directions(block: int) -> np.ndarray:
    """Return (32, 64): orthogonal rows, √32 long, the same ones at every call."""
    drawn = np.random.RandomState(block).standard_normal((FEATURES[0], DIRECTIONS))
    columns, triangle = np.linalg.qr(drawn)
    return sqrt(DIRECTIONS) * (columns * np.sign(np.diag(triangle))).T


class ViTAE(nnx.Module):
    """The encoder.

    `depths` are the numbers of blocks in each stage. `directions` gives the random ones of each
    Performer. The authors draw them whenever they build the network, and do not store them.
    """

    unpool = staticmethod(max_unpool)

    def __init__(
        self,
        depths: tuple[int, int, int, int] = DEPTHS,
        directions: Callable[[int], np.ndarray] = draw_directions,
        *,
        rngs: nnx.Rngs,
    ):
        first = (Performer(FEATURES[0], at, directions, rngs=rngs) for at in range(depths[0]))
        stages = [Stage(Stem(rngs=rngs), first, FEATURES[0], GROUPS[0], rngs=rngs)]
        for at in range(1, len(depths)):
            merging = Merging(*FEATURES[at - 1 : at + 1], rngs=rngs)
            rest = (SelfAttention(FEATURES[at], HEADS[at], rngs=rngs) for _ in range(depths[at]))
            stages.append(Stage(merging, rest, FEATURES[at], GROUPS[at], rngs=rngs))
        self.layers = nnx.List(stages)

    def __call__(self, x: Float[Array, "B H W 3"]) -> Pooled:
        features, places = (), ()
        for stage in self.layers:
            x, pooled, found = stage(x)
            features, places = features + pooled, places + found
        return Pooled((*features, x), places)


class Shrunk(NamedTuple):
    """What a stage or the step before its blocks returns."""

    tokens: Float[Array, "B _ _ _"]
    pooled: tuple[Float[Array, "B _ _ _"], ...]
    """Features whose largest values it kept."""
    places: tuple[UInt8[Array, "B _ _ _"], ...]


class Stage(nnx.Module):
    """A step that shrinks, and blocks with one attention each."""

    def __init__(
        self,
        shrink: nnx.Module,
        attentions: Iterable[nnx.Module],
        features: int,
        groups: int,
        *,
        rngs: nnx.Rngs,
    ):
        self.RC = shrink
        self.NC = nnx.List(Block(x, features, groups, rngs=rngs) for x in attentions)

    def __call__(self, x: Float[Array, "B H W C"]) -> Shrunk:
        shrunk = self.RC(x)
        return shrunk._replace(tokens=apply(self.NC, shrunk.tokens))


class Stem(nnx.Module):
    """From pixels to tokens, each of 4 × 4 pixels."""

    def __init__(self, *, rngs: nnx.Rngs):
        features = FEATURES[0]
        self.proj1 = Conv(3, features // 2, 3, padding=1, rngs=rngs)
        self.proj2 = Conv(features // 2, features, 3, padding=1, rngs=rngs)
        self.proj3 = Conv(features, features, 3, padding=1, rngs=rngs)
        self.norm = nnx.LayerNorm(features, epsilon=1e-5, use_fast_variance=False, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W 3"]) -> Shrunk:
        whole = jax.nn.relu(self.proj1(x))
        x, first = max_pool(whole)
        half = jax.nn.relu(self.proj2(x))
        x, second = max_pool(half)
        return Shrunk(self.norm(self.proj3(x)), (whole, half), (first, second))


class Merging(nnx.Module):
    """Normalise tokens and keep the largest values of 2 × 2."""

    def __init__(self, channels: int, features: int, *, rngs: nnx.Rngs):
        self.norm = nnx.LayerNorm(channels, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        self.linear = Conv(channels, features, 1, bias=False, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Shrunk:
        x = self.norm(x)
        top, place = max_pool(x)
        return Shrunk(self.linear(top), (x,), (place,))


class Block(nnx.Module):
    """Attention, beside it three convolutions, and then a perceptron."""

    def __init__(self, attention: nnx.Module, features: int, groups: int, *, rngs: nnx.Rngs):
        def conv(entering: int, leaving: int) -> Conv:
            return Conv(entering, leaving, 3, padding=1, groups=groups, rngs=rngs)

        inner = 4 * features
        self.norm1, self.attn = layer_norm(features, rngs=rngs), attention
        self.norm2, self.mlp = layer_norm(features, rngs=rngs), MLP(features, rngs=rngs)
        layers = [conv(features, inner), batch_norm(inner, rngs=rngs), jax.nn.silu]
        layers += [conv(inner, features), batch_norm(features, rngs=rngs), jax.nn.silu]
        self.PCM = Stack([*layers, conv(features, features), jax.nn.silu])

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        x = x + self.attn(self.norm1(x)) + self.PCM(x)
        return x + self.mlp(self.norm2(x))


class Performer(nnx.Module):
    """Attention whose time grows with the number of tokens, not with its square.

    The weight exp(q·k) of a key k for a query q is about the mean of exp(w·q - |q|²/2) times
    exp(w·k - |k|²/2) over random directions w: lemma 1 of Choromanski et al.
    """

    def __init__(
        self,
        features: int,
        block: int,
        directions: Callable[[int], np.ndarray],
        *,
        rngs: nnx.Rngs,
    ):
        self.kqv = Conv(features, 3 * features, 1, rngs=rngs)
        self.proj = Conv(features, features, 1, rngs=rngs)
        self.block, self.directions = block, directions

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        B, H, W, C = x.shape
        kqv = self.kqv(x).reshape(B, H * W, 3 * C)
        keys, queries, values = jnp.split(kqv.astype(jnp.promote_types(x.dtype, jnp.float32)), 3, 2)
        keys, queries = self._weights(keys), self._weights(queries)
        gathered = queries @ jnp.einsum("bkw,bkc->bwc", keys, values)
        total = jnp.einsum("bqw,bw->bq", queries, keys.sum(1))[..., None]
        return self.proj((gathered / (total + 1e-8)).astype(x.dtype).reshape(x.shape))

    def _weights(self, x: Float[Array, "B L C"]) -> Float[Array, "B L w"]:
        w = jnp.asarray(self.directions(self.block), x.dtype)
        along = x @ w.T - jnp.square(x).sum(-1, keepdims=True) / 2
        return jnp.exp(along) / sqrt(len(w))
