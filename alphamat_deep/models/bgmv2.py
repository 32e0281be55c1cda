"""BackgroundMattingV2, for pictures and videos with a shot of the empty background.

Lin, Ryabtsev, Sengupta, Curless, Seitz & Kemelmacher-Shlizerman, "Real-Time High-Resolution
Background Matting", CVPR 2021. A base network sees picture and background small (section 4.1); it
also says where it errs, and a refiner looks at those patches of 4 × 4 pixels at full size (section
4.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from alphamat.door import refuse_unless_counting
from alphamat_deep.backbones.mobilenet_v2 import MobileNetV2
from alphamat_deep.layers import (
    Conv,
    average,
    batch_norm,
    beside,
    convolve,
    refuse_unless_multiples,
    repeat,
    resize,
    shift,
    through,
)

HIDDEN = 32
MODES = "sampling", "thresholding", "full", "none"


@dataclass(frozen=True)
class BGMv2Config:
    backbone: Callable[..., nnx.Module] = partial(MobileNetV2, dilated=True)
    """Called as `backbone(6, rngs=…)`; what it returns maps images to features at 1/2 … 1/16."""
    backbone_scale: float = 0.25
    """Of the size of the picture: that at which the base network sees it."""
    refine_mode: str = "sampling"
    """Where to refine: where errors are largest, where they are large, everywhere, or nowhere."""
    refine_sample_pixels: int = 80_000
    """By sampling: how many pixels to refine, fewer where there are no more errors or pixels."""
    refine_threshold: float = 0.1
    """By thresholding: the error above which to refine. It costs what "full" does."""
    refine_kernel_size: int = 3
    """Of the refiner's convolutions; the authors publish weights for 3."""

    def __post_init__(self):
        for name, allowed in (("refine_mode", MODES), ("refine_kernel_size", (1, 3))):
            if (value := getattr(self, name)) not in allowed:
                raise ValueError(f"`{name}` is {value!r}; expected one of {allowed}.")
        if not 0 < self.backbone_scale <= 1:
            raise ValueError(
                f"`backbone_scale` is {self.backbone_scale}; expected a share of at most 1."
            )
        refuse_unless_counting("refine_sample_pixels // 16", self.refine_sample_pixels // 16)


class BGMv2Output(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    foreground: Float[Array, "B H W 3"]
    alpha_small: Float[Array, "B h w 1"]
    """What the base network says, at the size at which it sees the picture."""
    foreground_small: Float[Array, "B h w 3"]
    error_small: Float[Array, "B h w 1"]
    """How far `alpha_small` is expected to be off."""
    hidden_small: Float[Array, "B h w 32"]
    """What the refiner gets to know beside."""
    refined_small: Float[Array, "B H/4 W/4 1"]
    """1 where 4 × 4 pixels have been refined, 0 elsewhere."""


class ASPP(nnx.Module):
    """Look around at several distances at once ("atrous spatial pyramid pooling").

    Chen, Papandreou, Schroff & Adam, "Rethinking Atrous Convolution for Semantic Image
    Segmentation", 2017.
    """

    def __init__(self, channels: int, features: int = 256, *, rngs: nnx.Rngs):
        def activated(channels: int, size: int, **options) -> list:
            conv = Conv(channels, features, size, bias=False, rngs=rngs, **options)
            return [conv, batch_norm(features, rngs=rngs), jax.nn.relu]

        around = [activated(channels, 3, padding=n, dilation=n) for n in (3, 6, 9)]
        everywhere = [average, *activated(channels, 1)]
        self.convs = nnx.List(
            nnx.List(layers) for layers in (activated(channels, 1), *around, everywhere)
        )
        self.project = nnx.List(activated(len(self.convs) * features, 1))
        self.dropout = nnx.Dropout(0.5)

    def __call__(
        self, x: Float[Array, "B H W C"], rngs: nnx.Rngs | None = None
    ) -> Float[Array, "B H W F"]:
        parts = [through(layers, x) for layers in self.convs]
        parts[-1] = jnp.broadcast_to(parts[-1], parts[0].shape)
        return self.dropout(through(self.project, beside(*parts)), rngs=rngs)


class Decoder(nnx.Module):
    """Enlarge step by step, beside what the encoder had at each size."""

    def __init__(self, encoded: tuple[int, ...], features: int, *, rngs: nnx.Rngs):
        layer = partial(Conv, size=3, padding=1, rngs=rngs)
        self.conv1 = layer(256 + encoded[3], 128, bias=False)
        self.bn1 = batch_norm(128, rngs=rngs)
        self.conv2 = layer(128 + encoded[2], 64, bias=False)
        self.bn2 = batch_norm(64, rngs=rngs)
        self.conv3 = layer(64 + encoded[1], 48, bias=False)
        self.bn3 = batch_norm(48, rngs=rngs)
        self.conv4 = layer(48 + encoded[0], features)

    def __call__(
        self, x: Float[Array, "B h w C"], *encoded: Float[Array, "B _ _ _"]
    ) -> Float[Array, "B H W F"]:
        whole, half, quarter, eighth = encoded
        x = jax.nn.relu(self.bn1(self.conv1(joined(x, eighth))))
        x = jax.nn.relu(self.bn2(self.conv2(joined(x, quarter))))
        x = jax.nn.relu(self.bn3(self.conv3(joined(x, half))))
        return self.conv4(joined(x, whole))


class Refiner(nnx.Module):
    """Say again, from near by, what alpha is and what the foreground adds to the image."""

    def __init__(self, config: BGMv2Config, *, rngs: nnx.Rngs):
        size = config.refine_kernel_size
        self.config = config
        self.margins = (3, 2) if size == 3 else (0, 0)
        self.conv1 = Conv(HIDDEN + 4 + 6, 24, size, bias=False, rngs=rngs)
        self.bn1 = batch_norm(24, rngs=rngs)
        self.conv2 = Conv(24, 16, size, bias=False, rngs=rngs)
        self.bn2 = batch_norm(16, rngs=rngs)
        self.conv3 = Conv(16 + 6, 12, size, bias=False, rngs=rngs)
        self.bn3 = batch_norm(12, rngs=rngs)
        self.conv4 = Conv(12, 4, size, rngs=rngs)

    def __call__(
        self,
        pictures: tuple[Float[Array, "B H W 3"], Float[Array, "B H W 3"]],
        hidden: Float[Array, "B h w 32"],
        coarse: Float[Array, "B h w 4"],
        error: Float[Array, "B h w 1"],
    ) -> tuple[Float[Array, "B H W 4"], Float[Array, "B H/4 W/4 1"]]:
        """Return the refined, and 1 for each 4 × 4 pixels that are, 0 for others."""
        _, H, W, _ = pictures[0].shape
        half = [resize(x, H // 2, W // 2) for x in (beside(hidden, coarse), *pictures)]
        error = resize(error, H // 4, W // 4)
        if self.config.refine_mode == "sampling":
            places, wrong = largest(error, self.config.refine_sample_pixels // 16)
            near = (crop(x, places, 2, self.margins[0]) for x in half)
            nearer = (crop(x, places, 4, self.margins[1]) for x in pictures)
            # In training, those without an error do not count; but a mean of none would be NaN.
            counted = (wrong | ~wrong.any()).reshape(-1, 1, 1, 1)
            patches = self.refined(beside(*near), beside(*nearer), counted)
            return replace(resize(coarse, H, W), patches, jnp.where(wrong, places, H * W // 16))
        fine = self.refined(*map(framed, (beside(*half), beside(*pictures)), self.margins))
        if self.config.refine_mode == "full":
            return fine, jnp.ones_like(error)
        refined = (error > self.config.refine_threshold).astype(error.dtype)
        return jnp.where(repeat(repeat(refined)) > 0, fine, resize(coarse, H, W)), refined

    def refined(
        self,
        half: Float[Array, "N _ _ 42"],
        full: Float[Array, "N _ _ 6"],
        mask: Bool[Array, "N 1 1 1"] | None = None,
    ) -> Float[Array, "N _ _ 4"]:
        """Refine whole pictures or patches, given with margins at half and at full size."""
        x = jax.nn.relu(self.bn1(inside(self.conv1, half), mask=mask))
        x = jax.nn.relu(self.bn2(inside(self.conv2, x), mask=mask))
        x = beside(repeat(x), full)
        x = jax.nn.relu(self.bn3(inside(self.conv3, x), mask=mask))
        return inside(self.conv4, x)


def inside(layer: Conv, x: Float[Array, "N H W C"]) -> Float[Array, "N h w F"]:
    """Convolve as far as nothing has to be padded.

    Many small pictures make one tall one, whose seams are thrown away: XLA on a CPU takes less than
    half the time for it.
    """
    N, H, W, C = x.shape
    border = layer.kernel.shape[0] // 2
    padding = (border, border), (0, 0)
    y = convolve(x.reshape(1, N * H, W, C), layer.kernel[...], padding=padding)
    return shift(y.reshape(N, H, W - 2 * border, -1)[:, border : H - border], layer.bias)


def largest(
    error: Float[Array, "B h w 1"], count: int
) -> tuple[Int[Array, "B K"], Bool[Array, "B K"]]:
    """Return where errors are largest, counted row by row, and whether there are any.

    Of equal ones the first count; the authors leave that open.
    """
    flat = error.reshape(error.shape[0], -1)
    errors, places = lax.top_k(flat, min(count, flat.shape[1]))
    return places, errors > 0


def crop(
    x: Float[Array, "B H W C"], places: Int[Array, "B K"], size: int, margin: int
) -> Float[Array, "N n n C"]:
    """Cut out cells of a size, counted row by row, with a margin around, of zeros at the border."""
    length, columns = size + 2 * margin, x.shape[2] // size

    def cut(x, place):
        at = size * (place // columns), size * (place % columns), 0
        return lax.dynamic_slice(x, at, (length, length, x.shape[-1]))

    patches = jax.vmap(jax.vmap(cut, (None, 0)))(framed(x, margin), places)
    return patches.reshape(-1, length, length, x.shape[3])


def replace(
    x: Float[Array, "B H W C"], patches: Float[Array, "N 4 4 C"], places: Int[Array, "B K"]
) -> tuple[Float[Array, "B H W C"], Float[Array, "B H/4 W/4 1"]]:
    """Put patches where they belong, but not beyond; also say where."""
    B, H, W, C = x.shape
    rows, columns = jnp.divmod(places, W // 4)
    at = jnp.arange(B)[:, None], rows, slice(None), columns
    cells = x.reshape(B, H // 4, 4, W // 4, 4, C)
    cells = cells.at[at].set(patches.reshape(B, -1, 4, 4, C), mode="drop")
    marks = jnp.zeros((B, H // 4, W // 4), x.dtype).at[at[0], rows, columns].set(1, mode="drop")
    return cells.reshape(x.shape), marks[..., None]


def framed(x: Float[Array, "B H W C"], margin: int) -> Float[Array, "B _ _ C"]:
    """Put zeros around."""
    return jnp.pad(x, [(0, 0), (margin, margin), (margin, margin), (0, 0)])


class BGMv2(nnx.Module):
    """The network of BackgroundMattingV2."""

    def __init__(self, config: BGMv2Config = BGMv2Config(), *, rngs: nnx.Rngs):
        self.config = config
        self.backbone = config.backbone(6, rngs=rngs)
        encoded = self.backbone.features
        self.aspp = ASPP(encoded[3], rngs=rngs)
        self.decoder = Decoder((6, *encoded[:3]), 1 + 3 + 1 + HIDDEN, rngs=rngs)
        if config.refine_mode != "none":
            self.refiner = Refiner(config, rngs=rngs)

    def __call__(
        self,
        image: Float[Array, "B H W 3"],
        background: Float[Array, "B H W 3"],
        rngs: nnx.Rngs | None = None,
    ) -> BGMv2Output:
        """Estimate alpha and foreground of images in [0, 1], given their backgrounds.

        H and W are multiples of 4, unless nothing is refined. In training `rngs` says what to drop.
        """
        B, H, W, _ = image.shape
        scale, refines = self.config.backbone_scale, self.config.refine_mode != "none"
        refuse_unless_multiples(4 if refines else 1, image, least=ceil(1 / scale))
        small = [resize(x, int(H * scale), int(W * scale)) for x in (image, background)]
        *encoded, last = self.backbone(beside(*small))
        x = self.decoder(self.aspp(last, rngs), beside(*small), *encoded)
        alpha, residual, error, hidden = jnp.split(x, (1, 4, 5), axis=-1)
        alpha, error, hidden = unit(alpha), unit(error), jax.nn.relu(hidden)
        coarse = beside(alpha, residual)
        if refines:
            fine, refined = self.refiner((image, background), hidden, coarse, error)
        else:
            fine, refined = resize(coarse, H, W), jnp.zeros((B, H // 4, W // 4, 1), x.dtype)
        return BGMv2Output(
            unit(fine[..., :1]),
            unit(fine[..., 1:] + image),
            alpha,
            unit(residual + small[0]),
            error,
            hidden,
            refined,
        )


def joined(x: Float[Array, "B h w C"], to: Float[Array, "B H W D"]) -> Float[Array, "B H W F"]:
    """Enlarge to another's size, and put that beside it."""
    return beside(resize(x, *to.shape[1:3]), to)


def unit(x: Array) -> Array:
    return jnp.clip(x, 0, 1)
