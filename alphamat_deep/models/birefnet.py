"""BiRefNet, which finds the object of a picture of high resolution.

Zheng, Gao, Fan, Liu, Laaksonen, Ouyang & Sebe, "Bilateral Reference for High-Resolution Dichotomous
Image Segmentation", CAAI Artificial Intelligence Research 3, 2024. A transformer sees the picture
at two sizes. The decoder sees the picture's own pixels at every size (the inward reference), and
learns to attend to where they change (the outward reference).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.backbones.swin import Swin
from alphamat_deep.layers import (
    Conv,
    DeformableConv,
    Stack,
    add_bias,
    batch_norm,
    concatenate,
    convolve,
    global_average_pool,
    refuse_unless_multiples,
    resize_to_corners,
)

INNER = 64  # features inside the decoder's blocks
SEEN = 256  # features of each part of a pyramid
EDGES = 16  # features that find where the picture changes
SIZES = 1, 3, 7  # of a pyramid's kernels, beside a second 1


@dataclass(frozen=True)
class BiRefNetConfig:
    features: int = 192
    """Of a token of the transformer's first stage."""
    depths: tuple[int, ...] = (2, 2, 18, 2)
    """Of its stages, in blocks."""
    heads: tuple[int, ...] = (6, 12, 24, 48)
    """Of their attention."""
    window: int = 12
    """Tokens on a side of the windows of attention."""
    colours_first: bool = True
    """The order of a patch's channels: red of all its pixels first, row by row, then green, …

    So the authors' program has it since November 2024. Before, a pixel's three colours were
    together, column by column (False). A file of weights does not say which order it needs.
    """
    supervise: bool = False
    """Whether the decoder's blocks say what they find. Only training needs it."""


class BiRefNetOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    logits: Float[Array, "B H W 1"]
    """Alpha before the sigmoid."""
    sides: tuple[Array, ...] | None
    """Logits at 1/32, 1/16 and 1/8 of the size, (B, h, w, 1); None without `supervise`."""
    edges: tuple[Array, ...] | None
    """Logits of where the picture changes, likewise."""


class BiRefNet(nnx.Module):
    """The network of BiRefNet."""

    def __init__(self, config: BiRefNetConfig = BiRefNetConfig(), *, rngs: nnx.Rngs):
        stages = config.features, config.depths, config.heads, config.window
        self.bb = Swin(*stages, rngs=rngs)
        widths = tuple(2 * width for width in self.bb.widths)
        self.squeeze_module = nnx.List([Block(sum(widths), widths[-1], rngs=rngs)])
        self.decoder = Decoder(widths, config, rngs=rngs)

    def __call__(
        self, image: Float[Array, "B H W 3"], rngs: nnx.Rngs | None = None
    ) -> BiRefNetOutput:
        """Estimate alpha of normalised images, H and W multiples of 32.

        In training `rngs` draws the dropout.
        """
        refuse_unless_multiples(32, image)
        *fine, coarse = self._features(image)
        shrunk = (resize_to_corners(x, *coarse.shape[1:3]) for x in fine)
        x = self.squeeze_module[0](concatenate(*shrunk, coarse), rngs)
        return self.decoder(image, fine, x, rngs)

    def _features(self, image: Array) -> list[Array]:
        """Return the transformer's features of the picture beside those of half of its size."""
        height, width = image.shape[1:3]
        half = resize_to_corners(image, height // 2, width // 2)
        both = zip(self.bb(image), self.bb(half), strict=True)
        return [concatenate(x, resize_to_corners(y, *x.shape[1:3])) for x, y in both]


class Decoder(nnx.Module):
    """Enlarge step by step; at each size the features meet the encoder's, and the pixels."""

    def __init__(self, widths: tuple[int, ...], config: BiRefNetConfig, *, rngs: nnx.Rngs):
        self.colours_first, self.supervise = config.colours_first, config.supervise
        w2, w3, w4, w5 = widths
        pixels, block = partial(Pixels, rngs=rngs), partial(Block, rngs=rngs)
        self.ipt_blk5, self.ipt_blk4 = pixels(32, w5 // 8), pixels(16, w5 // 8)
        self.ipt_blk3, self.ipt_blk2 = pixels(8, w4 // 8), pixels(4, w3 // 8)
        self.ipt_blk1 = pixels(1, w2 // 8)
        self.decoder_block4 = block(w5 + w5 // 8, w4)
        self.decoder_block3 = block(w4 + w5 // 8, w3)
        self.decoder_block2 = block(w3 + w4 // 8, w2)
        self.decoder_block1 = block(w2 + w3 // 8, w2 // 2)
        conv = partial(Conv, rngs=rngs)
        self.conv_out1 = nnx.List([conv(w2 // 2 + w2 // 8, 1, 1)])
        for at, width in ((4, w4), (3, w3), (2, w2)):
            setattr(self, f"lateral_block{at}", nnx.Dict(conv=conv(width, width, 1)))
            edges = [conv(width, EDGES, 3, padding=1), batch_norm(EDGES, rngs=rngs), jax.nn.relu]
            setattr(self, f"gdt_convs_{at}", Stack(edges))
            setattr(self, f"gdt_convs_attn_{at}", Stack([conv(EDGES, 1, 1)]))
            if config.supervise:
                setattr(self, f"conv_ms_spvn_{at}", conv(width, 1, 1))
                setattr(self, f"gdt_convs_pred_{at}", Stack([conv(EDGES, 1, 1)]))

    def __call__(
        self, image: Array, fine: list[Array], x: Array, rngs: nnx.Rngs | None
    ) -> BiRefNetOutput:
        x, sides, edges = self._beside_pixels(5, image, x), [], []
        for at, skip in zip((4, 3, 2), fine[::-1], strict=True):
            x = getattr(self, f"decoder_block{at}")(x, rngs)
            changes = getattr(self, f"gdt_convs_{at}")(x)
            if self.supervise:
                sides.append(getattr(self, f"conv_ms_spvn_{at}")(x))
                edges.append(getattr(self, f"gdt_convs_pred_{at}")(changes))
            x = x * jax.nn.sigmoid(getattr(self, f"gdt_convs_attn_{at}")(changes))
            lateral = getattr(self, f"lateral_block{at}").conv(skip)
            x = resize_to_corners(x, *skip.shape[1:3]) + lateral
            x = self._beside_pixels(at, image, x)
        logits = self._logits(image, self.decoder_block1(x, rngs))
        told = (tuple(sides), tuple(edges)) if self.supervise else (None, None)
        return BiRefNetOutput(jax.nn.sigmoid(logits), logits, *told)

    def _beside_pixels(self, at: int, image: Array, x: Array) -> Array:
        patches = into_channels(image, image.shape[1] // x.shape[1], self.colours_first)
        return concatenate(x, getattr(self, f"ipt_blk{at}")(patches))

    def _logits(self, image: Array, x: Array) -> Array:
        """Mix features, enlarged, with pixels. It enlarges the sum of features, which is the same.

        All of them would take gigabytes.
        """
        mix = self.conv_out1[0]
        features, pixels = jnp.split(mix.kernel[...], [x.shape[3]], axis=2)
        enlarged = resize_to_corners(convolve(x, features), *image.shape[1:3])
        return add_bias(enlarged + convolve(self.ipt_blk1(image), pixels), mix.bias)


def into_channels(
    image: Float[Array, "B H W C"], size: int, colours_first: bool
) -> Float[Array, "B h w c"]:
    """Cut images into `size` × `size` tiles, and put the tiles' pixels of one place together.

    A place is one within a tile.
    """
    B, H, W, C = image.shape
    tiles = image.reshape(B, size, H // size, size, W // size, C)
    axes = (0, 2, 4, 5, 1, 3) if colours_first else (0, 2, 4, 3, 1, 5)
    return tiles.transpose(axes).reshape(B, H // size, W // size, -1)


class Pixels(nnx.Module):
    """Features of patches of `side` × `side` pixels: two convolutions with nothing between them."""

    def __init__(self, side: int, features: int, *, rngs: nnx.Rngs):
        self.conv1 = Conv(3 * side**2, INNER, 3, padding=1, rngs=rngs)
        self.conv_out = Conv(INNER, features, 3, padding=1, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W F"]:
        return self.conv_out(self.conv1(x))


class Block(nnx.Module):
    """Few features of many, their pyramid, and many features of that."""

    def __init__(self, channels: int, features: int, *, rngs: nnx.Rngs):
        self.conv_in = Conv(channels, INNER, 3, padding=1, rngs=rngs)
        self.bn_in = batch_norm(INNER, rngs=rngs)
        self.dec_att = Pyramid(rngs=rngs)
        self.conv_out = Conv(INNER, features, 3, padding=1, rngs=rngs)
        self.bn_out = batch_norm(features, rngs=rngs)

    def __call__(
        self, x: Float[Array, "B H W C"], rngs: nnx.Rngs | None = None
    ) -> Float[Array, "B H W F"]:
        x = self.dec_att(jax.nn.relu(self.bn_in(self.conv_in(x))), rngs)
        return self.bn_out(self.conv_out(x))


class Pyramid(nnx.Module):
    """Deformable convolutions of several sizes side by side, and the mean of the picture."""

    def __init__(self, *, rngs: nnx.Rngs):
        self.aspp1 = Deformed(1, rngs=rngs)
        self.aspp_deforms = nnx.List(Deformed(size, rngs=rngs) for size in SIZES)
        everywhere = Conv(INNER, SEEN, 1, bias=False, rngs=rngs)
        self.global_avg_pool = Stack(
            [global_average_pool, everywhere, batch_norm(SEEN, rngs=rngs), jax.nn.relu]
        )
        parts = 2 + len(SIZES)
        self.conv1 = Conv(parts * SEEN, INNER, 1, bias=False, rngs=rngs)
        self.bn1 = batch_norm(INNER, rngs=rngs)
        self.dropout = nnx.Dropout(0.5)

    def __call__(
        self, x: Float[Array, "B H W C"], rngs: nnx.Rngs | None = None
    ) -> Float[Array, "B H W C"]:
        parts = self.aspp1, *self.aspp_deforms, self.global_avg_pool
        kernels = jnp.split(self.conv1.kernel[...], len(parts), axis=2)
        # Each part is mixed by itself: side by side they would take five times the memory.
        mixed = [convolve(part(x), kernel) for part, kernel in zip(parts, kernels, strict=True)]
        total = sum(mixed[1:], mixed[0])
        return self.dropout(jax.nn.relu(self.bn1(total)), rngs=rngs)


class Deformed(nnx.Module):
    """A deformable convolution, batch normalisation, and a rectifier."""

    def __init__(self, size: int, *, rngs: nnx.Rngs):
        self.atrous_conv = DeformableConv(INNER, SEEN, size, rngs=rngs)
        self.bn = batch_norm(SEEN, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W F"]:
        return jax.nn.relu(self.bn(self.atrous_conv(x)))
