"""Short-term dense concatenation.

Fan et al., "Rethinking BiSeNet for Real-time Semantic Segmentation", CVPR 2021: a block's
convolutions have fewer and fewer features, and its output is all of them side by side.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any

from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.layers import Conv, ConvBNReLU, apply, batch_norm, concatenate

DEPTHS = 1, 1, 2, 2, 2  # layers of each stage: two convolutions, then blocks


class STDC1(nnx.Module):
    """The smaller of the paper's two networks. Its `layers` are the authors' `features`."""

    features = 32, 64, 256, 512, 1024

    def __init__(self, channels: int = 3, *, rngs: nnx.Rngs):
        half, quarter, *rest = self.features
        conv = partial(ConvBNReLU, stride=2, padding=1, bias=False, rngs=rngs)
        self.layers: nnx.List[Any] = nnx.List([conv(channels, half, 3), conv(half, quarter, 3)])
        channels = quarter
        for features, depth in zip(rest, DEPTHS[2:], strict=True):
            for at in range(depth):
                self.layers.append(Block(channels, features, 1 if at else 2, rngs=rngs))
                channels = features

    def __call__(self, x: Float[Array, "B H W C"]) -> tuple[Float[Array, "B _ _ _"], ...]:
        """Return features at H and W over 2, 4, 8, 16 and 32."""
        layers, features = iter(self.layers), []
        for depth in DEPTHS:
            x = apply(islice(layers, depth), x)
            features.append(x)
        return tuple(features)


class Block(nnx.Module):
    """Four convolutions in a row, whose outputs are put side by side."""

    def __init__(self, channels: int, features: int, stride: int, *, rngs: nnx.Rngs):
        half, quarter, eighth = features // 2, features // 4, features // 8
        conv = partial(ConvBNReLU, bias=False, rngs=rngs)
        self.conv_list = nnx.List(
            [
                conv(channels, half, 1),
                conv(half, quarter, 3, padding=1),
                conv(quarter, eighth, 3, padding=1),
                conv(eighth, eighth, 3, padding=1),
            ]
        )
        self.avd_layer = nnx.List()
        if stride == 2:
            fewer = Conv(half, half, 3, stride=2, padding=1, groups=half, bias=False, rngs=rngs)
            self.avd_layer = nnx.List([fewer, batch_norm(half, rngs=rngs)])

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        first, *rest = self.conv_list
        x = first(x)
        found = [average_pool_3x3(x) if self.avd_layer else x]
        x = apply(self.avd_layer, x)
        for conv in rest:
            x = conv(x)
            found.append(x)
        return concatenate(*found)


def average_pool_3x3(x: Array) -> Array:
    """Average the 3 × 3 pixels around every second one, or fewer at the border."""
    around: Any = ((1, 1), (1, 1))
    means = nnx.avg_pool(x, (3, 3), (2, 2), padding=around, count_include_pad=False)
    return means.astype(x.dtype)  # the counts, of float32, have changed it
