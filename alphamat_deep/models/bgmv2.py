"""BackgroundMattingV2, for pictures and videos with a plate.

Lin, Ryabtsev, Sengupta, Curless, Seitz & Kemelmacher-Shlizerman, "Real-Time High-Resolution
Background Matting", CVPR 2021. The plate is the scene without its foreground; the paper calls it
the background. A base network sees image and plate at a small size, and also estimates its own
error (section 4.1). A refiner sees the 4 × 4 pixels with the largest errors at full size (section
4.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from alphamat.door import as_count
from alphamat_deep.backbones.mobilenet_v2 import MobileNetV2
from alphamat_deep.layers import (
    Conv,
    activated_conv,
    add_bias,
    apply,
    batch_norm,
    concatenate,
    convolve,
    global_average_pool,
    refuse_unless_multiples,
    resize,
    upsample_nearest,
)

HIDDEN = 32
MODES = "sampling", "thresholding", "full", "none"


@dataclass(frozen=True)
class BGMv2Config:
    backbone: Callable[..., Any] = partial(MobileNetV2, dilated=True)
    """Called as `backbone(6, rngs=…)`; what it returns maps images to features at 1/2 … 1/16."""
    backbone_scale: float = 0.25
    """The size at which the base network sees the picture, as a share of the full size."""
    refine_mode: str = "sampling"
    """Where to refine: where errors are largest, where they are large, everywhere, or nowhere."""
    refine_sample_pixels: int = 80_000
    """By sampling: the number of pixels to refine, or fewer if there are fewer pixels or errors."""
    refine_threshold: float = 0.1
    """By thresholding: the error above which pixels are refined. It costs as much as "full"."""
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
        as_count(self.refine_sample_pixels // 16, "refine_sample_pixels // 16")


class BGMv2Output(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    foreground: Float[Array, "B H W 3"]
    alpha_small: Float[Array, "B h w 1"]
    """The base network's alpha, at the size at which it sees the picture."""
    foreground_small: Float[Array, "B h w 3"]
    error_small: Float[Array, "B h w 1"]
    """The expected error of `alpha_small`."""
    hidden_small: Float[Array, "B h w 32"]
    """Further features for the refiner."""
    refined_small: Float[Array, "B H/4 W/4 1"]
    """1 where 4 × 4 pixels have been refined, 0 elsewhere."""


class ASPP(nnx.Module):
    """Convolve at several dilations side by side ("atrous spatial pyramid pooling").

    Chen, Papandreou, Schroff & Adam, "Rethinking Atrous Convolution for Semantic Image
    Segmentation", 2017.
    """

    def __init__(self, channels: int, features: int = 256, *, rngs: nnx.Rngs):
        conv = partial(activated_conv, features=features, rngs=rngs)
        around = [conv(channels, size=3, padding=n, dilation=n) for n in (3, 6, 9)]
        everywhere = [global_average_pool, *conv(channels, size=1)]
        self.convs = nnx.List(
            nnx.List(layers) for layers in (conv(channels, size=1), *around, everywhere)
        )
        self.project = nnx.List(conv(len(self.convs) * features, size=1))
        self.dropout = nnx.Dropout(0.5)

    def __call__(
        self, x: Float[Array, "B H W C"], rngs: nnx.Rngs | None = None
    ) -> Float[Array, "B H W F"]:
        parts = [apply(layers, x) for layers in self.convs]
        parts[-1] = jnp.broadcast_to(parts[-1], parts[0].shape)
        return self.dropout(apply(self.project, concatenate(*parts)), rngs=rngs)


class Decoder(nnx.Module):
    """Enlarge step by step, with the encoder's features of each size."""

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
        x = jax.nn.relu(self.bn1(self.conv1(resize_and_concatenate(x, eighth))))
        x = jax.nn.relu(self.bn2(self.conv2(resize_and_concatenate(x, quarter))))
        x = jax.nn.relu(self.bn3(self.conv3(resize_and_concatenate(x, half))))
        return self.conv4(resize_and_concatenate(x, whole))


class Refiner(nnx.Module):
    """Estimate alpha, and foreground minus image, again at a finer size."""

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
        """Return alpha and residual, and for each 4 × 4 pixels 1 if they are refined, else 0."""
        _, H, W, _ = pictures[0].shape
        half = [resize(x, H // 2, W // 2) for x in (concatenate(hidden, coarse), *pictures)]
        error = resize(error, H // 4, W // 4)
        if self.config.refine_mode == "sampling":
            places, wrong = find_largest(error, self.config.refine_sample_pixels // 16)
            near = (crop_patches(x, places, 2, self.margins[0]) for x in half)
            nearer = (crop_patches(x, places, 4, self.margins[1]) for x in pictures)
            # In training, patches without an error do not count, unless there are no others: the
            # mean of none would be NaN.
            counted = (wrong | ~wrong.any()).reshape(-1, 1, 1, 1)
            patches = self.refine(concatenate(*near), concatenate(*nearer), counted)
            coarse = resize(coarse, H, W)
            places = jnp.where(wrong, places, H * W // 16)  # beyond the last one: dropped
            return replace_patches(coarse, patches, places)
        seen = concatenate(*half), concatenate(*pictures)
        fine = self.refine(*map(pad_with_zeros, seen, self.margins))
        if self.config.refine_mode == "full":
            return fine, jnp.ones_like(error)
        refined = (error > self.config.refine_threshold).astype(error.dtype)
        chosen = upsample_nearest(upsample_nearest(refined)) > 0
        return jnp.where(chosen, fine, resize(coarse, H, W)), refined

    def refine(
        self,
        half: Float[Array, "N _ _ 42"],
        full: Float[Array, "N _ _ 6"],
        mask: Bool[Array, "N 1 1 1"] | None = None,
    ) -> Float[Array, "N _ _ 4"]:
        """Refine whole pictures or patches, which come with margins, at half and at full size."""
        x = jax.nn.relu(self.bn1(convolve_without_padding(self.conv1, half), mask=mask))
        x = jax.nn.relu(self.bn2(convolve_without_padding(self.conv2, x), mask=mask))
        x = concatenate(upsample_nearest(x), full)
        x = jax.nn.relu(self.bn3(convolve_without_padding(self.conv3, x), mask=mask))
        return convolve_without_padding(self.conv4, x)


def convolve_without_padding(layer: Conv, x: Float[Array, "N H W C"]) -> Float[Array, "N h w F"]:
    """Convolve without padding, so that the result is smaller.

    The small pictures are put into one tall one, and the rows across seams are cut off: XLA on a
    CPU takes less than half the time for it.
    """
    N, H, W, C = x.shape
    border = layer.kernel.shape[0] // 2
    padding = (border, border), (0, 0)
    y = convolve(x.reshape(1, N * H, W, C), layer.kernel[...], padding=padding)
    return add_bias(y.reshape(N, H, W - 2 * border, -1)[:, border : H - border], layer.bias)


def find_largest(
    error: Float[Array, "B h w 1"], count: int
) -> tuple[Int[Array, "B K"], Bool[Array, "B K"]]:
    """Return the places of the largest errors, counted row by row, and whether each is above 0.

    Of equal errors the first counts; the authors leave that open.
    """
    flat = error.reshape(error.shape[0], -1)
    errors, places = lax.top_k(flat, min(count, flat.shape[1]))
    return places, errors > 0


def crop_patches(
    x: Float[Array, "B H W C"], places: Int[Array, "B K"], size: int, margin: int
) -> Float[Array, "N n n C"]:
    """Cut out cells, counted row by row, with a margin, which is of zeros beyond the border."""
    length, columns = size + 2 * margin, x.shape[2] // size

    def cut(x, place):
        at = size * (place // columns), size * (place % columns), jnp.zeros_like(place)
        return lax.dynamic_slice(x, at, (length, length, x.shape[-1]))

    patches = jax.vmap(jax.vmap(cut, (None, 0)))(pad_with_zeros(x, margin), places)
    return patches.reshape(-1, length, length, x.shape[3])


def replace_patches(
    x: Float[Array, "B H W C"], patches: Float[Array, "N 4 4 C"], places: Int[Array, "B K"]
) -> tuple[Float[Array, "B H W C"], Float[Array, "B H/4 W/4 1"]]:
    """Put patches at their places, if inside the picture, and return 1 for each such place."""
    B, H, W, C = x.shape
    rows, columns = jnp.divmod(places, W // 4)
    at = jnp.arange(B)[:, None], rows, slice(None), columns
    cells = x.reshape(B, H // 4, 4, W // 4, 4, C)
    cells = cells.at[at].set(patches.reshape(B, -1, 4, 4, C), mode="drop")
    marks = jnp.zeros((B, H // 4, W // 4), x.dtype).at[at[0], rows, columns].set(1, mode="drop")
    return cells.reshape(x.shape), marks[..., None]


def pad_with_zeros(x: Float[Array, "B H W C"], margin: int) -> Float[Array, "B _ _ C"]:
    """Add `margin` zeros on every side."""
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
        plate: Float[Array, "B H W 3"],
        rngs: nnx.Rngs | None = None,
    ) -> BGMv2Output:
        """Estimate alpha and foreground of images in [0, 1], given their plates.

        H and W are multiples of 4, unless nothing is refined. In training `rngs` draws the dropout.
        """
        B, H, W, _ = image.shape
        scale, refines = self.config.backbone_scale, self.config.refine_mode != "none"
        refuse_unless_multiples(4 if refines else 1, image, least=ceil(1 / scale))
        small = [resize(x, int(H * scale), int(W * scale)) for x in (image, plate)]
        *encoded, last = self.backbone(concatenate(*small))
        x = self.decoder(self.aspp(last, rngs), concatenate(*small), *encoded)
        alpha, residual, error, hidden = jnp.split(x, (1, 4, 5), axis=-1)
        alpha, error, hidden = clip(alpha), clip(error), jax.nn.relu(hidden)
        coarse = concatenate(alpha, residual)
        if refines:
            fine, refined = self.refiner((image, plate), hidden, coarse, error)
        else:
            fine, refined = resize(coarse, H, W), jnp.zeros((B, H // 4, W // 4, 1), x.dtype)
        return BGMv2Output(
            clip(fine[..., :1]),
            clip(fine[..., 1:] + image),
            alpha,
            clip(residual + small[0]),
            error,
            hidden,
            refined,
        )


def resize_and_concatenate(
    x: Float[Array, "B h w C"], to: Float[Array, "B H W D"]
) -> Float[Array, "B H W F"]:
    """Resize `x` to the size of `to`, and put `to` beside it."""
    return concatenate(resize(x, *to.shape[1:3]), to)


def clip(x: Array) -> Array:
    return jnp.clip(x, 0, 1)
