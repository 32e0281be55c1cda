"""P3M-Net.

Li, Ma, Zhang & Tao, "Privacy-Preserving Portrait Matting", ACM Multimedia 2021, with a ResNet-34;
Ma, Li, Zhang, Zhang & Tao, "Rethinking Portrait Matting with Privacy Preserving", IJCV 131, 2023,
with transformers. It needs no trimap.
One decoder (global) finds background, transition and foreground; another (local) finds alpha, which
counts in the transition. Modules join features: those of the encoder and of both decoders (TFI),
the encoder's first ones and the local decoder's (sBFI), and its last ones and the global decoder's
(dBFI).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.backbones.resnet_mp import Pooled, ResNetMP
from alphamat_deep.layers import (
    Conv,
    Stack,
    batch_norm,
    concatenate,
    fuse_semantic_and_detail,
    refuse_unless_multiples,
    resize,
    upsample_bilinear,
)


@dataclass(frozen=True)
class P3MNetConfig:
    encoder: Callable[..., Any] = ResNetMP
    """Called as `encoder(rngs=…)`; what it returns maps images to `Pooled`, and has `unpool`."""
    narrow_first: bool = False
    """Whether decoders get fewer features by their first convolutions, not by their last."""


class P3MNetOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    local: Float[Array, "B H W 1"]
    """Alpha in the transition; meaningless elsewhere."""
    scores: Float[Array, "B H W 3"]
    """Of background, transition and foreground, as logits."""
    sides: tuple[Float[Array, "B H W 3"], ...]
    """Such scores from inside the global decoder, coarsest first, for training."""


class P3MNet(nnx.Module):
    """The network of P3M-Net, under its authors' names."""

    def __init__(self, config: P3MNetConfig = P3MNetConfig(), *, rngs: nnx.Rngs):
        self.encoder = config.encoder(rngs=rngs)
        conv = partial(Conv, size=3, padding=1, rngs=rngs)
        early = config.narrow_first
        first = 32 if early else 64

        def stack(entering: int, leaving: int, *more: Callable, layers: int = 3) -> Stack:
            inner = [leaving if early else entering] * (layers - 1)
            return decoder((entering, *inner, leaving), *more, rngs=rngs)

        self.tfi_3 = TripartiteIntegration(256, rngs=rngs)
        self.tfi_2 = TripartiteIntegration(128, rngs=rngs)
        self.tfi_1 = TripartiteIntegration(64, rngs=rngs)
        self.tfi_0 = TripartiteIntegration(64, rngs=rngs)
        self.sbfi_2 = BipartiteIntegration(128, first, rngs=rngs)
        self.sbfi_1 = BipartiteIntegration(64, first, rngs=rngs)
        self.sbfi_0 = BipartiteIntegration(64, first, rngs=rngs)
        self.dbfi_2 = DeepIntegration(128, rngs=rngs)
        self.dbfi_1 = DeepIntegration(64, rngs=rngs)
        self.dbfi_0 = DeepIntegration(64, rngs=rngs)
        self.decoder4_g = stack(512, 256, upsample_bilinear)
        self.decoder3_g = stack(256, 128, upsample_bilinear)
        self.decoder2_g = stack(128, 64, upsample_bilinear)
        self.decoder1_g = stack(64, 64, upsample_bilinear)
        last = conv(first, first if early else 3)
        self.decoder0_g = stack(64, first, last, upsample_bilinear, layers=2)
        self.decoder_final_g = conv(first, 3) if early else None
        self.decoder4_l = stack(512, 256)
        self.decoder3_l = stack(256, 128)
        self.decoder2_l = stack(128, 64)
        self.decoder1_l = stack(64, 64)
        self.decoder0_l = stack(64, first, layers=2)
        self.decoder_final_l = conv(first, 1)

    def __call__(
        self, image: Float[Array, "B H W 3"], coarse: Float[Array, "B h w 3"] | None = None
    ) -> P3MNetOutput:
        """Estimate alpha of normalised images, all sides multiples of 32.

        `coarse` are the same ones, smaller: where they are given, the parts are found in them, and
        alpha in the images. No gradient of alpha reaches the global decoder: train it on `scores`
        and `sides`.
        """
        refuse_unless_multiples(32, image)
        size = image.shape[1:3]
        encoded = self.encoder(image)
        scores, sides, levels = self._find_parts(encoded.features[-1])
        local = self._find_detail(encoded, levels)
        if coarse is None:
            alpha = fuse_semantic_and_detail(scores[..., ::-1], local)
        else:
            refuse_unless_multiples(32, coarse)
            scores, sides, _ = self._find_parts(self.encoder(coarse).features[-1])
            alpha = fuse_coarse(scores, local)
            scores = resize(scores, *size)
        return P3MNetOutput(alpha, local, scores, tuple(resize(side, *size) for side in sides))

    def _find_parts(
        self, deep: Float[Array, "B h w 512"]
    ) -> tuple[Array, list[Array], list[Array]]:
        """Return the scores, those from inside, and features at H and W over 16, 8, 4 and 2."""
        levels, sides = [self.decoder4_g(deep)], []
        levels.append(self.decoder3_g(levels[-1]))
        for integrate, decode in (
            (self.dbfi_2, self.decoder2_g),
            (self.dbfi_1, self.decoder1_g),
            (self.dbfi_0, self.decoder0_g),
        ):
            x, side = integrate(levels[-1], deep)
            levels.append(decode(x))
            sides.append(side)
        last = levels.pop()
        return self.decoder_final_g(last) if self.decoder_final_g else last, sides, levels

    def _find_detail(self, encoded: Pooled, levels: Sequence[Array]) -> Float[Array, "B H W 1"]:
        """Return alpha in the transition, from the encoder's features and the global decoder's."""
        whole, half, quarter, eighth, sixteenth, deep = encoded.features
        first, second, third, fourth, fifth = encoded.places
        unpool = self.encoder.unpool
        x = unpool(self.decoder4_l(deep), fifth)
        x = self.tfi_3(levels[0], x, sixteenth)
        x = unpool(self.decoder3_l(x), fourth)
        x = self.sbfi_2(self.tfi_2(levels[1], x, eighth), pool_corners(whole, 8))
        x = unpool(self.decoder2_l(x), third)
        x = self.sbfi_1(self.tfi_1(levels[2], x, quarter), pool_corners(whole, 4))
        x = unpool(self.decoder1_l(x), second)
        x = self.sbfi_0(self.tfi_0(levels[3], x, half), pool_corners(whole, 2))
        x = unpool(self.decoder0_l(x), first)
        return jax.nn.sigmoid(self.decoder_final_l(x))


class TripartiteIntegration(nnx.Module):
    """Join features of the global decoder, the local decoder and the encoder (TFI)."""

    def __init__(self, features: int, *, rngs: nnx.Rngs):
        self.transform = Conv(features, features // 2, 1, bias=False, rngs=rngs)
        self.conv1 = Conv(3 * features // 2, features, 3, padding=1, bias=False, rngs=rngs)
        self.bn1 = batch_norm(features, rngs=rngs)

    def __call__(self, *parts: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        return jax.nn.relu(self.bn1(self.conv1(concatenate(*map(self.transform, parts)))))


class BipartiteIntegration(nnx.Module):
    """Add to features what two convolutions make of them and of others (sBFI)."""

    def __init__(self, features: int, others: int, *, rngs: nnx.Rngs):
        self.transform1 = Conv(features, features // 2, 1, bias=False, rngs=rngs)
        self.transform2 = Conv(others, features // 2, 1, bias=False, rngs=rngs)
        self.conv1 = Conv(features, features, 3, padding=1, bias=False, rngs=rngs)
        self.bn1 = batch_norm(features, rngs=rngs)

    def __call__(
        self, x: Float[Array, "B H W C"], other: Float[Array, "B h w D"]
    ) -> Float[Array, "B H W C"]:
        other = resize(self.transform2(other), *x.shape[1:3])
        return x + jax.nn.relu(self.bn1(self.conv1(concatenate(self.transform1(x), other))))


class DeepIntegration(BipartiteIntegration):
    """The same with the encoder's last features, and scores from the result (dBFI)."""

    def __init__(self, features: int, *, rngs: nnx.Rngs):
        super().__init__(features, 512, rngs=rngs)
        self.conv2 = Conv(features, 3, 3, padding=1, bias=False, rngs=rngs)

    def __call__(
        self, x: Float[Array, "B H W C"], other: Float[Array, "B h w D"]
    ) -> tuple[Float[Array, "B H W C"], Float[Array, "B H W 3"]]:
        x = super().__call__(x, other)
        return x, self.conv2(x)


def decoder(features: tuple[int, ...], *more: Callable, rngs: nnx.Rngs) -> Stack:
    """Return convolutions with normalisation and rectifier, then `more`.

    `features` are those that enter the first, and those that leave each.
    """
    layers = []
    for entering, leaving in pairwise(features):
        layers.append(Conv(entering, leaving, 3, padding=1, rngs=rngs))
        layers += [batch_norm(leaving, rngs=rngs), jax.nn.relu]
    return Stack([*layers, *more])


def pool_corners(x: Float[Array, "B H W C"], step: int) -> Float[Array, "B h w C"]:
    """Return the largest of the first 2 × 2 pixels in each `step` × `step`."""
    return reduce(jnp.maximum, (x[:, i::step, j::step] for i in (0, 1) for j in (0, 1)))


def fuse_coarse(
    scores: Float[Array, "B h w 3"], local: Float[Array, "B H W 1"]
) -> Float[Array, "B H W 1"]:
    """Return 1 and 0 where a smaller picture has foreground or background only, else `local`.

    That is where the nearest four of its pixels, as many as bilinear interpolation takes, agree.
    """
    best = scores.argmax(axis=-1, keepdims=True)

    def only(part: int) -> Array:
        return resize((best != part).astype(local.dtype), *local.shape[1:3]) == 0

    return jnp.where(only(2), 1, jnp.where(only(0), 0, local))
