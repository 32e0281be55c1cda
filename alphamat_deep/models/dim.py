"""Deep Image Matting.

Xu, Price, Cohen & Huang, "Deep Image Matting", CVPR 2017, as pytorch-deep-image-matting implements
it: section 4.1's encoder and decoder around VGG-16, with or without skip connections, and section
4.2's refinement, whose residual is added to the logit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.layers import Conv, concatenate, max_pool, max_unpool, refuse_unless_multiples

ENCODER = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
DECODER = (64, 64, 128, 256, 512)  # features of deconv1_1 … deconv5_1


@dataclass(frozen=True)
class DIMConfig:
    skip: bool = True
    """Whether the decoder adds the encoder's features."""
    refine: bool = False
    """Whether there is the refinement stage."""


class DIMOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    alpha_raw: Float[Array, "B H W 1"]
    """Before refinement."""


class DIM(nnx.Module):
    """The network of Deep Image Matting."""

    def __init__(self, config: DIMConfig = DIMConfig(), *, rngs: nnx.Rngs):
        self.config = config
        channels = 4
        for stage, features in enumerate(ENCODER, start=1):
            for layer, count in enumerate(features, start=1):
                setattr(
                    self, f"conv{stage}_{layer}", Conv(channels, count, 3, padding=1, rngs=rngs)
                )
                channels = count
        self.conv6_1 = Conv(channels, channels, 3, padding=1, rngs=rngs)
        self.deconv6_1 = Conv(channels, channels, 1, rngs=rngs)
        for stage in range(5, 0, -1):
            features = DECODER[stage - 1]
            setattr(self, f"deconv{stage}_1", Conv(channels, features, 5, padding=2, rngs=rngs))
            channels = features
        self.deconv1 = Conv(channels, 1, 5, padding=2, rngs=rngs)
        if config.refine:
            self.refine_conv1 = Conv(4, 64, 3, padding=1, rngs=rngs)
            self.refine_conv2 = Conv(64, 64, 3, padding=1, rngs=rngs)
            self.refine_conv3 = Conv(64, 64, 3, padding=1, rngs=rngs)
            self.refine_pred = Conv(64, 1, 3, padding=1, rngs=rngs)

    def __call__(
        self, image: Float[Array, "B H W 3"], trimap: Float[Array, "B H W 1"]
    ) -> DIMOutput:
        """Estimate alpha of images normalised as ImageNet's, H and W multiples of 32.

        The trimap is 0 for background, 1 for foreground, and 128/255 between.
        """
        refuse_unless_multiples(32, image)
        x, kept = concatenate(image, trimap), []
        for stage, features in enumerate(ENCODER, start=1):
            for layer in range(1, len(features) + 1):
                x = jax.nn.relu(getattr(self, f"conv{stage}_{layer}")(x))
            top, place = max_pool(x)
            kept.append((x, place))
            x = top
        x = jax.nn.relu(self.conv6_1(x))
        x = jax.nn.relu(self.deconv6_1(x))
        for stage in range(5, 0, -1):
            encoded, place = kept.pop()
            x = max_unpool(x, place)
            if self.config.skip:
                x = x + encoded
            x = jax.nn.relu(getattr(self, f"deconv{stage}_1")(x))
        logit = self.deconv1(x)
        raw = jax.nn.sigmoid(logit)
        if not self.config.refine:
            return DIMOutput(raw, raw)
        return DIMOutput(jax.nn.sigmoid(logit + self._residual(image, raw)), raw)

    def _residual(self, image: Array, alpha: Array) -> Array:
        x = concatenate(image, alpha)
        for layer in self.refine_conv1, self.refine_conv2, self.refine_conv3:
            x = jax.nn.relu(layer(x))
        return self.refine_pred(x)
