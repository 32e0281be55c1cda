"""MobileNetV3-Large.

Howard et al., "Searching for MobileNetV3", ICCV 2019, table 1, as far as the last convolution. The
last three blocks are dilated and do not halve the size: features end at 1/16.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.layers import BatchNorm, Conv, Stack, global_average_pool

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RELU, SWISH = jax.nn.relu, jax.nn.hard_swish
BLOCKS = (  # kernel, expanded features, squeezed ones, features, activation, stride, dilation
    (3, 16, 0, 16, RELU, 1, 1),
    (3, 64, 0, 24, RELU, 2, 1),
    (3, 72, 0, 24, RELU, 1, 1),
    (5, 72, 24, 40, RELU, 2, 1),
    (5, 120, 32, 40, RELU, 1, 1),
    (5, 120, 32, 40, RELU, 1, 1),
    (3, 240, 0, 80, SWISH, 2, 1),
    (3, 200, 0, 80, SWISH, 1, 1),
    (3, 184, 0, 80, SWISH, 1, 1),
    (3, 184, 0, 80, SWISH, 1, 1),
    (3, 480, 120, 112, SWISH, 1, 1),
    (3, 672, 168, 112, SWISH, 1, 1),
    (5, 672, 168, 160, SWISH, 1, 2),
    (5, 960, 240, 160, SWISH, 1, 2),
    (5, 960, 240, 160, SWISH, 1, 2),
)
LEVELS = 1, 3, 6, 16  # layers that are the last of their size


class MobileNetV3(nnx.Module):
    """The backbone. It takes colours in [0, 1] and normalises them itself."""

    features = 16, 24, 40, 960

    def __init__(self, *, rngs: nnx.Rngs):
        layers: list[Any] = [conv_norm_activation(3, 16, 3, SWISH, stride=2, rngs=rngs)]
        channels = 16
        for size, middle, squeezed, features, activation, stride, dilation in BLOCKS:
            sizes = channels, middle, squeezed, features, size
            options = {"stride": stride, "dilation": dilation, "rngs": rngs}
            layers.append(Block(*sizes, activation, **options))
            channels = features
        layers.append(conv_norm_activation(channels, 960, 1, SWISH, rngs=rngs))
        self.layers = nnx.List(layers)

    def __call__(self, x: Float[Array, "B H W 3"]) -> tuple[Float[Array, "B _ _ _"], ...]:
        """Return features at H and W over 2, 4, 8 and 16, rounded up."""
        x = (x - jnp.asarray(MEAN, x.dtype)) / jnp.asarray(STD, x.dtype)
        levels = []
        for at, layer in enumerate(self.layers):
            x = layer(x)
            if at in LEVELS:
                levels.append(x)
        return tuple(levels)


class Block(nnx.Module):
    """An inverted residual, as in MobileNetV2, with or without squeeze and excitation."""

    def __init__(
        self,
        channels: int,
        middle: int,
        squeezed: int,
        features: int,
        size: int,
        activation: Callable,
        *,
        stride: int,
        dilation: int,
        rngs: nnx.Rngs,
    ):
        self.residual = stride == 1 and channels == features
        options = {"stride": stride, "dilation": dilation, "groups": middle}
        layers = []
        if middle != channels:
            layers.append(conv_norm_activation(channels, middle, 1, activation, rngs=rngs))
        layers.append(conv_norm_activation(middle, middle, size, activation, rngs=rngs, **options))
        if squeezed:
            layers.append(SqueezeExcitation(middle, squeezed, rngs=rngs))
        layers.append(conv_norm_activation(middle, features, 1, rngs=rngs))
        self.block = Stack(layers)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        y = self.block(x)
        return x + y if self.residual else y


class SqueezeExcitation(nnx.Module):
    """Weight each feature by a factor computed from the whole picture.

    Hu, Shen & Sun, "Squeeze-and-Excitation Networks", CVPR 2018.
    """

    def __init__(self, channels: int, squeezed: int, *, rngs: nnx.Rngs):
        self.fc1 = Conv(channels, squeezed, 1, rngs=rngs)
        self.fc2 = Conv(squeezed, channels, 1, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        squeezed = jax.nn.relu(self.fc1(global_average_pool(x)))
        return x * jax.nn.hard_sigmoid(self.fc2(squeezed))


def conv_norm_activation(
    channels: int,
    features: int,
    size: int,
    *activation: Callable,
    dilation: int = 1,
    rngs: nnx.Rngs,
    **options,
) -> Stack:
    """Return a convolution, padded to keep the size, its normalisation and an activation if any."""
    options |= {"padding": dilation * (size // 2), "dilation": dilation, "bias": False}
    conv = Conv(channels, features, size, rngs=rngs, **options)
    # The paper's constants, which are TensorFlow's, not PyTorch's.
    norm = BatchNorm(features, momentum=0.99, epsilon=1e-3, rngs=rngs)
    return Stack([conv, norm, *activation])
