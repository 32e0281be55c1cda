"""PP-HumanMatting of PaddleSeg, which is described by its code only.

For portraits of high resolution without a trimap. At a quarter of the size, one decoder (glance)
finds foreground, transition and background, and another (focus) finds alpha in the transition, as
in Li, Zhang, Maybank & Tao, "Bridging Composite and Real: Towards End-to-end Deep Image Matting",
IJCV 2022. A refiner brings alpha to the full size, as in Lin et al., "Real-Time High-Resolution
Background Matting", CVPR 2021, but at every pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.backbones.resnet_vd import resnet34_vd
from alphamat_deep.layers import (
    Conv,
    ConvBNReLU,
    PyramidPooling,
    apply,
    concatenate,
    fuse_semantic_and_detail,
    refuse_unless_multiples,
    resize,
    upsample_bilinear,
    upsample_nearest,
)

SHRINK = 4  # the decoders see the picture at 1/4 of its size
HIDDEN = 32  # features of the focus decoder that the refiner sees
STAGES = (  # of decoders, the finest first: features in, inside and out; dilation
    (128, 64, 64, 1),
    (128, 128, 64, 1),
    (256, 128, 64, 1),
    (512, 256, 128, 1),
    (1024, 512, 256, 2),
)


@dataclass(frozen=True)
class PPHumanMattingConfig:
    """There is nothing to choose."""


class PPHumanMattingOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    alpha_raw: Float[Array, "B h w 1"]
    """Before refinement. This and the fields below are at a quarter of the size."""
    glance: Float[Array, "B h w 3"]
    """Probabilities of foreground, transition and background."""
    focus: Float[Array, "B h w 1"]
    """Alpha in the transition."""
    error: Float[Array, "B h w 1"]
    """The expected error of `alpha_raw`."""


class PPHumanMatting(nnx.Module):
    """The network of PP-HumanMatting."""

    def __init__(self, config: PPHumanMattingConfig = PPHumanMattingConfig(), *, rngs: nnx.Rngs):
        self.config = config
        self.backbone = resnet34_vd(rngs=rngs)
        conv = partial(ConvBNReLU, size=3, rngs=rngs)
        self.psp_module = PyramidPooling(512, 512, rngs=rngs)
        self.psp4 = conv(512, 256, padding=1)
        self.psp3 = conv(512, 128, padding=1)
        self.psp2 = conv(512, 64, padding=1)
        self.psp1 = conv(512, 64, padding=1)
        self.glance = Decoder(3, lead=True, rngs=rngs)
        self.bridge_block = nnx.List(conv(512, 512, padding=2, dilation=2) for _ in range(3))
        self.focus = Decoder(2 + HIDDEN, lead=False, rngs=rngs)
        self.refiner = Refiner(rngs=rngs)

    def __call__(self, image: Float[Array, "B H W 3"]) -> PPHumanMattingOutput:
        """Estimate alpha of images in [-1, 1], H and W multiples of 128."""
        refuse_unless_multiples(32 * SHRINK, image)
        small = resize(image, image.shape[1] // SHRINK, image.shape[2] // SHRINK)
        *details, last = self.backbone(small)
        context = self.psp_module(last)
        contexts = [layer(context) for layer in (self.psp1, self.psp2, self.psp3, self.psp4)]
        glance = jax.nn.softmax(self.glance(concatenate(context, last), contexts))
        bridge = apply(self.bridge_block, last)
        focused = self.focus(concatenate(bridge, last), details)
        focus, error, hidden = jnp.split(focused, (1, 2), axis=-1)
        focus, error, hidden = jax.nn.sigmoid(focus), jnp.clip(error, 0, 1), jax.nn.relu(hidden)
        raw = fuse_semantic_and_detail(glance, focus)
        alpha = self.refiner(image, concatenate(hidden, raw, glance))
        return PPHumanMattingOutput(jnp.clip(alpha, 0, 1), raw, glance, focus, error)


class Decoder(nnx.Module):
    """Stages of three convolutions. Between stages the size is doubled."""

    def __init__(self, features: int, *, lead: bool, rngs: nnx.Rngs):
        conv = partial(ConvBNReLU, size=3, rngs=rngs)
        scores = Conv(64, features, 3, padding=1, rngs=rngs)
        last = [conv(64, 64, padding=1), conv(64, 64, padding=1), scores]
        self.stages = nnx.List([nnx.List(last)])
        for channels, inner, leaving, wide in STAGES:
            layers = [
                conv(channels, inner, padding=1),
                conv(inner, inner, padding=wide, dilation=wide),
                conv(inner, leaving, padding=wide, dilation=wide),
            ]
            self.stages.append(nnx.List(layers))
        self.lead = lead

    def __call__(
        self, x: Float[Array, "B h w C"], more: Sequence[Float[Array, "B _ _ _"]]
    ) -> Float[Array, "B H W F"]:
        """Decode `x`. Each stage but the first also sees one of `more`, which are finest first.

        With `lead` these features come before the stage's own, otherwise after them.
        """
        last, *stages = self.stages
        x = apply(stages.pop(), x)
        for stage, other in zip(stages[::-1], more[::-1], strict=True):
            x = upsample_bilinear(x)
            both = resize(other, *x.shape[1:3]), x
            x = apply(stage, concatenate(*(both if self.lead else both[::-1])))
        return apply(last, upsample_bilinear(x))


class Refiner(nnx.Module):
    """A few convolutions at half and at full size, which see the picture again."""

    def __init__(self, *, rngs: nnx.Rngs):
        conv = partial(ConvBNReLU, size=3, bias=False, rngs=rngs)
        # Zeros are put around the picture once for all four convolutions.
        self.conv1 = conv(HIDDEN + 4 + 3, 24, padding=3)
        self.conv2 = conv(24, 16)
        self.conv3 = conv(16 + 3, 12)
        self.conv4 = Conv(12, 1, 3, rngs=rngs)

    def __call__(
        self, image: Float[Array, "B H W 3"], coarse: Float[Array, "B h w C"]
    ) -> Float[Array, "B H W 1"]:
        half = image.shape[1] // 2, image.shape[2] // 2
        x = concatenate(resize(coarse, *half), resize(image, *half))
        x = upsample_nearest(self.conv2(self.conv1(x)))
        image = jnp.pad(image, [(0, 0), (2, 2), (2, 2), (0, 0)])
        return self.conv4(self.conv3(concatenate(x, image)))
