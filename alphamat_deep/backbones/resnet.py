"""ResNets of bottlenecks, under torchvision's names, with a dilated end.

He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, table 1, as far as
the last block; the 3 × 3 convolution of a block has its stride. The last stage does not halve the
size; its filters are dilated by 2 (Chen, Papandreou, Schroff & Adam, "Rethinking Atrous
Convolution for Semantic Image Segmentation", 2017).
"""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.layers import Conv, apply, batch_norm, rectify

STAGES = ((64, 1), (128, 2), (256, 2), (512, 1))  # inner features, stride of the first block


def resnet50(channels: int = 3, *, rngs: nnx.Rngs) -> ResNet:
    return ResNet((3, 4, 6, 3), channels, rngs=rngs)


def resnet101(channels: int = 3, *, rngs: nnx.Rngs) -> ResNet:
    return ResNet((3, 4, 23, 3), channels, rngs=rngs)


class ResNet(nnx.Module):
    """A ResNet; `depths` are the numbers of blocks in each stage."""

    def __init__(self, depths: tuple[int, ...], channels: int = 3, *, rngs: nnx.Rngs):
        self.features = 64, 256, 512, 2048
        self.conv1 = Conv(channels, 64, 7, stride=2, padding=3, bias=False, rngs=rngs)
        self.bn1 = batch_norm(64, rngs=rngs)
        channels, stages = 64, []
        for stage, (depth, (inner, stride)) in enumerate(zip(depths, STAGES, strict=True), start=1):
            blocks = [Bottleneck(channels, inner, stride, rngs=rngs)]
            channels, dilation = 4 * inner, 2 if stage == 4 else 1
            for _ in range(1, depth):
                blocks.append(Bottleneck(channels, inner, dilation=dilation, rngs=rngs))
            stages.append(nnx.List(blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def __call__(self, x: Float[Array, "B H W C"]) -> tuple[Float[Array, "B _ _ _"], ...]:
        """Return features at H and W over 2, 4, 8 and 16."""
        half = jax.nn.relu(self.bn1(self.conv1(x)))
        around: Any = ((1, 1), (1, 1))
        x = nnx.max_pool(half, (3, 3), (2, 2), padding=around)
        quarter = apply(self.layer1, x)
        eighth = apply(self.layer2, quarter)
        return half, quarter, eighth, apply(self.layer4, apply(self.layer3, eighth))


class Bottleneck(nnx.Module):
    """A residual block with four times as many features outside as inside."""

    def __init__(
        self, channels: int, inner: int, stride: int = 1, dilation: int = 1, *, rngs: nnx.Rngs
    ):
        filtering = {"stride": stride, "padding": dilation, "dilation": dilation}
        self.conv1 = Conv(channels, inner, 1, bias=False, rngs=rngs)
        self.bn1 = batch_norm(inner, rngs=rngs)
        self.conv2 = Conv(inner, inner, 3, bias=False, rngs=rngs, **filtering)
        self.bn2 = batch_norm(inner, rngs=rngs)
        self.conv3 = Conv(inner, 4 * inner, 1, bias=False, rngs=rngs)
        self.bn3 = batch_norm(4 * inner, rngs=rngs)
        projection = []
        if channels != 4 * inner:
            projection.append(Conv(channels, 4 * inner, 1, stride=stride, bias=False, rngs=rngs))
            projection.append(batch_norm(4 * inner, rngs=rngs))
        self.downsample = nnx.List(projection)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        y = jax.nn.relu(self.bn1(self.conv1(x)))
        y = jax.nn.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return rectify(y + apply(self.downsample, x))
