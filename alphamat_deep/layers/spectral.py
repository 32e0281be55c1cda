"""Convolutions whose kernels are divided by their largest singular value.

Miyato, Kataoka, Koyama & Yoshida, "Spectral Normalization for Generative Adversarial Networks",
ICLR 2018.
"""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jax import lax
from jaxtyping import Array, Float

from alphamat_deep.layers.convolution import convolve, convolve_transposed
from alphamat_deep.layers.parameters import SpectralVector, draw_normal, he_normal


class SpectralConv(nnx.Module):
    """A convolution without bias whose kernel is divided by its largest singular value.

    The kernel is a matrix W with one row per feature. Its largest singular value is uᵀ W v; power
    iteration finds the singular vectors u and v, one step in each call in training.
    """

    def __init__(
        self,
        channels: int,
        features: int,
        size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        rngs: nnx.Rngs,
    ):
        self.kernel = nnx.Param(he_normal(rngs.params(), (size, size, channels, features)))
        self.u, self.v = draw_singular_vectors(rngs, features, (size, size, channels))
        self.stride, self.padding, self.deterministic = stride, padding, False

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        y = convolve(x, self.kernel[...], self.stride, self.padding)
        return y / spectral_norm(self, "hwio,o,hwi").astype(x.dtype)


class SpectralConvTranspose(nnx.Module):
    """`ConvTranspose` without bias, its kernel normalised as in `SpectralConv`.

    PyTorch's W has one row per input channel, Paddle's (`by_feature`) one per output feature.
    """

    def __init__(self, channels: int, features: int, *, by_feature: bool = False, rngs: nnx.Rngs):
        self.kernel = nnx.Param(he_normal(rngs.params(), (4, 4, channels, features)))
        rows, columns = (features, channels) if by_feature else (channels, features)
        self.u, self.v = draw_singular_vectors(rngs, rows, (4, 4, columns))
        self.by_feature, self.deterministic = by_feature, False

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B 2*H 2*W F"]:
        axes = "hwio,o,hwi" if self.by_feature else "hwio,i,hwo"
        y = convolve_transposed(x, self.kernel[...])
        return y / spectral_norm(self, axes).astype(x.dtype)


def draw_singular_vectors(
    rngs: nnx.Rngs, rows: int, columns: tuple[int, ...]
) -> tuple[SpectralVector, SpectralVector]:
    """Return u (rows,) and v (columns), of unit length, from which power iteration starts."""
    shapes = (rows,), columns
    u, v = (SpectralVector(normalise(draw_normal(rngs.params(), shape))) for shape in shapes)
    return u, v


def spectral_norm(layer: SpectralConv | SpectralConvTranspose, axes: str) -> Array:
    """Return uᵀ W v, in training after a step of power iteration.

    `axes` names the axes of W, u and v as einsum does. Layers divide their output by the result:
    dividing the kernel would copy it in each call.
    """
    kernel, u, v = layer.kernel[...], layer.u[...], layer.v[...]
    W, rows, columns = axes.split(",")
    if not layer.deterministic:
        fixed = lax.stop_gradient(kernel)
        v = normalise(jnp.einsum(f"{W},{rows}->{columns}", fixed, u))
        u = normalise(jnp.einsum(f"{W},{columns}->{rows}", fixed, v))
        for vector, now in (layer.u, u), (layer.v, v):
            vector.set_value(now.astype(vector.dtype))
    # This sums in one pass. einsum would first compute all of u vᵀ.
    u = jnp.expand_dims(u, [at for at, axis in enumerate(W) if axis != rows])
    return (kernel * u * jnp.expand_dims(v, W.index(rows))).sum()


def normalise(x: Array) -> Array:
    return x / (jnp.linalg.norm(x) + 1e-12)
