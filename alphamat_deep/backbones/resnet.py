"""ResNets of bottlenecks, under torchvision's names, with a dilated end.

He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, table 1, as far as
the last block; the 3 × 3 convolution of a block has its stride. The last stage, or the last two, do
not halve the size; their filters are dilated (Chen, Papandreou, Schroff & Adam, "Rethinking Atrous
Convolution for Semantic Image Segmentation", 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.layers import Conv, apply, batch_norm, rectify


class Stage(NamedTuple):
    inner: int
    """Features inside a block."""
    stride: int = 1
    """Of the first block."""
    first: int = 1
    """Dilation of the first block."""
    rest: int = 1
    """Dilation of the others."""


TO_SIXTEENTH = Stage(64), Stage(128, 2), Stage(256, 2), Stage(512, 1, 1, 2)
TO_EIGHTH = Stage(64), Stage(128, 2), Stage(256, 1, 1, 2), Stage(512, 1, 2, 4)


def resnet50(channels: int = 3, *, rngs: nnx.Rngs) -> ResNet:
    return ResNet((3, 4, 6, 3), channels, rngs=rngs)


def resnet101(channels: int = 3, *, rngs: nnx.Rngs) -> ResNet:
    return ResNet((3, 4, 23, 3), channels, rngs=rngs)


class ResNet(nnx.Module):
    """A ResNet; `depths` are the numbers of blocks in each stage."""

    def __init__(
        self,
        depths: tuple[int, ...],
        channels: int = 3,
        stages: tuple[Stage, ...] = TO_SIXTEENTH,
        *,
        conv: Callable[..., Conv] = Conv,
        norm: Callable[..., Any] = batch_norm,
        rngs: nnx.Rngs,
    ):
        self.features = 64, 256, 512, 2048
        self.conv1 = conv(channels, 64, 7, stride=2, padding=3, bias=False, rngs=rngs)
        self.bn1 = norm(64, rngs=rngs)
        block = partial(Bottleneck, conv=conv, norm=norm, rngs=rngs)
        channels, layers = 64, []
        for depth, (inner, stride, first, dilation) in zip(depths, stages, strict=True):
            blocks = [block(channels, inner, stride, first)]
            channels = 4 * inner
            blocks += [block(channels, inner, dilation=dilation) for _ in range(1, depth)]
            layers.append(nnx.List(blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = layers

    def __call__(self, x: Float[Array, "B H W C"]) -> tuple[Float[Array, "B _ _ _"], ...]:
        """Return features after the first layer, and after stages 1, 2 and 4."""
        half = jax.nn.relu(self.bn1(self.conv1(x)))
        around: Any = ((1, 1), (1, 1))
        x = nnx.max_pool(half, (3, 3), (2, 2), padding=around)
        quarter = apply(self.layer1, x)
        eighth = apply(self.layer2, quarter)
        return half, quarter, eighth, apply(self.layer4, apply(self.layer3, eighth))


class Bottleneck(nnx.Module):
    """A residual block with four times as many features outside as inside."""

    def __init__(
        self,
        channels: int,
        inner: int,
        stride: int = 1,
        dilation: int = 1,
        *,
        conv: Callable[..., Conv],
        norm: Callable[..., Any],
        rngs: nnx.Rngs,
    ):
        conv, norm = partial(conv, bias=False, rngs=rngs), partial(norm, rngs=rngs)
        filtering = {"stride": stride, "padding": dilation, "dilation": dilation}
        self.conv1, self.bn1 = conv(channels, inner, 1), norm(inner)
        self.conv2, self.bn2 = conv(inner, inner, 3, **filtering), norm(inner)
        self.conv3, self.bn3 = conv(inner, 4 * inner, 1), norm(4 * inner)
        projection = []
        if channels != 4 * inner:
            projection = [conv(channels, 4 * inner, 1, stride=stride), norm(4 * inner)]
        self.downsample = nnx.List(projection)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        y = jax.nn.relu(self.bn1(self.conv1(x)))
        y = jax.nn.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return rectify(y + apply(self.downsample, x))
