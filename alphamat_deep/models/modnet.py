"""MODNet, for portraits without a trimap.

Ke, Sun, Li, Yan & Lau, "MODNet: Real-Time Trimap-Free Portrait Matting via Objective
Decomposition", AAAI 2022: one branch finds the person at low resolution, one finds the boundary at
high resolution, and a third fuses both (section 3). PaddleSeg's has other norms and backbones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.backbones.mobilenet_v2 import MobileNetV2
from alphamat_deep.layers import (
    Conv,
    apply,
    batch_norm,
    concatenate,
    global_average_pool,
    instance_norm,
    refuse_unless_multiples,
    resize,
    upsample_bilinear,
)


@dataclass(frozen=True)
class MODNetConfig:
    backbone: Callable[..., Any] = MobileNetV2
    """Called as `backbone(rngs=…)`; what it returns maps images to features at 1/2 … 1/32."""
    affine: bool = False
    """Whether instance normalisation has a scale and a bias, as PaddleSeg's has."""
    features: int = 32
    """Of the branch of high resolution."""


class MODNetOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    semantic: Float[Array, "B H/16 W/16 1"]
    """Alpha, coarse and smooth."""
    detail: Float[Array, "B H W 1"]
    """Alpha along the boundary of the foreground; meaningless elsewhere."""


class IBNorm(nnx.Module):
    """Normalise half of the features by batch, the other half by picture."""

    def __init__(self, features: int, *, affine: bool, rngs: nnx.Rngs):
        self.half = features // 2
        self.bnorm = batch_norm(self.half, rngs=rngs)
        self.inorm = instance_norm(features - self.half, affine=affine, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        parts = self.bnorm(x[..., : self.half]), self.inorm(x[..., self.half :])
        return concatenate(*parts)


class ConvIBNormReLU(nnx.Module):
    """A convolution, padded to keep the size, both normalisations, and a rectifier."""

    def __init__(
        self,
        channels: int,
        features: int,
        size: int,
        *,
        stride: int = 1,
        affine: bool,
        rngs: nnx.Rngs,
    ):
        conv = Conv(channels, features, size, stride=stride, padding=size // 2, rngs=rngs)
        self.layers = nnx.List([conv, IBNorm(features, affine=affine, rngs=rngs), jax.nn.relu])

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        return apply(self.layers, x)


class Probability(nnx.Module):
    """One feature in (0, 1)."""

    def __init__(self, channels: int, size: int, *, stride: int = 1, rngs: nnx.Rngs):
        self.layers = nnx.List(
            [Conv(channels, 1, size, stride=stride, padding=size // 2, rngs=rngs), jax.nn.sigmoid]
        )

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w 1"]:
        return apply(self.layers, x)


class SEBlock(nnx.Module):
    """Weight each feature by a factor computed from the whole picture.

    Hu, Shen & Sun, "Squeeze-and-Excitation Networks", CVPR 2018.
    """

    def __init__(self, channels: int, *, rngs: nnx.Rngs):
        squeeze = Conv(channels, channels // 4, 1, bias=False, rngs=rngs)
        excite = Conv(channels // 4, channels, 1, bias=False, rngs=rngs)
        self.fc = nnx.List([squeeze, jax.nn.relu, excite, jax.nn.sigmoid])

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        return x * apply(self.fc, global_average_pool(x))


class LRBranch(nnx.Module):
    """Semantic estimation (section 3.2): low resolution."""

    def __init__(self, encoded: tuple[int, ...], *, block: Callable, rngs: nnx.Rngs):
        self.se_block = SEBlock(encoded[4], rngs=rngs)
        self.conv_lr16x = block(encoded[4], encoded[3], 5)
        self.conv_lr8x = block(encoded[3], encoded[2], 5)
        self.conv_lr = Probability(encoded[2], 3, stride=2, rngs=rngs)

    def __call__(
        self, enc32x: Float[Array, "B h w C"]
    ) -> tuple[Float[Array, "B H W 1"], Float[Array, "B 4*h 4*w F"]]:
        lr16x = self.conv_lr16x(upsample_bilinear(self.se_block(enc32x)))
        lr8x = self.conv_lr8x(upsample_bilinear(lr16x))
        return self.conv_lr(lr8x), lr8x


class HRBranch(nnx.Module):
    """Detail prediction (section 3.3): high resolution."""

    def __init__(self, features: int, encoded: tuple[int, ...], *, block: Callable, rngs: nnx.Rngs):
        few, many = features, 2 * features
        self.tohr_enc2x = block(encoded[0], few, 1)
        self.conv_enc2x = block(few + 3, few, 3, stride=2)
        self.tohr_enc4x = block(encoded[1], few, 1)
        self.conv_enc4x = block(many, many, 3)
        sizes = (many + encoded[2] + 3, many), (many, many), (many, few)
        self.conv_hr4x = nnx.List([block(*size, 3) for size in sizes])
        sizes = (many, many), (many, few), (few, few), (few, few)
        self.conv_hr2x = nnx.List([block(*size, 3) for size in sizes])
        self.conv_hr = nnx.List([block(few + 3, few, 3), Probability(few, 1, rngs=rngs)])

    def __call__(
        self, image: Float[Array, "B H W 3"], enc2x: Array, enc4x: Array, lr8x: Array
    ) -> tuple[Float[Array, "B H W 1"], Float[Array, "B H/2 W/2 F"]]:
        _, H, W, _ = image.shape
        enc2x = self.tohr_enc2x(enc2x)
        hr4x = self.conv_enc2x(concatenate(resize(image, H // 2, W // 2), enc2x))
        hr4x = self.conv_enc4x(concatenate(hr4x, self.tohr_enc4x(enc4x)))
        seen = concatenate(hr4x, upsample_bilinear(lr8x), resize(image, H // 4, W // 4))
        hr4x = upsample_bilinear(apply(self.conv_hr4x, seen))
        hr2x = apply(self.conv_hr2x, concatenate(hr4x, enc2x))
        return apply(self.conv_hr, concatenate(upsample_bilinear(hr2x), image)), hr2x


class FusionBranch(nnx.Module):
    """Semantic-detail fusion (section 3.4)."""

    def __init__(self, features: int, encoded: tuple[int, ...], *, block: Callable, rngs: nnx.Rngs):
        self.conv_lr4x = block(encoded[2], features, 5)
        self.conv_f2x = block(2 * features, features, 3)
        half = features // 2
        self.conv_f = nnx.List([block(features + 3, half, 3), Probability(half, 1, rngs=rngs)])

    def __call__(
        self, image: Float[Array, "B H W 3"], lr8x: Array, hr2x: Array
    ) -> Float[Array, "B H W 1"]:
        lr2x = upsample_bilinear(self.conv_lr4x(upsample_bilinear(lr8x)))
        f2x = self.conv_f2x(concatenate(lr2x, hr2x))
        return apply(self.conv_f, concatenate(upsample_bilinear(f2x), image))


class MODNet(nnx.Module):
    """The network of MODNet."""

    def __init__(self, config: MODNetConfig = MODNetConfig(), *, rngs: nnx.Rngs):
        self.backbone = config.backbone(rngs=rngs)
        encoded, features = self.backbone.features, config.features
        block = partial(ConvIBNormReLU, affine=config.affine, rngs=rngs)
        self.lr_branch = LRBranch(encoded, block=block, rngs=rngs)
        self.hr_branch = HRBranch(features, encoded, block=block, rngs=rngs)
        self.f_branch = FusionBranch(features, encoded, block=block, rngs=rngs)

    def __call__(self, image: Float[Array, "B H W 3"]) -> MODNetOutput:
        """Estimate alpha of images in [-1, 1], H and W multiples of 32."""
        refuse_unless_multiples(32, image)
        enc2x, enc4x, *_, enc32x = self.backbone(image)
        semantic, lr8x = self.lr_branch(enc32x)
        detail, hr2x = self.hr_branch(image, enc2x, enc4x, lr8x)
        return MODNetOutput(self.f_branch(image, lr8x, hr2x), semantic, detail)
