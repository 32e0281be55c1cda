"""Guided contextual attention.

Li & Lu, "Natural Image Matting via Guided Contextual Attention", AAAI 2020, as GCA-Matting
implements it: a ResNet-34 with a mirror-image decoder and shortcuts between them. Both have an
attention that carries features of opacity between places where the image looks alike. PaddleSeg's
GCA differs in the fields of `GCAConfig`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jaxtyping import Array, Float, Int

from alphamat_deep.layers import (
    Conv,
    SpectralConv,
    SpectralConvTranspose,
    apply,
    average_pool,
    batch_norm,
    concatenate,
    refuse_unless_multiples,
    upsample_nearest,
)

QUERIES = 256  # attended to at a time, for memory; all at once is also slower, by a fifth


@dataclass(frozen=True)
class GCAConfig:
    one_hot: bool = True
    """Whether the trimap has three channels (background, unknown, foreground) or one, 0 … 255."""
    foreground_as_unknown: bool = False
    """Whether the attention treats the foreground as unknown, and everything else as known."""
    ban_by_share: bool = False
    """Whether the penalty on a place's attention to itself is in proportion to the unknown share of
    its 3 × 3 neighbourhood, or full wherever that share is above 0."""
    norm_by_feature: bool = False
    """Whether spectral norms see transposed convolutions as matrices with one row per output
    feature, or per input channel."""


class GCAOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    offset_1: Int[Array, "B h w 2"]
    """The place that each one attends to most in the encoder: row and column from the centre."""
    softmax_scale: Float[Array, "B 2"]
    """Factors of the scores of places near the unknown, and of all others."""
    offset_2: Int[Array, "B h w 2"]
    """As `offset_1`, in the decoder."""


class Down(nnx.Module):
    """A residual block of the encoder."""

    def __init__(self, channels: int, features: int, *, stride: int, rngs: nnx.Rngs):
        self.conv1 = SpectralConv(channels, features, 3, stride=stride, padding=1, rngs=rngs)
        self.bn1 = batch_norm(features, rngs=rngs)
        self.conv2 = SpectralConv(features, features, 3, padding=1, rngs=rngs)
        self.bn2 = batch_norm(features, scale=0.0, rngs=rngs)
        self.downsample = nnx.List()
        if stride == 2:
            projection = SpectralConv(channels, features, 1, rngs=rngs)
            self.downsample = nnx.List([average_pool, projection, batch_norm(features, rngs=rngs)])

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        y = jax.nn.relu(self.bn1(self.conv1(x)))
        return jax.nn.relu(self.bn2(self.conv2(y)) + apply(self.downsample, x))


class Up(nnx.Module):
    """A residual block of the decoder."""

    def __init__(
        self, channels: int, features: int, *, stride: int, by_feature: bool, rngs: nnx.Rngs
    ):
        self.upsample = nnx.List()
        if stride == 2:
            self.conv1 = SpectralConvTranspose(channels, channels, by_feature=by_feature, rngs=rngs)
            projection = SpectralConv(channels, features, 1, rngs=rngs)
            # The authors repeat pixels first, and so do this on four times as many.
            norm = batch_norm(features, rngs=rngs)
            self.upsample = nnx.List([projection, norm, upsample_nearest])
        else:
            self.conv1 = SpectralConv(channels, channels, 3, padding=1, rngs=rngs)
        self.bn1 = batch_norm(channels, rngs=rngs)
        self.conv2 = SpectralConv(channels, features, 3, padding=1, rngs=rngs)
        self.bn2 = batch_norm(features, scale=0.0, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        y = leaky_relu(self.bn1(self.conv1(x)))
        return leaky_relu(self.bn2(self.conv2(y)) + apply(self.upsample, x))


class Guide(NamedTuple):
    """What the attention uses of the trimap, at each of n places."""

    factor: Float[Array, "B n"]
    """A place's factor, by which its scores are multiplied."""
    ban: Float[Array, "B n"]
    """A place's penalty, which is subtracted from its score for itself."""


class GuidedAttention(nnx.Module):
    """Every place gathers features from places where the image looks alike.

    The likeness of two places is that of their 3 × 3 patches of guidance. The features gathered
    are 4 × 4 patches, two pixels apart.
    """

    def __init__(self, features: int, guidance: int, *, rngs: nnx.Rngs):
        self.guidance_conv = Conv(guidance, guidance // 2, 1, rngs=rngs)
        mixing = Conv(features, features, 1, bias=False, rngs=rngs)
        self.W = nnx.List([mixing, batch_norm(features, scale=1e-3, rngs=rngs)])

    def __call__(
        self, features: Float[Array, "B H W C"], guidance: Float[Array, "B H W G"], guide: Guide
    ) -> tuple[Float[Array, "B H W C"], Int[Array, "B h w 2"]]:
        B, H, W, C = features.shape
        h, w = H // 2, W // 2
        queries = extract_patches(self.guidance_conv(guidance[:, ::2, ::2]), 3, 1)
        precise = jnp.promote_types(queries.dtype, jnp.float32)
        squares = jnp.square(queries.astype(precise)).sum(-1)
        scale = guide.factor / jnp.sqrt(jnp.maximum(squares, 1e-8))
        keys = queries * scale[..., None].astype(queries.dtype)
        values = extract_patches(features, 4, 2)
        gathered, best = jax.vmap(attend)(queries, keys, guide.ban, values)
        y = add_overlapping(gathered.reshape(B, h, w, 4, 4, C)) / 4
        offset = jnp.stack([best // w - h // 2, best % w - w // 2], axis=-1)
        return features + apply(self.W, y), offset.reshape(B, h, w, 2)


class Encoded(NamedTuple):
    bottom: Float[Array, "B h w 512"]
    shortcuts: tuple[Array, ...]
    """At 1/1, 1/2, 1/4, 1/8 and 1/16 of the size."""
    guidance: Float[Array, "B H W 128"]
    offset: Int[Array, "B h w 2"]


class Encoder(nnx.Module):
    """A ResNet-34 whose first layers are three convolutions."""

    def __init__(self, channels: int, *, rngs: nnx.Rngs):
        self.conv1 = SpectralConv(channels, 32, 3, stride=2, padding=1, rngs=rngs)
        self.bn1 = batch_norm(32, rngs=rngs)
        self.conv2 = SpectralConv(32, 32, 3, padding=1, rngs=rngs)
        self.bn2 = batch_norm(32, rngs=rngs)
        self.conv3 = SpectralConv(32, 64, 3, stride=2, padding=1, rngs=rngs)
        self.bn3 = batch_norm(64, rngs=rngs)
        block = partial(Down, rngs=rngs)
        self.layer1 = build_stage(block, 64, 64, 3, stride=1)
        self.layer2 = build_stage(block, 64, 128, 4)
        self.layer3 = build_stage(block, 128, 256, 4)
        self.layer_bottleneck = build_stage(block, 256, 512, 2)
        sizes = (channels, 32), (32, 32), (64, 64), (128, 128), (256, 256)
        self.shortcut = nnx.List([shortcut(*size, rngs) for size in sizes])
        sizes = (3, 16), (16, 32), (32, 128)
        guidance = [layer for size in sizes for layer in build_guidance(*size, rngs)]
        self.guidance_head = nnx.List(guidance)
        self.gca = GuidedAttention(128, 128, rngs=rngs)

    def __call__(
        self, image: Float[Array, "B H W 3"], trimap: Float[Array, "B H W T"], guide: Guide
    ) -> Encoded:
        x = concatenate(image, trimap)
        guidance = apply(self.guidance_head, image)
        half = jax.nn.relu(self.bn1(self.conv1(x)))
        half = jax.nn.relu(self.bn2(self.conv2(half)))
        quarter = jax.nn.relu(self.bn3(self.conv3(half)))
        quarter = apply(self.layer1, quarter)
        eighth = apply(self.layer2, quarter)
        eighth, offset = self.gca(eighth, guidance, guide)
        sixteenth = apply(self.layer3, eighth)
        levels = x, half, quarter, eighth, sixteenth
        shortcuts = tuple(map(apply, self.shortcut, levels))
        return Encoded(apply(self.layer_bottleneck, sixteenth), shortcuts, guidance, offset)


class Decoder(nnx.Module):
    """The encoder's mirror image, to which shortcuts add the encoder's features."""

    def __init__(self, *, by_feature: bool, rngs: nnx.Rngs):
        block = partial(Up, by_feature=by_feature, rngs=rngs)
        self.layer1 = build_stage(block, 512, 256, 2)
        self.layer2 = build_stage(block, 256, 128, 3)
        self.gca = GuidedAttention(128, 128, rngs=rngs)
        self.layer3 = build_stage(block, 128, 64, 3)
        self.layer4 = build_stage(block, 64, 32, 2)
        self.conv1 = SpectralConvTranspose(32, 32, by_feature=by_feature, rngs=rngs)
        self.bn1 = batch_norm(32, rngs=rngs)
        self.conv2 = Conv(32, 1, 3, padding=1, rngs=rngs)

    def __call__(
        self, encoded: Encoded, guide: Guide
    ) -> tuple[Float[Array, "B H W 1"], Int[Array, "B h w 2"]]:
        whole, half, quarter, eighth, sixteenth = encoded.shortcuts
        x = apply(self.layer1, encoded.bottom) + sixteenth
        x = apply(self.layer2, x) + eighth
        x, offset = self.gca(x, encoded.guidance, guide)
        x = apply(self.layer3, x) + quarter
        x = apply(self.layer4, x) + half
        x = leaky_relu(self.bn1(self.conv1(x))) + whole
        return (jnp.tanh(self.conv2(x)) + 1) / 2, offset


class GCA(nnx.Module):
    """The network of guided contextual attention."""

    def __init__(self, config: GCAConfig = GCAConfig(), *, rngs: nnx.Rngs):
        self.config = config
        self.encoder = Encoder(6 if config.one_hot else 4, rngs=rngs)
        self.decoder = Decoder(by_feature=config.norm_by_feature, rngs=rngs)

    def __call__(
        self, image: Float[Array, "B H W 3"], trimap: Float[Array, "B H W T"]
    ) -> GCAOutput:
        """Estimate alpha.

        Images are normalised, H and W multiples of 32. The configuration says what the trimap is.
        """
        refuse_unless_multiples(32, image)
        if self.config.one_hot:
            unknown = trimap[..., 1]
        else:
            level = 255 if self.config.foreground_as_unknown else 128
            unknown, trimap = trimap[..., 0] == level, trimap / 255
        unknown = unknown[:, ::16, ::16].astype(jnp.promote_types(image.dtype, jnp.float32))
        guide, scale = make_guide(unknown, self.config.ban_by_share)
        encoded = self.encoder(image, trimap, guide)
        alpha, offset = self.decoder(encoded, guide)
        return GCAOutput(alpha, encoded.offset, scale, offset)


def build_stage(block: Callable, channels: int, features: int, blocks: int, stride: int = 2) -> Any:
    rest = [block(features, features, stride=1) for _ in range(blocks - 1)]
    return nnx.List([block(channels, features, stride=stride), *rest])


def shortcut(channels: int, features: int, rngs: nnx.Rngs) -> Any:
    layers = []
    for entering in channels, features:
        layers += [SpectralConv(entering, features, 3, padding=1, rngs=rngs), jax.nn.relu]
        layers += [batch_norm(features, rngs=rngs)]
    return nnx.List(layers)


def build_guidance(channels: int, features: int, rngs: nnx.Rngs) -> list:
    conv = SpectralConv(channels, features, 3, stride=2, rngs=rngs)
    return [reflect, conv, jax.nn.relu, batch_norm(features, rngs=rngs)]


def leaky_relu(x: Array) -> Array:
    return jax.nn.leaky_relu(x, 0.2)


def reflect(x: Array) -> Array:
    """Add one pixel on every side by mirroring, without repeating the border."""
    return jnp.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")


def make_guide(unknown: Float[Array, "B h w"], by_share: bool) -> tuple[Guide, Float[Array, "B 2"]]:
    """Return what the attention uses, and the factors of scores near the unknown and elsewhere.

    The smaller the unknown share, the smaller its factor; likewise for the known share.
    """
    share = unknown.mean((1, 2))
    scale = jnp.stack([root_odds(share), root_odds(1 - share)], axis=-1)
    around = extract_patches(unknown[..., None], 3, 1).mean(-1)
    factor = jnp.where(around > 0, scale[:, :1], scale[:, 1:])
    return Guide(factor, 1e4 * (around if by_share else around > 0)), scale


def root_odds(share: Array) -> Array:
    """Return the square root of share : rest, clipped to 0.1 … 10, with a finite slope."""
    return jnp.sqrt(jnp.clip(share / jnp.maximum(1 - share, 1e-3), 0.01, 100))


def extract_patches(x: Float[Array, "B H W C"], size: int, stride: int) -> Float[Array, "B n F"]:
    """Return the patch around every place, mirrored at borders, as one vector each."""
    B, H, W, C = x.shape
    x = reflect(x)
    h, w = H // stride, W // stride
    shifted = [
        x[:, i : i + stride * h : stride, j : j + stride * w : stride]
        for i in range(size)
        for j in range(size)
    ]
    return jnp.stack(shifted, axis=3).reshape(B, h * w, size * size * C)


def attend(
    queries: Float[Array, "n G"],
    keys: Float[Array, "n G"],
    ban: Float[Array, " n"],
    values: Float[Array, "n V"],
) -> tuple[Float[Array, "n V"], Int[Array, " n"]]:
    """Return each query's mean of the values, weighted by softmax of scores, and its best place.

    The n² scores are never held in memory all at once.
    """
    places, precise = jnp.arange(len(keys)), jnp.promote_types(keys.dtype, jnp.float32)

    def one(entry):
        place, query = entry
        scores = jnp.einsum("kg,g->k", keys, query, preferred_element_type=precise)
        scores = scores - jnp.where(places == place, ban, 0)
        weights = jax.nn.softmax(scores).astype(values.dtype)
        return weights @ values, scores.argmax()

    return lax.map(one, (places, queries), batch_size=QUERIES)


def add_overlapping(x: Float[Array, "B h w 4 4 C"]) -> Float[Array, "B 2*h 2*w C"]:
    """Add up 4 × 4 patches that lie two pixels apart, and cut off a border of one pixel."""
    B, h, w, _, _, C = x.shape
    x, none = x.reshape(B, h, w, 2, 2, 2, 2, C), (0, 0)
    y = sum(
        jnp.pad(x[:, :, :, i, :, j], [none, (i, 1 - i), (j, 1 - j), none, none, none])
        for i in (0, 1)
        for j in (0, 1)
    )
    y = jnp.transpose(y, (0, 1, 3, 2, 4, 5)).reshape(B, 2 * h + 2, 2 * w + 2, C)
    return y[:, 1:-1, 1:-1]
