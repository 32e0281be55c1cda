"""Convolutions whose kernels have a mean of 0 and a variance of 1 in each filter.

Qiao, Wang, Liu, Shen & Yuille, "Micro-Batch Training with Batch-Channel Normalization and Weight
Standardization", 2019.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from alphamat_deep.layers.convolution import Conv, add_bias, convolve


class StandardisedConv(Conv):
    """`Conv`, its kernel standardised in each call."""

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        options = self.stride, self.padding, self.dilation, self.groups
        return add_bias(convolve(x, standardise(self.kernel[...]), *options), self.bias)


def standardise(kernel: Float[Array, "h w C F"]) -> Float[Array, "h w C F"]:
    """Return a kernel less the mean of each filter, divided by its standard deviation."""
    wide = kernel.astype(jnp.promote_types(kernel.dtype, jnp.float32))
    centred = wide - wide.mean((0, 1, 2))
    return (centred * lax.rsqrt(jnp.square(centred).mean((0, 1, 2)) + 1e-5)).astype(kernel.dtype)
