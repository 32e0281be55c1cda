"""ResNets of the bag of tricks.

He, Zhang, Zhang, Zhang, Xie & Li, "Bag of Tricks for Image Classification with Convolutional Neural
Networks", CVPR 2019, variant D: the first layers are three small convolutions, and shortcuts
average before they project.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.layers import Conv, ConvBN, ConvBNReLU, average_pool, batch_norm, rectify

DEPTHS = 3, 4, 6, 3  # blocks of each stage
FEATURES = 64, 128, 256, 512


def resnet34_vd(channels: int = 3, *, rngs: nnx.Rngs) -> ResNetVD:
    return ResNetVD(BasicBlock, 1, channels, rngs=rngs)


def resnet50_vd(channels: int = 3, *, rngs: nnx.Rngs) -> ResNetVD:
    return ResNetVD(BottleneckBlock, 4, channels, rngs=rngs)


class ResNetVD(nnx.Module):
    """A ResNet whose blocks return `expansion` times as many features as they have inside."""

    def __init__(self, block: type, expansion: int, channels: int = 3, *, rngs: nnx.Rngs):
        layer = partial(ConvBNReLU, padding=1, bias=False, rngs=rngs)
        self.conv1_1 = layer(channels, 32, 3, stride=2)
        self.conv1_2 = layer(32, 32, 3)
        self.conv1_3 = layer(32, 64, 3)
        self.features = (64, *(expansion * features for features in FEATURES))
        for stage, depth in enumerate(DEPTHS):
            channels, inner, outer = self.features[stage], FEATURES[stage], self.features[stage + 1]
            stride = 2 if stage else 1
            short = Shortcut(channels, outer, stride, rngs=rngs)
            first = block(channels, inner, outer, stride, short, rngs=rngs)
            rest = [block(outer, inner, outer, rngs=rngs) for _ in range(1, depth)]
            for at, layer in enumerate((first, *rest)):
                setattr(self, f"bb_{stage}_{at}", layer)

    def __call__(self, x: Float[Array, "B H W C"]) -> tuple[Float[Array, "B _ _ _"], ...]:
        """Return features at H and W over 2, 4, 8, 16 and 32."""
        features = [self.conv1_3(self.conv1_2(self.conv1_1(x)))]
        around: Any = ((1, 1), (1, 1))
        x = nnx.max_pool(features[0], (3, 3), (2, 2), padding=around)
        for stage, depth in enumerate(DEPTHS):
            for at in range(depth):
                x = getattr(self, f"bb_{stage}_{at}")(x)
            features.append(x)
        return tuple(features)


class Shortcut(nnx.Module):
    def __init__(self, channels: int, features: int, stride: int, *, rngs: nnx.Rngs):
        self._conv = Conv(channels, features, 1, bias=False, rngs=rngs)
        self._batch_norm = batch_norm(features, rngs=rngs)
        self.stride = stride

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        return self._batch_norm(self._conv(average_pool(x) if self.stride == 2 else x))


class BasicBlock(nnx.Module):
    def __init__(
        self,
        channels: int,
        inner: int,
        outer: int,
        stride: int = 1,
        short: Shortcut | None = None,
        *,
        rngs: nnx.Rngs,
    ):
        layer = partial(ConvBNReLU, bias=False, rngs=rngs)
        self.conv0 = layer(channels, inner, 3, stride=stride, padding=1)
        self.conv1 = ConvBN(inner, outer, 3, padding=1, bias=False, rngs=rngs)
        self.short = short

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        y = self.conv1(self.conv0(x))
        return rectify(y + (self.short(x) if self.short else x))


class BottleneckBlock(nnx.Module):
    def __init__(
        self,
        channels: int,
        inner: int,
        outer: int,
        stride: int = 1,
        short: Shortcut | None = None,
        *,
        rngs: nnx.Rngs,
    ):
        layer = partial(ConvBNReLU, bias=False, rngs=rngs)
        self.conv0 = layer(channels, inner, 1)
        self.conv1 = layer(inner, inner, 3, stride=stride, padding=1)
        self.conv2 = ConvBN(inner, outer, 1, bias=False, rngs=rngs)
        self.short = short

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        y = self.conv2(self.conv1(self.conv0(x)))
        return rectify(y + (self.short(x) if self.short else x))
