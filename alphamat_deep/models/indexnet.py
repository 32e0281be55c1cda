"""IndexNet Matting.

Lu, Dai, Shen & Xu, "Indices Matter: Learning to Index for Deep Image Matting", ICCV 2019, with the
depthwise index networks of the published weights (many to one, nonlinear, with context). They weigh
every four pixels. The encoder adds up four weighed pixels where it halves the size; the decoder
multiplies a value by four weights where it doubles the size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.backbones.mobilenet_v2 import STAGES
from alphamat_deep.layers import (
    Conv,
    Stack,
    activated_conv,
    apply,
    average_pool,
    concatenate,
    global_average_pool,
    refuse_unless_multiples,
    upsample_nearest,
)

INDEXED = {0: 32, 2: 24, 3: 32, 4: 64, 6: 160}  # stages after which the size halves: features
DECODED = 32, 32, 16, 24, 32, 64, 96  # features of decoder_layer0 … decoder_layer6

conv_relu6 = partial(activated_conv, activation=jax.nn.relu6)


@dataclass(frozen=True)
class IndexNetConfig:
    """There is nothing to choose."""


class IndexNetOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    """Not limited to [0, 1]."""


class IndexNet(nnx.Module):
    """The network of IndexNet Matting, on a MobileNetV2."""

    def __init__(self, config: IndexNetConfig = IndexNetConfig(), *, rngs: nnx.Rngs):
        self.config = config
        self.layer0 = Stack(conv_relu6(4, 32, 3, padding=1, rngs=rngs))
        channels, encoded = 32, [32]
        for stage, (expansion, features, count, _) in enumerate(STAGES, start=1):
            first = Block(channels, expansion, features, rngs=rngs)
            rest = (Block(features, expansion, features, rngs=rngs) for _ in range(1, count))
            setattr(self, f"layer{stage}", Stack([first, *rest]))
            channels = features
            encoded.append(features)
        for stage, features in INDEXED.items():
            setattr(self, f"index{stage}", Indices(features, rngs=rngs))
        self.dconv_pp = ASPP(encoded.pop(), encoded[-1], rngs=rngs)
        for stage, (features, entering) in enumerate(zip(DECODED, encoded, strict=True)):
            layers = conv_relu6(2 * entering, features, 5, padding=2, rngs=rngs)
            setattr(self, f"decoder_layer{stage}", Stack(layers))
        scores = Stack(conv_relu6(DECODED[0], 1, 5, padding=2, rngs=rngs))
        self.pred = Stack([scores, Conv(1, 1, 5, padding=2, bias=False, rngs=rngs)])

    def __call__(
        self,
        image: Float[Array, "B H W 3"],
        trimap: Float[Array, "B H W 1"],
        rngs: nnx.Rngs | None = None,
    ) -> IndexNetOutput:
        """Estimate alpha of images normalised as ImageNet's, H and W multiples of 32.

        The trimap is 0 for background, 1 for foreground, and 128/255 between. In training `rngs`
        draws the dropout.
        """
        refuse_unless_multiples(32, image)
        x, kept = concatenate(image, trimap), []
        for stage in range(len(DECODED)):
            x, indices = getattr(self, f"layer{stage}")(x), None
            if stage in INDEXED:
                weights, indices = getattr(self, f"index{stage}")(x)
                x = weights * x
            kept.append((x, indices))
            if stage in INDEXED:
                x = 4 * average_pool(x)
        x = self.dconv_pp(getattr(self, f"layer{len(DECODED)}")(x), rngs)
        for stage in reversed(range(len(DECODED))):
            encoded, indices = kept.pop()
            if indices is not None:
                x = indices * upsample_nearest(x)
            x = getattr(self, f"decoder_layer{stage}")(concatenate(x, encoded))
        return IndexNetOutput(self.pred(x))


class Block(nnx.Module):
    """An inverted residual of MobileNetV2 that puts zeros around its input before it expands it."""

    def __init__(self, channels: int, expansion: int, features: int, *, rngs: nnx.Rngs):
        middle = expansion * channels
        layers = conv_relu6(channels, middle, 1, rngs=rngs) if expansion > 1 else []
        layers += conv_relu6(middle, middle, 3, groups=middle, rngs=rngs)
        layers += conv_relu6(middle, features, 1, rngs=rngs)[:2]
        self.conv = nnx.List(layers)
        self.residual = channels == features

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W F"]:
        y = apply(self.conv, jnp.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)]))
        return x + y if self.residual else y


class Indices(nnx.Module):
    """Weights of every 2 × 2 pixels, by feature; each of the four has a network."""

    def __init__(self, features: int, *, rngs: nnx.Rngs):
        for at in range(1, 5):
            seen = conv_relu6(features, features, 4, stride=2, padding=1, rngs=rngs)
            last = Conv(features, features, 1, bias=False, rngs=rngs)
            setattr(self, f"indexnet{at}", Stack([*seen, last]))

    def __call__(
        self, x: Float[Array, "B H W C"]
    ) -> tuple[Float[Array, "B H W C"], Float[Array, "B H W C"]]:
        """Return weights for the encoder, which add up to 1 over the four, and for the decoder."""
        four = [getattr(self, f"indexnet{at}")(x) for at in range(1, 5)]
        free = jax.nn.sigmoid(jnp.stack(four, axis=3))
        return spread(jax.nn.softmax(free, axis=3)), spread(free)


class ASPP(nnx.Module):
    """Atrous spatial pyramid pooling: filters of several widths, side by side.

    Chen, Papandreou, Schroff & Adam, "Rethinking Atrous Convolution for Semantic Image
    Segmentation", 2017; the filters see each feature by itself.
    """

    def __init__(self, channels: int, features: int, *, rngs: nnx.Rngs):
        conv = partial(conv_relu6, rngs=rngs)
        self.aspp1 = Stack(conv(channels, 256, 1))
        for at, wide in enumerate((2, 4, 8), start=2):
            options: dict[str, Any] = {"padding": wide, "dilation": wide, "groups": channels}
            layers = conv(channels, channels, 3, **options) + conv(channels, 256, 1)
            setattr(self, f"aspp{at}", Stack(layers))
        self.global_avg_pool = Stack([global_average_pool, *conv(channels, 256, 1)])
        self.bottleneck_conv = Stack(conv(5 * 256, features, 1))
        self.dropout = nnx.Dropout(0.5)

    def __call__(
        self, x: Float[Array, "B H W C"], rngs: nnx.Rngs | None = None
    ) -> Float[Array, "B H W F"]:
        parts = [getattr(self, f"aspp{at}")(x) for at in range(1, 5)]
        parts.append(jnp.broadcast_to(self.global_avg_pool(x), parts[0].shape))
        return self.dropout(self.bottleneck_conv(concatenate(*parts)), rngs=rngs)


def spread(x: Float[Array, "B h w 4 C"]) -> Float[Array, "B 2*h 2*w C"]:
    """Put each four values where their pixels are, row by row."""
    B, h, w, _, C = x.shape
    return x.reshape(B, h, w, 2, 2, C).swapaxes(2, 3).reshape(B, 2 * h, 2 * w, C)
