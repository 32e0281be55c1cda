"""The library's own network: colour models of the known regions, and a small U-Net.

What is known of a picture is summed up by features without parameters. At several scales, the
colours of known foreground and of known background around each pixel become two Gaussian models;
the pixel is compared with both, and with the known cells whose colours are nearest to its own. A
residual U-Net without normalisation makes alpha of that.

Colours are in [0, 1]. A moment of pixels is (1, r, g, b, rr, rg, rb, gg, gb, bb), times whether
they are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jaxtyping import Array, Float

from alphamat_deep.layers import (
    Conv,
    average_pool,
    concatenate,
    refuse_unless_multiples,
    upsample_bilinear,
)

FULL, HALF = 19, 38  # features at full and at half size
COARSEST = 5  # the level of 32 × 32 pixels
REACH = 3  # cells on each side among which a pixel looks for its like
SPREAD = 4e-4  # least variance of a colour model


@dataclass(frozen=True)
class LearnedConfig:
    channels: tuple[int, ...] = (16, 40, 80, 128, 192)
    """Of each level, from full size downwards."""
    blocks: tuple[int, ...] = (1, 1, 2, 3)
    """Residual blocks of the encoder below full size."""


class LearnedOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    raw: Float[Array, "B H W 1"]
    """Before it is clipped to [0, 1]."""


class Learned(nnx.Module):
    """The library's own network."""

    def __init__(self, config: LearnedConfig = LearnedConfig(), *, rngs: nnx.Rngs):
        widths = config.channels
        conv = partial(Conv, rngs=rngs)
        self.config = config
        self.stem = conv(FULL, widths[0], 3, padding=1)
        self.low = _scaled(conv(HALF, widths[1], 1), 0.7)
        self.down = nnx.List(
            conv(above, below, 3, stride=2, padding=1) for above, below in pairwise(widths)
        )
        _scaled(self.down[0], 0.7)
        self.encoder = nnx.List(
            nnx.List(Block(width, rngs=rngs) for _ in range(count))
            for width, count in zip(widths[1:], config.blocks, strict=True)
        )
        self.up = nnx.List(_scaled(conv(below, above, 1), 0.7) for above, below in pairwise(widths))
        self.decoder = nnx.List(Block(width, rngs=rngs) for width in widths[:-1])
        self.head = _scaled(conv(widths[0], 1, 3, padding=1), 0.1, bias=0.5)

    def __call__(
        self, image: Float[Array, "B H W 3"], trimap: Float[Array, "B H W 1"]
    ) -> LearnedOutput:
        """Estimate alpha of images in [0, 1], H and W multiples of 32.

        The trimap is 0 for background, 1 for foreground, and anything between for unknown.
        """
        refuse_unless_multiples(2**COARSEST, image)
        return self.from_features(*features(image, trimap))

    def from_features(
        self, full: Float[Array, "B H W 19"], half: Float[Array, "B H/2 W/2 38"]
    ) -> LearnedOutput:
        """Estimate alpha from what `features` returned, in the type of the parameters."""
        full, half = (x.astype(self.stem.kernel.dtype) for x in (full, half))
        x = self.stem(full)
        kept = [x]
        for level, down in enumerate(self.down):
            x = down(jax.nn.relu(x))
            if level == 0:
                x = x + self.low(half)
            for block in self.encoder[level]:
                x = block(x)
            kept.append(x)
        kept.pop()
        for up, block in zip(self.up[::-1], self.decoder[::-1], strict=True):
            x = block(kept.pop() + upsample_bilinear(up(jax.nn.relu(x))))
        raw = self.head(jax.nn.relu(x))
        return LearnedOutput(jnp.clip(raw, 0, 1), raw)


class Block(nnx.Module):
    """Two convolutions whose result is added, each after a rectifier."""

    def __init__(self, channels: int, *, rngs: nnx.Rngs):
        self.conv1 = Conv(channels, channels, 3, padding=1, rngs=rngs)
        self.conv2 = _scaled(Conv(channels, channels, 3, padding=1, rngs=rngs), 0.2)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        return x + self.conv2(jax.nn.relu(self.conv1(jax.nn.relu(x))))


def _scaled(conv: Conv, gain: float, bias: float = 0.0) -> Conv:
    conv.kernel[...] *= gain
    if conv.bias is not None:
        conv.bias[...] += bias
    return conv


def features(
    image: Float[Array, "B H W 3"], trimap: Float[Array, "B H W 1"]
) -> tuple[Float[Array, "B H W 19"], Float[Array, "B H/2 W/2 38"]]:
    """Return what is known of a picture and a trimap, at full and at half size, in float32.

    No gradient passes.
    """
    image, trimap = (lax.stop_gradient(x).astype(jnp.float32) for x in (image, trimap))
    foreground, background = (trimap >= 1).astype(image.dtype), (trimap <= 0).astype(image.dtype)
    half, products = average_pool(image), _products(image)
    levels = [average_pool(concatenate(foreground * products, background * products))]
    while len(levels) < COARSEST:
        levels.append(average_pool(levels[-1]))
    spread = _pulled_down(levels)
    fine, middle, coarse = (_models(spread[level]) for level in (1, 2, 3))
    fine = _enlarged(fine, 2)
    full = concatenate(
        image - 0.5,
        foreground,
        background,
        1 - foreground - background,
        fine[..., 0:3] - image,
        fine[..., 9:12] - image,
        _compared(image, fine),
    )
    nearest = [_attended(half, levels[level]) for level in (2, 3, 4)]
    low = concatenate(
        _compared(half, _enlarged(middle, 2)),
        _compared(half, _enlarged(coarse, 3)),
        nearest[0],
        nearest[1],
        nearest[2][..., :4],
    )
    return full, low


def _products(image: Array) -> Array:
    """Return each pixel's moment."""
    r, g, b = image[..., 0], image[..., 1], image[..., 2]
    pairs = r * r, r * g, r * b, g * g, g * b, b * b
    return jnp.stack([jnp.ones_like(r), r, g, b, *pairs], axis=-1)


def _pulled_down(levels: list[Array]) -> list[Array]:
    """Let each level's moments reach into the unknown: blurred, plus 0.03 of the coarser level's.

    The coarsest gets a thousandth of the picture's mean.
    """
    spread = [_blurred(levels[-1]) + 1e-3 * levels[-1].mean((1, 2), keepdims=True)]
    for moments in levels[-2::-1]:
        spread.append(_blurred(moments) + 0.03 * upsample_bilinear(spread[-1]))
    return spread[::-1]


def _blurred(x: Array) -> Array:
    """Filter by (1, 2, 1) / 4 along both axes; what is outside equals the border."""
    for axis in (1, 2):
        around = [(0, 0)] * x.ndim
        around[axis] = (1, 1)
        wide, n = jnp.pad(x, around, mode="edge"), x.shape[axis]
        before, after = (lax.slice_in_dim(wide, k, k + n, axis=axis) for k in (0, 2))
        x = 0.25 * before + 0.5 * x + 0.25 * after
    return x


def _enlarged(x: Array, times: int) -> Array:
    for _ in range(times):
        x = upsample_bilinear(x)
    return x


def _models(moments: Array) -> Array:
    """Return both layers' mean (3) and inverse covariance (6) each, then how much is known of each.

    That is log10 of the share of known pixels, from 1e-6 to 1, as a number in [0, 1].
    """
    foreground, background = moments[..., :10], moments[..., 10:]
    known = jnp.stack([foreground[..., 0], background[..., 0]], axis=-1)
    known = jnp.clip(jnp.log10(known + 1e-6) / 6 + 1, 0, 1)
    return concatenate(*_gaussian(foreground), *_gaussian(background), known)


def _gaussian(moments: Array) -> tuple[Array, Array]:
    """Return the mean and the upper triangle of the inverse covariance, row by row.

    The variances have SPREAD added, the covariances lose a twentieth.
    """
    weight = jnp.maximum(moments[..., :1], 1e-9)
    mean, square = moments[..., 1:4] / weight, moments[..., 4:] / weight
    x, y, z = mean[..., 0], mean[..., 1], mean[..., 2]
    xx, yy, zz = (
        jnp.maximum(square[..., at] - m * m, 0) + SPREAD for at, m in ((0, x), (3, y), (5, z))
    )
    xy, xz, yz = (
        0.95 * (square[..., at] - product) for at, product in ((1, x * y), (2, x * z), (4, y * z))
    )
    first, second, third = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    determinant = jnp.maximum(xx * first + xy * second + xz * third, 0.05 * SPREAD**3)
    others = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
    return mean, jnp.stack([first, second, third, *others], axis=-1) / determinant[..., None]


def _compared(image: Array, models: Array) -> Array:
    """Compare pixels with both layers' models, by seven numbers.

    α and the distance from the line between the means; the Mahalanobis distances to both, as
    d / (2 + d), and the second's share of them; how much is known of both.
    """
    foreground, background = models[..., 0:3], models[..., 9:12]
    alpha, off = _projected(image, foreground, background)
    front = _mahalanobis(image - foreground, models[..., 3:9])
    behind = _mahalanobis(image - background, models[..., 12:18])
    share = behind / (front + behind + 0.1) - 0.5
    five = alpha - 0.5, 2 * off, front / (2 + front), behind / (2 + behind), share
    return concatenate(jnp.stack(five, axis=-1), models[..., 18:])


def _mahalanobis(d: Array, inverse: Array) -> Array:
    """Return √(dᵀ S d), where S is given by its upper triangle."""
    x, y, z = d[..., 0], d[..., 1], d[..., 2]
    xx, xy, xz, yy, yz, zz = (inverse[..., at] for at in range(6))
    square = xx * x * x + yy * y * y + zz * z * z + 2 * (xy * x * y + xz * x * z + yz * y * z)
    return jnp.sqrt(jnp.maximum(square, 0))


def _projected(image: Array, foreground: Array, background: Array) -> tuple[Array, Array]:
    """Return where pixels lie on the line from background to foreground, and how far off it."""
    along, own = foreground - background, image - background
    alpha = jnp.clip((own * along).sum(-1) / ((along * along).sum(-1) + 1e-3), -0.5, 1.5)
    rest = own - jnp.clip(alpha, 0, 1)[..., None] * along
    return alpha, jnp.sqrt((rest * rest).sum(-1) + 1e-6)


def _attended(image: Array, moments: Array) -> Array:
    """Look among the cells around each pixel for those whose known colours are nearest to its own.

    Of each layer, the least distance d, and the mean of the cells' colours, weighted by
    v / (d² + 1e-3)², where v ≤ 1 says how much of a cell is known. Returns ten numbers for each
    pixel: twice both distances; α and twice the distance from the line between both means; the
    means minus the pixel's colour.
    """
    count, rows, columns, _ = moments.shape
    side = image.shape[1] // rows
    x = image.reshape(count, rows, side, columns, side, 3)
    around = [(0, 0), (REACH, REACH), (REACH, REACH), (0, 0)]
    cells = [
        jnp.pad(
            concatenate(
                layer[..., 1:4] / jnp.maximum(layer[..., :1], 1e-6),
                jnp.clip(4 * layer[..., :1], 0, 1),
            ),
            around,
        )
        for layer in (moments[..., :10], moments[..., 10:])
    ]

    def row(found, dy):
        lines = [lax.dynamic_slice_in_dim(layer, dy, rows, axis=1) for layer in cells]
        for dx in range(2 * REACH + 1):
            found = [
                _nearer(x, line[:, :, None, dx : dx + columns, None], *best)
                for line, best in zip(lines, found, strict=True)
            ]
        return found, None

    start = [(jnp.ones_like(x[..., :1]), jnp.zeros((*x.shape[:-1], 4), x.dtype))] * 2
    found, _ = lax.scan(row, start, jnp.arange(2 * REACH + 1))
    nearest, means = [], []
    for least, total in found:
        least, total = (array.reshape(*image.shape[:3], -1) for array in (least, total))
        weight = total[..., 3:]
        mean = jnp.where(weight > 0, total[..., :3] / jnp.maximum(weight, 1e-9), image)
        nearest.append(2 * jnp.sqrt(least))
        means.append(mean)
    alpha, off = _projected(image, *means)
    line = jnp.stack([alpha - 0.5, 2 * off], axis=-1)
    return concatenate(*nearest, line, *(mean - image for mean in means))


def _nearer(x: Array, cell: Array, least: Array, total: Array) -> tuple[Array, Array]:
    """Add a cell to what was found so far of a layer."""
    colour, known = cell[..., :3], cell[..., 3:]
    square = ((x - colour) ** 2).sum(-1, keepdims=True)
    weight = known / (square + 1e-3) ** 2
    ones = jnp.ones_like(colour[..., :1])
    # Of a cell of which hardly anything is known, the colour tells nothing.
    least = jnp.minimum(least, jnp.where(known > 0.02, square, 1.0))
    return least, total + weight * concatenate(colour, ones)
