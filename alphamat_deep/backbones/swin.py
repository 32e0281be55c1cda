"""Swin, a transformer whose blocks attend within windows, and whose stages halve the grid.

Liu, Lin, Cao, Hu, Wei, Zhang, Lin & Guo, "Swin Transformer: Hierarchical Vision Transformer using
Shifted Windows", ICCV 2021.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.layers import Conv, WindowAttention, apply, concatenate

PATCH = 4  # pixels wide, as is a token of the first stage

gelu = partial(jax.nn.gelu, approximate=False)
layer_norm = partial(nnx.LayerNorm, epsilon=1e-5, use_fast_variance=False)


class Swin(nnx.Module):
    """The transformer. Features are at 1/4, 1/8, 1/16 and 1/32 of the size, normalised."""

    norm0: nnx.LayerNorm

    def __init__(
        self,
        features: int,
        depths: tuple[int, ...],
        heads: tuple[int, ...],
        window: int,
        *,
        rngs: nnx.Rngs,
    ):
        """Make stages of so many blocks and `heads`, the first with so many `features`."""
        self.widths = tuple(features * 2**at for at in range(len(depths)))
        self.patch_embed = Patches(features, rngs=rngs)
        stages = zip(self.widths, depths, heads, strict=True)
        last = len(depths) - 1
        self.layers = nnx.List(
            Stage(*stage, window, shrink=at < last, rngs=rngs) for at, stage in enumerate(stages)
        )
        for at, width in enumerate(self.widths):
            setattr(self, f"norm{at}", layer_norm(width, rngs=rngs))

    def __call__(self, image: Float[Array, "B H W 3"]) -> tuple[Array, ...]:
        """Return the stages' features of images whose sides are multiples of 4."""
        x, found = self.patch_embed(image), []
        for at, stage in enumerate(self.layers):
            x = apply(stage.blocks, x)
            found.append(getattr(self, f"norm{at}")(x))
            if stage.downsample is not None:
                x = stage.downsample(x)
        return tuple(found)


class Patches(nnx.Module):
    """Make a token of each patch of the picture."""

    def __init__(self, features: int, *, rngs: nnx.Rngs):
        self.proj = Conv(3, features, PATCH, stride=PATCH, rngs=rngs)
        self.norm = layer_norm(features, rngs=rngs)

    def __call__(self, image: Float[Array, "B H W 3"]) -> Float[Array, "B h w F"]:
        return self.norm(self.proj(image))


class Stage(nnx.Module):
    """Blocks at one size, every second of which shifts its windows, and a step to half the size."""

    def __init__(
        self, features: int, depth: int, heads: int, window: int, *, shrink: bool, rngs: nnx.Rngs
    ):
        shifts = (at % 2 * (window // 2) for at in range(depth))
        self.blocks = nnx.List(Block(features, heads, window, s, rngs=rngs) for s in shifts)
        self.downsample = Merging(features, rngs=rngs) if shrink else None


class Block(nnx.Module):
    """Attention within windows, and a perceptron with one hidden layer, four times as wide."""

    def __init__(self, features: int, heads: int, window: int, shift: int, *, rngs: nnx.Rngs):
        self.norm1 = layer_norm(features, rngs=rngs)
        self.attn = WindowAttention(features, heads, window, shift=shift, rngs=rngs)
        self.norm2 = layer_norm(features, rngs=rngs)
        conv = partial(Conv, size=1, rngs=rngs)
        self.mlp = nnx.Dict(fc1=conv(features, 4 * features), fc2=conv(4 * features, features))

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp.fc2(gelu(self.mlp.fc1(self.norm2(x))))


class Merging(nnx.Module):
    """Put each 2 × 2 tokens together to one with twice the features.

    A last odd row or column is completed with zeros.
    """

    def __init__(self, features: int, *, rngs: nnx.Rngs):
        self.norm = layer_norm(4 * features, rngs=rngs)
        self.reduction = Conv(4 * features, 2 * features, 1, bias=False, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        x = jnp.pad(x, [(0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0)])
        corners = [x[:, a::2, b::2] for b in (0, 1) for a in (0, 1)]
        return self.reduction(self.norm(concatenate(*corners)))
