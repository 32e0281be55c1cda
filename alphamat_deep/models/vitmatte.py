"""ViTMatte.

Yao, Wang, Yang & Wang, "ViTMatte: Boosting Image Matting with Pre-trained Plain Vision
Transformers", Information Fusion 103, 2024. A plain vision transformer sees the picture and its
trimap in patches of 16 × 16 pixels, and a few convolutions bring the details back.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.backbones.vit import ViT
from alphamat_deep.layers import (
    Conv,
    apply,
    batch_norm,
    concatenate,
    refuse_unless_multiples,
    upsample_bilinear,
)

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures
DETAILS = 4, 48, 96, 192  # features at 1/1, 1/2, 1/4 and 1/8 of the size
FUSED = 256, 128, 64, 32  # features at 1/8, 1/4, 1/2 and 1/1


@dataclass(frozen=True)
class ViTMatteConfig:
    features: int = 384
    """Of a token of the transformer."""
    heads: int = 6
    """Of its attention."""


class ViTMatteOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]


class ViTMatte(nnx.Module):
    """The network of ViTMatte."""

    def __init__(self, config: ViTMatteConfig = ViTMatteConfig(), *, rngs: nnx.Rngs):
        self.backbone = ViT(4, config.features, config.heads, rngs=rngs)
        self.decoder = DetailCapture(config.features, rngs=rngs)

    def __call__(
        self, image: Float[Array, "B H W 3"], trimap: Float[Array, "B H W 1"]
    ) -> ViTMatteOutput:
        """Estimate alpha of images and trimaps in [0, 1], H and W multiples of 32.

        Attention's time grows with the square of the number of pixels, its memory does not.
        """
        refuse_unless_multiples(32, image)
        mean, std = jnp.asarray([MEAN, STD], image.dtype)
        x = concatenate((image - mean) / std, trimap)
        return ViTMatteOutput(self.decoder(self.backbone(x), x))


class DetailCapture(nnx.Module):
    """Alpha from the transformer's features and, at four sizes, the picture's own."""

    def __init__(self, features: int, *, rngs: nnx.Rngs):
        stream = (BasicConv(*pair, stride=2, rngs=rngs) for pair in pairwise(DETAILS))
        self.convstream = nnx.Dict(convs=nnx.List(stream))
        steps = zip(DETAILS[::-1], pairwise((features, *FUSED)), strict=True)
        self.fusion_blks = nnx.List(Fusion(d + c, f, rngs=rngs) for d, (c, f) in steps)
        last = FUSED[-1]
        head = [Conv(last, 16, 3, padding=1, rngs=rngs), batch_norm(16, rngs=rngs), jax.nn.relu]
        head += [Conv(16, 1, 1, rngs=rngs)]
        self.matting_head = nnx.Dict(matting_convs=nnx.List(head))

    def __call__(
        self, features: Float[Array, "B h w F"], x: Float[Array, "B H W 4"]
    ) -> Float[Array, "B H W 1"]:
        details = [*accumulate(self.convstream.convs, lambda x, conv: conv(x), initial=x)]
        for block, detail in zip(self.fusion_blks, details[::-1], strict=True):
            features = block(features, detail)
        return jax.nn.sigmoid(apply(self.matting_head.matting_convs, features))


class Fusion(nnx.Module):
    """Put features of twice the size beside coarse ones, and mix them."""

    def __init__(self, channels: int, features: int, *, rngs: nnx.Rngs):
        self.conv = BasicConv(channels, features, rngs=rngs)

    def __call__(
        self, coarse: Float[Array, "B h w C"], detail: Float[Array, "B H W D"]
    ) -> Float[Array, "B H W F"]:
        return self.conv(concatenate(detail, upsample_bilinear(coarse)))


class BasicConv(nnx.Module):
    """Convolution, batch normalisation and rectifier, under the authors' names."""

    def __init__(self, channels: int, features: int, *, stride: int = 1, rngs: nnx.Rngs):
        self.conv = Conv(channels, features, 3, stride=stride, padding=1, bias=False, rngs=rngs)
        self.bn = batch_norm(features, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        return jax.nn.relu(self.bn(self.conv(x)))
