"""MobileNetV2.

Sandler, Howard, Zhu, Zhmoginov & Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
CVPR 2018, table 2, as far as the last convolution.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.layers import activated_conv, apply

STAGES = (  # expansion, features, blocks, stride of the first of them
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
LEVELS = 1, 3, 6, 13, 18  # blocks that are the last of their size
DILATED_LEVELS = 1, 3, 6, 17

conv_relu6 = partial(activated_conv, activation=jax.nn.relu6)


class MobileNetV2(nnx.Module):
    """The backbone.

    With `expand_first` the first block has an expansion, of factor 1, as PaddleSeg's has. With
    `dilated` features end at a sixteenth of the size, with 320 features: the last halving is left
    out, and the filters after it are dilated by 2.
    """

    def __init__(
        self,
        channels: int = 3,
        *,
        expand_first: bool = False,
        dilated: bool = False,
        rngs: nnx.Rngs,
    ):
        self.features = (16, 24, 32, 320) if dilated else (16, 24, 32, 96, 1280)
        self.levels = DILATED_LEVELS if dilated else LEVELS
        blocks: list[Any] = [conv_relu6(channels, 32, 3, stride=2, padding=1, rngs=rngs)]
        channels, dilation = 32, 1
        for expansion, features, count, stride in STAGES:
            replaced = dilated and features == 160  # the stride that would lead to a 32nd
            for at in range(count):
                block = Block(
                    channels,
                    expansion * channels,
                    features,
                    stride=1 if at or replaced else stride,
                    dilation=dilation,
                    expand=expansion > 1 or expand_first,
                    rngs=rngs,
                )
                blocks.append(block)
                channels = features
                dilation = 2 if replaced else dilation
        if not dilated:
            blocks.append(conv_relu6(channels, 1280, 1, rngs=rngs))
        self.blocks = nnx.List(nnx.List(b) if isinstance(b, list) else b for b in blocks)

    def __call__(self, x: Float[Array, "B H W C"]) -> tuple[Float[Array, "B _ _ _"], ...]:
        """Return features at H and W over 2, 4, 8, 16 and, unless dilated, 32."""
        levels = []
        for at, block in enumerate(self.blocks):
            x = apply(block, x) if isinstance(block, nnx.List) else block(x)
            if at in self.levels:
                levels.append(x)
        return tuple(levels)


class Block(nnx.Module):
    """An inverted residual: expand, filter each feature by itself, project without activation."""

    def __init__(
        self,
        channels: int,
        middle: int,
        features: int,
        *,
        stride: int,
        dilation: int,
        expand: bool,
        rngs: nnx.Rngs,
    ):
        self.residual = stride == 1 and channels == features
        layers = conv_relu6(channels, middle, 1, rngs=rngs) if expand else []
        filtering: dict[str, Any] = {"stride": stride, "padding": dilation, "dilation": dilation}
        layers += conv_relu6(middle, middle, 3, groups=middle, rngs=rngs, **filtering)
        layers += conv_relu6(middle, features, 1, rngs=rngs)[:2]
        self.conv = nnx.List(layers)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        y = apply(self.conv, x)
        return x + y if self.residual else y
