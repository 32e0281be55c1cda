"""Layers put together: in order, side by side, and as blocks that several networks share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.layers.convolution import Conv
from alphamat_deep.layers.norms import batch_norm
from alphamat_deep.layers.pooling import AdaptiveAveragePool
from alphamat_deep.layers.resizing import resize_like_paddle


def apply(layers: Iterable[Callable], x):
    """Apply the first layer to x, the second to its result, and so on."""
    for layer in layers:
        x = layer(x)
    return x


def concatenate(*parts: Array) -> Array:
    """Put the features of several arrays side by side."""
    return jnp.concatenate(parts, axis=-1)


class Stack(nnx.Module):
    """Layers applied in order, named by their numbers, as in PyTorch's `Sequential`."""

    def __init__(self, layers: Sequence[Callable]):
        self.count = len(layers)
        for at, layer in enumerate(layers):
            setattr(self, str(at), layer)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        return apply((getattr(self, str(at)) for at in range(self.count)), x)


class ConvBN(nnx.Module):
    """Convolution and batch normalisation, under PaddleSeg's names."""

    def __init__(
        self,
        channels: int,
        features: int,
        size: int,
        *,
        scale: float = 1.0,
        rngs: nnx.Rngs,
        **options,
    ):
        self._conv = Conv(channels, features, size, rngs=rngs, **options)
        self._batch_norm = batch_norm(features, scale=scale, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        return self._batch_norm(self._conv(x))


class ConvBNReLU(nnx.Module):
    """Convolution, batch normalisation and rectifier, under PaddleSeg's names."""

    def __init__(self, channels: int, features: int, size: int, *, rngs: nnx.Rngs, **options):
        self._conv = Conv(channels, features, size, rngs=rngs, **options)
        self._batch_norm = batch_norm(features, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        return jax.nn.relu(self._batch_norm(self._conv(x)))


def activated_conv(
    channels: int,
    features: int,
    size: int,
    activation: Callable = jax.nn.relu,
    *,
    rngs: nnx.Rngs,
    **options,
) -> list:
    """Return a convolution without bias, batch normalisation and an activation."""
    conv = Conv(channels, features, size, bias=False, rngs=rngs, **options)
    return [conv, batch_norm(features, rngs=rngs), activation]


class PyramidPooling(nnx.Module):
    """Put averages over n × n parts of the picture beside each pixel, under PaddleSeg's names.

    Zhao, Shi, Qi, Wang & Jia, "Pyramid Scene Parsing Network", CVPR 2017.
    """

    def __init__(
        self, channels: int, features: int, sizes: tuple[int, ...] = (1, 3, 5), *, rngs: nnx.Rngs
    ):
        self.stages = nnx.List(
            nnx.List([AdaptiveAveragePool(n), ConvBNReLU(channels, channels, 1, rngs=rngs)])
            for n in sizes
        )
        everything = (1 + len(sizes)) * channels
        self.conv_bn_relu2 = ConvBNReLU(everything, features, 3, padding=1, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W F"]:
        means = [resize_like_paddle(apply(stage, x), *x.shape[1:3]) for stage in self.stages]
        return self.conv_bn_relu2(concatenate(x, *means[::-1]))


def rectify(x: Array) -> Array:
    """Return relu(x), computed once although several layers read it, as after a residual block.

    XLA recomputes cheap expressions, such as `jax.nn.relu` of a sum, for each reader; along a chain
    of blocks it recomputes all sums before, too. It does not recompute a selection.
    """
    return jnp.where(x <= 0, 0, x)


def fuse_semantic_and_detail(
    semantic: Float[Array, "B H W 3"], detail: Float[Array, "B H W 1"]
) -> Float[Array, "B H W 1"]:
    """Return 1 where the first of three scores is highest, `detail` where the second is, else 0.

    Of equal scores the earlier counts.
    """
    best = semantic.argmax(axis=-1, keepdims=True)
    return jnp.where(best == 1, detail, (best == 0).astype(detail.dtype))
