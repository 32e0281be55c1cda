"""F, B, Alpha Matting.

Forte & Pitié, "F, B, Alpha Matting", arXiv:2003.07711, 2020. One network estimates alpha, and the
colours F of the foreground and B of the background; a last step makes the three agree with the
picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.backbones.resnet import TO_EIGHTH, ResNet
from alphamat_deep.layers import (
    AdaptiveAveragePool,
    Conv,
    Stack,
    StandardisedConv,
    apply,
    concatenate,
    group_norm,
    refuse_unless_multiples,
    resize,
    upsample_bilinear,
)

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures
BINS = 1, 2, 3, 6  # of the pyramid pooling
STEADINESS = 0.1  # the weight of the network's own alpha in the last step

leaky_relu = partial(jax.nn.leaky_relu, negative_slope=0.01)


@dataclass(frozen=True)
class FBAConfig:
    depths: tuple[int, int, int, int] = (3, 4, 6, 3)
    """Blocks in each stage of the ResNet."""


class FBAOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    foreground: Float[Array, "B H W 3"]
    background: Float[Array, "B H W 3"]


class FBA(nnx.Module):
    """The network of F, B, Alpha Matting, with group normalisation."""

    def __init__(self, config: FBAConfig = FBAConfig(), *, rngs: nnx.Rngs):
        options = {"conv": StandardisedConv, "norm": group_norm, "rngs": rngs}
        self.encoder = ResNet(config.depths, 3 + 6 + 2, TO_EIGHTH, **options)
        self.decoder = Decoder(rngs=rngs)

    def __call__(
        self, image: Float[Array, "B H W 3"], trimap: Float[Array, "B H W 8"]
    ) -> FBAOutput:
        """Estimate alpha and colours of images in [0, 1], H and W multiples of 8.

        The trimap's first two features are 1 on the known background and on the known foreground.
        The next three say how near the known background is, from 0 to 1, in three widths; the last
        three say it of the known foreground.
        """
        refuse_unless_multiples(8, image)
        mean, std = jnp.asarray([MEAN, STD], image.dtype)
        normalised, known, near = (image - mean) / std, trimap[..., :2], trimap[..., 2:]
        levels = self.encoder(concatenate(normalised, near, known))
        y = self.decoder(levels, concatenate(normalised, image, known))
        alpha = jnp.clip(y[..., :1], 0, 1)
        colours = jax.nn.sigmoid(y[..., 1:])
        return fuse(image, alpha, colours[..., :3], colours[..., 3:])


class Decoder(nnx.Module):
    """Alpha (not limited to [0, 1]), and the logits of F and B."""

    def __init__(self, *, rngs: nnx.Rngs):
        conv = partial(activated_conv, rngs=rngs)
        self.ppm = nnx.List(
            nnx.List([AdaptiveAveragePool(bins), *conv(2048, 256, 1)]) for bins in BINS
        )
        layers = conv(2048 + len(BINS) * 256, 256, 3, padding=1) + conv(256, 256, 3, padding=1)
        self.conv_up1 = Stack(layers)
        self.conv_up2 = Stack(conv(256 + 256, 256, 3, padding=1))
        self.conv_up3 = Stack(conv(256 + 64, 64, 3, padding=1))
        last = [Conv(64 + 8, 32, 3, padding=1, rngs=rngs), leaky_relu]
        last += [Conv(32, 16, 3, padding=1, rngs=rngs), leaky_relu, Conv(16, 7, 1, rngs=rngs)]
        self.conv_up4 = Stack(last)

    def __call__(
        self, levels: tuple[Float[Array, "B _ _ _"], ...], inputs: Float[Array, "B H W 8"]
    ) -> Float[Array, "B H W 7"]:
        half, quarter, _, last = levels
        context = [resize(apply(pooling, last), *last.shape[1:3]) for pooling in self.ppm]
        x = self.conv_up1(concatenate(last, *context))
        x = self.conv_up2(concatenate(upsample_bilinear(x), quarter))
        x = self.conv_up3(concatenate(upsample_bilinear(x), half))
        return self.conv_up4(concatenate(upsample_bilinear(x), inputs))


def activated_conv(channels: int, features: int, size: int, *, rngs: nnx.Rngs, **options) -> list:
    """Return a standardised convolution, group normalisation and a leaky rectifier."""
    conv = StandardisedConv(channels, features, size, rngs=rngs, **options)
    return [conv, group_norm(features, rngs=rngs), leaky_relu]


def fuse(
    image: Float[Array, "B H W 3"],
    alpha: Float[Array, "B H W 1"],
    F: Float[Array, "B H W 3"],
    B: Float[Array, "B H W 3"],
) -> FBAOutput:
    """Make alpha, F and B agree with the image, I = alpha F + (1 - alpha) B, one after another.

    F and B take their shares of what is missing. Alpha then minimises
    |I - alpha F - (1 - alpha) B|² + `STEADINESS` (alpha - the network's)².
    """
    F = F + alpha * (image - alpha * F - (1 - alpha) * B)
    B = B + (1 - alpha) * (image - alpha * F - (1 - alpha) * B)
    F, B = jnp.clip(F, 0, 1), jnp.clip(B, 0, 1)
    along = ((image - B) * (F - B)).sum(-1, keepdims=True)
    apart = jnp.square(F - B).sum(-1, keepdims=True)
    alpha = (STEADINESS * alpha + along) / (STEADINESS + apart)
    return FBAOutput(jnp.clip(alpha, 0, 1), F, B)
