"""The ResNet-34 of P3M-Net, under torchvision's names. It halves the size by pooling alone.

He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, table 1, with
strides of 1. The largest of 3 × 3 pixels is taken after the first layer and before each stage of
blocks (Li, Ma, Zhang & Tao, "Privacy-Preserving Portrait Matting", ACM Multimedia 2021).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
from flax import nnx
from jaxtyping import Array, Float, UInt8

from alphamat_deep.layers import (
    Conv,
    apply,
    batch_norm,
    max_pool_overlapping,
    max_unpool_overlapping,
    rectify,
)

DEPTHS = 3, 4, 6, 3  # blocks of each stage
FEATURES = 64, 128, 256, 512


class Pooled(NamedTuple):
    """What a decoder needs of the encoder."""

    features: tuple[Float[Array, "B _ _ _"], ...]
    """At H and W over 1, 2, 4, 8, 16 and 32."""
    places: tuple[UInt8[Array, "B _ _ _"], ...]
    """Of the largest values, by each of the five poolings."""


class ResNetMP(nnx.Module):
    """A ResNet of basic blocks; `depths` are their numbers in each stage."""

    unpool = staticmethod(max_unpool_overlapping)

    def __init__(self, depths: tuple[int, int, int, int] = DEPTHS, *, rngs: nnx.Rngs):
        self.conv1 = Conv(3, 64, 7, padding=3, bias=False, rngs=rngs)
        self.bn1 = batch_norm(64, rngs=rngs)
        stages = []
        for depth, entering, features in zip(depths, (64, *FEATURES), FEATURES, strict=False):
            rest = (BasicBlock(features, features, rngs=rngs) for _ in range(1, depth))
            stages.append(nnx.List([BasicBlock(entering, features, rngs=rngs), *rest]))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def __call__(self, x: Float[Array, "B H W 3"]) -> Pooled:
        x = rectify(self.bn1(self.conv1(x)))
        pooled, place = max_pool_overlapping(x)
        features, places, x = [x, pooled], [place], pooled
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            pooled, place = max_pool_overlapping(x)
            x = apply(stage, pooled)
            features.append(x)
            places.append(place)
        return Pooled(tuple(features), tuple(places))


class BasicBlock(nnx.Module):
    """A residual block of two convolutions."""

    def __init__(self, channels: int, features: int, *, rngs: nnx.Rngs):
        self.conv1 = Conv(channels, features, 3, padding=1, bias=False, rngs=rngs)
        self.bn1 = batch_norm(features, rngs=rngs)
        self.conv2 = Conv(features, features, 3, padding=1, bias=False, rngs=rngs)
        self.bn2 = batch_norm(features, rngs=rngs)
        projection = []
        if channels != features:
            projection.append(Conv(channels, features, 1, bias=False, rngs=rngs))
            projection.append(batch_norm(features, rngs=rngs))
        self.downsample = nnx.List(projection)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W F"]:
        y = jax.nn.relu(self.bn1(self.conv1(x)))
        return rectify(self.bn2(self.conv2(y)) + apply(self.downsample, x))
