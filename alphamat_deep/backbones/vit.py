"""A plain vision transformer, most of whose blocks attend within windows.

Dosovitskiy et al., "An Image Is Worth 16x16 Words: Transformers for Image Recognition at Scale",
ICLR 2021, as Li, Mao, Girshick & He, "Exploring Plain Vision Transformer Backbones for Object
Detection", ECCV 2022, adapt it to large pictures: every third block attends to the whole picture,
and ends with a residual block of convolutions.
"""

from __future__ import annotations

from functools import partial

import jax
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.layers import Conv, PositionEmbedding, RelativeAttention, apply, over_windows

PATCH = 16  # pixels wide, as is a token
PRETRAINED = 14  # tokens wide
TRAINED = 32  # tokens wide
WINDOW = 14  # tokens wide
BLOCKS = 12
GLOBAL = 2, 5, 8, 11

gelu = partial(jax.nn.gelu, approximate=False)


class ViT(nnx.Module):
    """The transformer. Its features are at 1/16 of the size."""

    def __init__(self, channels: int, features: int, heads: int, *, rngs: nnx.Rngs):
        patches = Conv(channels, features, PATCH, stride=PATCH, rngs=rngs)
        self.patch_embed = nnx.Dict(proj=patches)
        self.pos_embed = PositionEmbedding(features, PRETRAINED)
        self.blocks = nnx.List(
            Block(features, heads, everywhere=at in GLOBAL, rngs=rngs) for at in range(BLOCKS)
        )

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        x = self.patch_embed.proj(x)
        return apply(self.blocks, x + self.pos_embed(*x.shape[1:3]))


class Block(nnx.Module):
    """Attention, to the whole picture (`everywhere`) or within windows, and a perceptron."""

    def __init__(self, features: int, heads: int, *, everywhere: bool, rngs: nnx.Rngs):
        self.norm1 = layer_norm(features, rngs=rngs)
        side = TRAINED if everywhere else WINDOW
        self.attn = RelativeAttention(features, heads, side, rngs=rngs)
        self.norm2 = layer_norm(features, rngs=rngs)
        self.mlp = MLP(features, rngs=rngs)
        self.residual = Bottleneck(features, rngs=rngs) if everywhere else None

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        y = self.norm1(x)
        x = x + (self.attn(y) if self.residual else over_windows(self.attn, y, WINDOW))
        x = x + self.mlp(self.norm2(x))
        return self.residual(x) if self.residual else x


class MLP(nnx.Module):
    """A perceptron with one hidden layer, four times as wide."""

    def __init__(self, features: int, *, rngs: nnx.Rngs):
        self.fc1 = Conv(features, 4 * features, 1, rngs=rngs)
        self.fc2 = Conv(4 * features, features, 1, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        return self.fc2(gelu(self.fc1(x)))


class Bottleneck(nnx.Module):
    """A residual block of convolutions, half as wide inside, which starts as the identity."""

    def __init__(self, features: int, *, rngs: nnx.Rngs):
        inner = features // 2
        conv = partial(Conv, bias=False, rngs=rngs)
        self.conv1, self.norm1 = conv(features, inner, 1), layer_norm(inner, rngs=rngs)
        self.conv2, self.norm2 = conv(inner, inner, 3, padding=1), layer_norm(inner, rngs=rngs)
        self.conv3, self.norm3 = conv(inner, features, 1), layer_norm(features, 0.0, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        y = gelu(self.norm1(self.conv1(x)))
        y = gelu(self.norm2(self.conv2(y)))
        return x + self.norm3(self.conv3(y))


def layer_norm(features: int, scale: float = 1.0, *, rngs: nnx.Rngs) -> nnx.LayerNorm:
    """Return a normalisation of each token by itself; `scale` is that at the start of training."""
    start = nnx.initializers.constant(scale)
    return nnx.LayerNorm(
        features, epsilon=1e-6, scale_init=start, use_fast_variance=False, rngs=rngs
    )
