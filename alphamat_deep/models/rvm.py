"""Robust Video Matting, for clips of people.

Lin, Yang, Saleemi & Sengupta, "Robust High-Resolution Video Matting with Temporal Guidance", WACV
2022: a network sees a small frame and keeps a memory at four scales (section 3.2). A guided filter
whose parameters are learnt brings its alpha to the frame's size (section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jaxtyping import Array, Float

from alphamat_deep.backbones.mobilenet_v3 import MobileNetV3
from alphamat_deep.layers import (
    Conv,
    Stack,
    activated_conv,
    average_pool,
    concatenate,
    find_neighbours,
    global_average_pool,
    resize_along,
    upsample_bilinear,
)

State = tuple[Float[Array, "B _ _ _"], ...]


@dataclass(frozen=True)
class RVMConfig:
    backbone: Callable[..., Any] = MobileNetV3
    """Called as `backbone(rngs=…)`; what it returns maps images to features at 1/2 … 1/16."""
    context: int = 128
    """Features of the decoder at 1/16."""
    features: tuple[int, int, int, int] = (80, 40, 32, 16)
    """Features of the decoder at 1/8, 1/4, 1/2 and 1."""
    downsample_ratio: float | None = None
    """Size of the small frame, as a share of the frame's; None: at most 512 pixels long."""


class RVMOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    foreground: Float[Array, "B H W 3"]
    state: State
    """The memory of the clip so far, at 1/2, 1/4, 1/8 and 1/16 of the small frame."""
    segmentation: Float[Array, "B h w 1"]
    """Log odds that a pixel of the small frame is of a person. Training can use it."""


class RVM(nnx.Module):
    """The network of Robust Video Matting."""

    def __init__(self, config: RVMConfig = RVMConfig(), *, rngs: nnx.Rngs):
        self.config = config
        self.backbone = config.backbone(rngs=rngs)
        f1, f2, f3, f4 = self.backbone.features
        last = config.features[-1]
        self.aspp = LRASPP(f4, config.context, rngs=rngs)
        self.decoder = Decoder((f1, f2, f3), config.context, config.features, rngs=rngs)
        self.project_mat = Projection(last, 4, rngs=rngs)
        self.project_seg = Projection(last, 1, rngs=rngs)
        self.refiner = DeepGuidedFilter(last, rngs=rngs)

    def __call__(
        self,
        image: Float[Array, "N H W 3"],
        state: State | None = None,
        downsample_ratio: float | None = None,
    ) -> RVMOutput:
        """Estimate alpha and foreground of frames in [0, 1] that follow the frames of `state`.

        Frames are of any size. `state` is None for the first frames of clips. With a state of fewer
        clips than there are frames, the frames of each clip follow one another. `downsample_ratio`
        is the configuration's unless given.
        """
        if state is None:
            state = self.initial_state(image, downsample_ratio)
        small = self._shrink(image, downsample_ratio)
        f1, f2, f3, f4 = self.backbone(small)
        hidden, state = self.decoder(small, f1, f2, f3, self.aspp(f4), state)
        matte = self.project_mat(hidden)
        if small is image:
            alpha, foreground = clip_matte(image, matte[..., :3], matte[..., 3:])
        else:
            alpha, foreground = self.refiner(image, small, matte, hidden)
        return RVMOutput(alpha, foreground, state, self.project_seg(hidden))

    def initial_state(
        self, image: Float[Array, "B H W 3"], downsample_ratio: float | None = None
    ) -> State:
        """Return the state before the first frame: zeros."""
        _, height, width = self._small_size(image, downsample_ratio)
        widths = *self.config.features[2::-1], self.config.context
        state = []
        for features in widths:
            height, width = -(-height // 2), -(-width // 2)
            state.append(jnp.zeros((len(image), height, width, features // 2), image.dtype))
        return tuple(state)

    def _shrink(self, image: Array, ratio: float | None) -> Array:
        ratio, height, width = self._small_size(image, ratio)
        if ratio == 1:
            return image
        return resize_along(resize_along(image, 1, height, 1 / ratio), 2, width, 1 / ratio)

    def _small_size(self, image: Array, ratio: float | None) -> tuple[float, int, int]:
        """Return the ratio, and the small frame's height and width."""
        height, width = image.shape[1:3]
        ratio = ratio or self.config.downsample_ratio
        if ratio is None:
            ratio = min(512 / max(height, width), 1.0)
        small = int(height * ratio), int(width * ratio)
        if 0 in small:
            raise ValueError(
                f"`image` is {height} × {width} (height × width), too small for a downsample ratio "
                f"of {ratio:.3g}; expected a larger image, or set `downsample_ratio`."
            )
        return ratio, *small


class LRASPP(nnx.Module):
    """Features, weighted by factors computed from the whole frame.

    Howard et al., "Searching for MobileNetV3", ICCV 2019, section 6.4.
    """

    def __init__(self, channels: int, features: int, *, rngs: nnx.Rngs):
        self.aspp1 = Stack(activated_conv(channels, features, 1, rngs=rngs))
        weigh = Conv(channels, features, 1, bias=False, rngs=rngs)
        self.aspp2 = Stack([global_average_pool, weigh, jax.nn.sigmoid])

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W F"]:
        return self.aspp1(x) * self.aspp2(x)


class Decoder(nnx.Module):
    """From 1/16 of the size to the full size, with a memory at each scale but the last."""

    def __init__(
        self,
        encoded: tuple[int, int, int],
        context: int,
        features: tuple[int, int, int, int],
        *,
        rngs: nnx.Rngs,
    ):
        (f1, f2, f3), (d3, d2, d1, d0) = encoded, features
        self.decode4 = Bottleneck(context, rngs=rngs)
        self.decode3 = Upsampling(context + f3 + 3, d3, rngs=rngs)
        self.decode2 = Upsampling(d3 + f2 + 3, d2, rngs=rngs)
        self.decode1 = Upsampling(d2 + f1 + 3, d1, rngs=rngs)
        self.decode0 = Output(d1 + 3, d0, rngs=rngs)

    def __call__(
        self, s0: Float[Array, "N H W 3"], f1: Array, f2: Array, f3: Array, f4: Array, state: State
    ) -> tuple[Float[Array, "N H W F"], State]:
        s1 = average_pool(s0)
        s2 = average_pool(s1)
        r1, r2, r3, r4 = state
        x, r4 = self.decode4(f4, r4)
        x, r3 = self.decode3(x, f3, average_pool(s2), r3)
        x, r2 = self.decode2(x, f2, s2, r2)
        x, r1 = self.decode1(x, f1, s1, r1)
        return self.decode0(x, s0), (r1, r2, r3, r4)


class ConvGRU(nnx.Module):
    """A gated recurrent unit at each place, which sees its 3 × 3 neighbourhood (equation 1).

    It remembers the second half of the features. The first half is of this frame alone.
    """

    def __init__(self, features: int, *, rngs: nnx.Rngs):
        self.ih = Stack([Conv(features, features, 3, padding=1, rngs=rngs), jax.nn.sigmoid])
        self.hh = Stack([Conv(features, features // 2, 3, padding=1, rngs=rngs), jnp.tanh])

    def __call__(
        self, x: Float[Array, "N H W C"], h: Float[Array, "B H W C//2"]
    ) -> tuple[Float[Array, "N H W C"], Float[Array, "B H W C//2"]]:
        now, x = jnp.split(x, 2, axis=-1)
        if len(x) == len(h):
            h = self._remember(h, x)
            return concatenate(now, h), h
        frames = x.reshape(len(h), -1, *x.shape[1:]).swapaxes(0, 1)

        def step(h, x):
            h = self._remember(h, x)
            return h, h

        h, kept = lax.scan(step, h, frames)
        return concatenate(now, kept.swapaxes(0, 1).reshape(x.shape)), h

    def _remember(self, h: Array, x: Array) -> Array:
        r, z = jnp.split(self.ih(concatenate(x, h)), 2, axis=-1)
        return (1 - z) * h + z * self.hh(concatenate(x, r * h))


class Bottleneck(nnx.Module):
    def __init__(self, features: int, *, rngs: nnx.Rngs):
        self.gru = ConvGRU(features, rngs=rngs)

    def __call__(self, x: Array, h: Array) -> tuple[Array, Array]:
        return self.gru(x, h)


class Upsampling(nnx.Module):
    def __init__(self, channels: int, features: int, *, rngs: nnx.Rngs):
        self.conv = Stack(activated_conv(channels, features, 3, padding=1, rngs=rngs))
        self.gru = ConvGRU(features, rngs=rngs)

    def __call__(self, x: Array, f: Array, s: Array, h: Array) -> tuple[Array, Array]:
        return self.gru(self.conv(concatenate(upsample_to(x, s), f, s)), h)


class Output(nnx.Module):
    def __init__(self, channels: int, features: int, *, rngs: nnx.Rngs):
        conv = partial(activated_conv, features=features, size=3, padding=1, rngs=rngs)
        self.conv = Stack(conv(channels) + conv(features))

    def __call__(self, x: Array, s: Array) -> Array:
        return self.conv(concatenate(upsample_to(x, s), s))


class Projection(nnx.Module):
    def __init__(self, channels: int, features: int, *, rngs: nnx.Rngs):
        self.conv = Conv(channels, features, 1, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W F"]:
        return self.conv(x)


class DeepGuidedFilter(nnx.Module):
    """Bring a small matte to the frame's size, where it is A x + b of the colours x.

    Wu, Zheng, Zhang & Huang, "Fast End-to-End Trainable Guided Filter", CVPR 2018. A guided filter
    computes A from covariances and variances; here convolutions do, from these and hidden features.
    """

    def __init__(self, hidden: int, *, rngs: nnx.Rngs):
        self.box_filter = Conv(4, 4, 3, padding=1, groups=4, bias=False, rngs=rngs)
        self.box_filter.kernel.set_value(jnp.full((3, 3, 1, 4), 1 / 9))
        first, second = (activated_conv(c, hidden, 1, rngs=rngs) for c in (4 + 4 + hidden, hidden))
        self.conv = Stack([*first, *second, Conv(hidden, 4, 1, rngs=rngs)])

    def __call__(
        self,
        image: Float[Array, "B H W 3"],
        small: Float[Array, "B h w 3"],
        matte: Float[Array, "B h w 4"],
        hidden: Float[Array, "B h w C"],
    ) -> tuple[Float[Array, "B H W 1"], Float[Array, "B H W 3"]]:
        x, mean = concatenate(small, grey(small)), self.box_filter
        mean_x, mean_y = mean(x), mean(matte)
        cov_xy, var_x = mean(x * matte) - mean_x * mean_y, mean(x * x) - mean_x * mean_x
        A = self.conv(concatenate(cov_xy, var_x, hidden))
        b = mean_y - A * mean_x
        return lax.platform_dependent(image, A, b, cpu=filter_by_rows, default=filter_whole)


def filter_whole(image: Array, A: Array, b: Array) -> tuple[Array, Array]:
    height, width = image.shape[1:3]
    A, b = (resize_along(resize_along(x, 2, width), 1, height) for x in (A, b))
    return apply_coefficients(image, A, b)


def filter_by_rows(image: Array, A: Array, b: Array) -> tuple[Array, Array]:
    """Do the same row by row, so that intermediate arrays stay in a CPU's cache."""
    height, width = image.shape[1:3]
    above, below, weight = map(jnp.asarray, find_neighbours(A.shape[1], height))
    weight = weight.astype(A.dtype)
    A, b = (resize_along(x, 2, width) for x in (A, b))

    def row(y):
        here = ((1 - weight[y]) * x[:, above[y]] + weight[y] * x[:, below[y]] for x in (A, b))
        return apply_coefficients(image[:, y], *here)

    alpha, foreground = lax.map(row, jnp.arange(height))
    return alpha.swapaxes(0, 1), foreground.swapaxes(0, 1)


def apply_coefficients(image: Array, A: Array, b: Array) -> tuple[Array, Array]:
    """Return alpha and foreground, from A and b of each pixel of the image."""
    residual = A[..., :3] * image + b[..., :3]
    return clip_matte(image, residual, A[..., 3:] * grey(image) + b[..., 3:])


def clip_matte(image: Array, residual: Array, alpha: Array) -> tuple[Array, Array]:
    return jnp.clip(alpha, 0, 1), jnp.clip(image + residual, 0, 1)


def grey(x: Float[Array, "*B 3"]) -> Float[Array, "*B 1"]:
    # XLA does not fuse `mean` with what reads it.
    return (x[..., :1] + x[..., 1:2] + x[..., 2:]) / 3


def upsample_to(x: Array, like: Array) -> Array:
    """Double the size, and cut off a last row and column that `like` does not have."""
    return upsample_bilinear(x)[:, : like.shape[1], : like.shape[2]]
