"""BEN2, without its refiner.

Meyer & Spruyt, "BEN: Using Confidence-Guided Matting for Dichotomous Image Segmentation", 2025;
the network is MVANet: Yu, Zhao, Pang, Zhang & Lu, "Multi-View Aggregation Network for Dichotomous
Image Segmentation", CVPR 2024. It needs no trimap. It looks at five pictures of half the size: the
four quarters and the whole. Features of quarters gather from those of the whole, and these from
those of the quarters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.backbones.swin import Swin, gelu, layer_norm
from alphamat_deep.layers import (
    Conv,
    CrossAttention,
    Stack,
    adaptive_average_pool,
    instance_norm,
    refuse_unless_multiples,
    resize,
    upsample_nearest,
)

FEATURES = 128
SWIN_B = partial(Swin, 128, (2, 2, 18, 2), (4, 8, 16, 32), 12)

Views = Float[Array, "n _ _ _"]  # five of a picture: quarters, row by row, and the whole


@dataclass(frozen=True)
class BEN2Config:
    backbone: Callable[..., Any] = SWIN_B
    """Called as `backbone(rngs=…)`."""


class BEN2Output(NamedTuple):
    alpha: Float[Array, "B H W 1"]


class BEN2(nnx.Module):
    """The base network of BEN2, under its authors' names. In training it drops no features."""

    def __init__(self, config: BEN2Config = BEN2Config(), *, rngs: nnx.Rngs):
        block = partial(normalised_conv, rngs=rngs)
        self.backbone = config.backbone(rngs=rngs)
        first, second, third, fourth = self.backbone.widths
        self.output5, self.output4, self.output3 = block(fourth), block(third), block(second)
        self.output2, self.output1 = block(first), block(first)
        self.multifieldcrossatt = ViewFusion(rngs=rngs)
        exchanges = (ViewExchange(rngs=rngs) for _ in range(4))
        self.dec_blk4, self.dec_blk3, self.dec_blk2, self.dec_blk1 = exchanges
        self.conv4, self.conv3, self.conv2, self.conv1 = (block(FEATURES) for _ in range(4))
        wide = 3 * FEATURES
        conv = partial(Conv, size=3, padding=1, rngs=rngs)
        norm = partial(instance_norm, affine=False, rngs=rngs)
        head = [conv(FEATURES, wide), norm(wide), gelu, conv(wide, wide), norm(wide), gelu]
        self.insmask_head = Stack([*head, conv(wide, FEATURES)])
        self.shallow = Stack([conv(3, FEATURES)])
        self.upsample1, self.upsample2 = block(FEATURES), block(FEATURES)
        self.output = Stack([conv(FEATURES, 1)])

    def __call__(self, image: Float[Array, "B H W 3"]) -> BEN2Output:
        """Estimate alpha of normalised images, H and W multiples of 128."""
        refuse_unless_multiples(128, image)
        height, width = image.shape[1:3]
        half = resize(image, height // 2, width // 2)
        x = self._exchange(join_views(cut(image), half))
        quarters, whole = split_views(x)
        x = put_together(quarters)
        x = self.insmask_head(x + resize(whole, *x.shape[1:3]))
        detail = self.shallow(image)
        x = self.upsample1(upsample_nearest(x + resize(detail, *x.shape[1:3])))
        x = self.upsample2(upsample_nearest(x + resize(detail, *x.shape[1:3])))
        return BEN2Output(jax.nn.sigmoid(self.output(x)))

    def _exchange(self, views: Views) -> Views:
        """Return features of all views, at 1/4 of their size."""
        first = self.backbone.patch_embed(views)
        f1, f2, f3, f4 = self.backbone(views)
        x = self.multifieldcrossatt(self.output5(f4))
        for output, features, exchange, conv in (
            (self.output4, f3, self.dec_blk4, self.conv4),
            (self.output3, f2, self.dec_blk3, self.conv3),
            (self.output2, f1, self.dec_blk2, self.conv2),
            (self.output1, first, self.dec_blk1, self.conv1),
        ):
            x = conv(exchange(output(features) + resize(x, *features.shape[1:3])))
        return x


class Gathering(nnx.Module):
    """What both exchanges do with the quarters: each has an attention of its own."""

    def __init__(self, *, rngs: nnx.Rngs):
        linear = partial(Conv, size=1, rngs=rngs)
        self.attention = nnx.List(CrossAttention(FEATURES, rngs=rngs) for _ in range(4))
        self.linear3, self.linear4 = linear(FEATURES, 2 * FEATURES), linear(2 * FEATURES, FEATURES)
        self.norm1, self.norm2 = layer_norm(FEATURES, rngs=rngs), layer_norm(FEATURES, rngs=rngs)

    def gather(
        self, quarters: Float[Array, "q h w C"], keys: Float[Array, "q K C"]
    ) -> Float[Array, "q h w C"]:
        """Return the quarters after attention to keys, and a perceptron."""
        x = quarters.reshape(len(quarters), -1, FEATURES)
        each = self.attention[-4:]
        found = [attend(x[at::4], keys[at::4], keys[at::4]) for at, attend in enumerate(each)]
        x = self.norm1(quarters + jnp.stack(found, axis=1).reshape(quarters.shape))
        return self.norm2(x + self.linear4(gelu(self.linear3(x))))


class ViewFusion(Gathering):
    """The whole gathers from means of the quarters, and then each quarter from its part (MCLM)."""

    def __init__(self, *, rngs: nnx.Rngs):
        super().__init__(rngs=rngs)
        linear = partial(Conv, size=1, rngs=rngs)
        self.attention.append(CrossAttention(FEATURES, rngs=rngs))  # the whole's is the first
        self.linear1, self.linear2 = linear(FEATURES, 2 * FEATURES), linear(2 * FEATURES, FEATURES)

    def __call__(self, views: Views) -> Views:
        quarters, whole = split_views(views)
        means = pool(put_together(quarters), *views.shape[1:3], ratios=(1, 4, 8))
        keys = tokens([add_positions(x) for x in means])
        queries = tokens([add_positions(whole)])
        x = self.norm1(whole + self.attention[0](queries, keys, tokens(means)).reshape(whole.shape))
        x = self.norm2(x + self.linear2(gelu(self.linear1(x))))
        return join_views(self.gather(quarters, tokens([cut(x)])), x)


class ViewExchange(Gathering):
    """Quarters gather from means of their part of the whole, which adds what they become (MCRM)."""

    def __init__(self, *, rngs: nnx.Rngs):
        super().__init__(rngs=rngs)
        self.sal_conv = Conv(FEATURES, 1, 1, rngs=rngs)

    def __call__(self, views: Views) -> Views:
        quarters, whole = split_views(views)
        gate = jax.nn.sigmoid(self.sal_conv(whole))
        means = pool(cut(whole), *views.shape[1:3], ratios=(2, 4, 8))
        quarters = self.gather(quarters * cut(upsample_nearest(gate)), tokens(means))
        return join_views(quarters, whole + put_together(quarters)[:, ::2, ::2])


def normalised_conv(channels: int, *, rngs: nnx.Rngs) -> Stack:
    conv = Conv(channels, FEATURES, 3, padding=1, rngs=rngs)
    return Stack([conv, instance_norm(FEATURES, affine=False, rngs=rngs), gelu])


def cut(x: Float[Array, "B H W C"]) -> Float[Array, "q h w C"]:
    """Return the four quarters of each picture, row by row."""
    B, H, W, C = x.shape
    x = x.reshape(B, 2, H // 2, 2, W // 2, C).swapaxes(2, 3)
    return x.reshape(4 * B, H // 2, W // 2, C)


def put_together(quarters: Float[Array, "q h w C"]) -> Float[Array, "B H W C"]:
    """Return the pictures of which `cut` made the quarters."""
    h, w, C = quarters.shape[1:]
    return quarters.reshape(-1, 2, 2, h, w, C).swapaxes(2, 3).reshape(-1, 2 * h, 2 * w, C)


def split_views(views: Views) -> tuple[Array, Array]:
    """Return the quarters and the wholes."""
    five = views.reshape(-1, 5, *views.shape[1:])
    return five[:, :4].reshape(-1, *views.shape[1:]), five[:, 4]


def join_views(quarters: Float[Array, "q h w C"], whole: Float[Array, "B h w C"]) -> Views:
    four = quarters.reshape(-1, 4, *whole.shape[1:])
    return jnp.concatenate([four, whole[:, None]], axis=1).reshape(-1, *whole.shape[1:])


def pool(x: Array, height: int, width: int, *, ratios: tuple[int, ...]) -> list[Array]:
    """Return means to `height` and `width` over each ratio, as Python rounds it: 0.5 to 0."""
    return [adaptive_average_pool(x, round(height / n), round(width / n)) for n in ratios]


def tokens(grids: list[Array]) -> Float[Array, "B L C"]:
    """Put the pixels of grids after each other."""
    return jnp.concatenate([x.reshape(len(x), -1, FEATURES) for x in grids], axis=1)


def add_positions(x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
    """Add sines and cosines of the place, the first half of them of the row.

    Carion et al., "End-to-End Object Detection with Transformers", ECCV 2020.
    """
    height, width, features = x.shape[1], x.shape[2], x.shape[3] // 2
    slow = 1e4 ** (np.arange(0, features, 2) / features)

    def along(count: int) -> np.ndarray:
        turns = 2 * np.pi * (np.arange(count) + 0.5) / (count + 1e-6)
        angles = turns[:, None] / slow
        return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(count, features)

    both = along(height)[:, None], along(width)[None]
    both = [np.broadcast_to(part, (height, width, features)) for part in both]
    return x + jnp.asarray(np.concatenate(both, axis=-1), x.dtype)
