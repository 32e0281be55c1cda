"""DIM-VGG16 of PaddleSeg.

Xu, Price, Cohen & Huang, "Deep Image Matting", CVPR 2017, with bilinear upsampling and skip
connections where the paper unpools, no biases, and a residual that is at least 0 and is added to
alpha.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.layers import Conv, ConvBNReLU, concatenate, max_pool, resize
from alphamat_deep.models.dim import DECODER, ENCODER


@dataclass(frozen=True)
class PPDIMConfig:
    refine: bool = True
    """Whether there is the refinement stage."""


class PPDIMOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    alpha_raw: Float[Array, "B H W 1"]
    """Before refinement."""


class PPDIM(nnx.Module):
    """PaddleSeg's network of Deep Image Matting."""

    def __init__(self, config: PPDIMConfig = PPDIMConfig(), *, rngs: nnx.Rngs):
        self.backbone = VGG(rngs=rngs)
        self.decoder = Decoder(rngs=rngs)
        self.refine = Refine(rngs=rngs) if config.refine else None
        self.deterministic = False

    def __call__(
        self, image: Float[Array, "B H W 3"], trimap: Float[Array, "B H W 1"]
    ) -> PPDIMOutput:
        """Estimate alpha of images in [-1, 1], H and W at least 32, with a trimap in 0 … 255.

        In training alpha is not clipped to [0, 1], because clipping would stop the gradient.
        """
        raw = self.decoder(self.backbone(concatenate(image, trimap / 255)))
        if self.refine is None:
            return PPDIMOutput(raw, raw)
        alpha = raw + self.refine(concatenate(image, raw))
        return PPDIMOutput(jnp.clip(alpha, 0, 1) if self.deterministic else alpha, raw)


class VGG(nnx.Module):
    """VGG-16's convolutions without biases, and one more."""

    def __init__(self, *, rngs: nnx.Rngs):
        channels = 4
        for stage, features in enumerate(ENCODER, start=1):
            setattr(self, f"_conv_block_{stage}", ConvBlock(channels, features, rngs=rngs))
            channels = features[-1]
        self._conv_6 = Conv(channels, channels, 3, padding=1, bias=False, rngs=rngs)

    def __call__(self, x: Array) -> list[Array]:
        """Return features at H and W over 1, 2, 4, 8, 16, and over 32."""
        features = []
        for stage in range(1, len(ENCODER) + 1):
            features.append(getattr(self, f"_conv_block_{stage}")(x))
            x, _ = max_pool(features[-1])
        return [*features, jax.nn.relu(self._conv_6(x))]


class ConvBlock(nnx.Module):
    def __init__(self, channels: int, features: tuple[int, ...], *, rngs: nnx.Rngs):
        self.count = len(features)
        for layer, count in enumerate(features, start=1):
            conv = Conv(channels, count, 3, padding=1, bias=False, rngs=rngs)
            setattr(self, f"_conv_{layer}", conv)
            channels = count

    def __call__(self, x: Array) -> Array:
        for layer in range(1, self.count + 1):
            x = jax.nn.relu(getattr(self, f"_conv_{layer}")(x))
        return x


class Decoder(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        channels = ENCODER[-1][-1]
        self.deconv6 = Conv(channels, channels, 1, bias=False, rngs=rngs)
        for stage in range(5, 0, -1):
            setattr(self, f"deconv{stage}", Up(channels, DECODER[stage - 1], rngs=rngs))
            channels = DECODER[stage - 1]
        self.alpha_conv = Conv(channels, 1, 5, padding=2, bias=False, rngs=rngs)

    def __call__(self, features: list[Array]) -> Array:
        x = self.deconv6(features[-1])
        for stage in range(5, 0, -1):
            x = getattr(self, f"deconv{stage}")(x, features[stage - 1])
        return jax.nn.sigmoid(self.alpha_conv(x))


class Up(nnx.Module):
    def __init__(self, channels: int, features: int, *, rngs: nnx.Rngs):
        self.conv = ConvBNReLU(channels, features, 5, padding=2, bias=False, rngs=rngs)

    def __call__(self, x: Array, skip: Array) -> Array:
        return self.conv(resize(x, *skip.shape[1:3]) + skip)


class Refine(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.conv1 = ConvBNReLU(4, 64, 3, padding=1, bias=False, rngs=rngs)
        self.conv2 = ConvBNReLU(64, 64, 3, padding=1, bias=False, rngs=rngs)
        self.conv3 = ConvBNReLU(64, 64, 3, padding=1, bias=False, rngs=rngs)
        self.alpha_pred = ConvBNReLU(64, 1, 3, padding=1, bias=False, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        return self.alpha_pred(self.conv3(self.conv2(self.conv1(x))))
