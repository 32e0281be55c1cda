"""Convolutions, strided, dilated, grouped and transposed, with PyTorch's rule of padding.

Which program is fastest depends on the device: comments give what was measured.
"""

from __future__ import annotations

from functools import partial

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax
from jaxtyping import Array, Float

from alphamat_deep.layers.parameters import he_normal


class Conv(nnx.Module):
    """A convolution that puts `padding` zeros on every side, whatever its stride.

    "SAME" is another rule: at a stride of 2, a 3 × 3 kernel pads an even side only at its end.
    """

    def __init__(
        self,
        channels: int,
        features: int,
        size: int,
        *,
        stride: int = 1,
        padding: int | str = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        rngs: nnx.Rngs,
    ):
        shape = (size, size, channels // groups, features)
        self.kernel = nnx.Param(he_normal(rngs.params(), shape))
        self.bias = nnx.Param(jnp.zeros(features)) if bias else None
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        options = self.stride, self.padding, self.dilation, self.groups
        return add_bias(convolve(x, self.kernel[...], *options), self.bias)


class ConvTranspose(nnx.Module):
    """The adjoint of a 4 × 4 convolution with stride 2 and padding 1. It doubles H and W."""

    def __init__(self, channels: int, features: int, *, bias: bool = True, rngs: nnx.Rngs):
        self.kernel = nnx.Param(he_normal(rngs.params(), (4, 4, channels, features)))
        self.bias = nnx.Param(jnp.zeros(features)) if bias else None

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B 2*H 2*W F"]:
        return add_bias(convolve_transposed(x, self.kernel[...]), self.bias)


def add_bias(x: Array, bias: nnx.Param | None) -> Array:
    return x if bias is None else x + bias[...]


def convolve(
    x: Array,
    kernel: Array,
    stride: int = 1,
    padding: int | str | tuple[tuple[int, int], tuple[int, int]] = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Array:
    """Convolve after padding with zeros.

    `padding` is their number on every side, "SAME", or for each axis their number before and after.
    """
    if kernel.shape[:2] == (1, 1) and groups == 1 and padding == 0:
        # XLA's matrix product is faster than its 1 × 1 convolution, on a CPU by a quarter.
        return jnp.einsum("bhwi,io->bhwo", x[:, ::stride, ::stride], kernel[0, 0])
    # XLA on a CPU takes up to twice as long unless the number of channels is a multiple of 4.
    fill = -x.shape[3] % 4 if groups == 1 else 0
    x = jnp.pad(x, [(0, 0), (0, 0), (0, 0), (0, fill)])
    kernel = jnp.pad(kernel, [(0, 0), (0, 0), (0, fill), (0, 0)])
    # It takes three times as long without padding, so one column more is computed and dropped.
    more = stride if padding == 0 else 0
    around = (
        [(padding, padding), (padding, padding + more)] if isinstance(padding, int) else padding
    )

    def whole(x, kernel):
        y = lax.conv_general_dilated(
            x,
            kernel,
            (stride, stride),
            around,
            rhs_dilation=(dilation, dilation),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=groups,
        )
        return y[:, :, :-1] if more else y

    def in_parts(x, kernel):
        count = kernel.shape[2] // 512
        parts = zip(jnp.split(x, count, axis=3), jnp.split(kernel, count, axis=2), strict=True)
        return jnp.asarray(sum(whole(*part) for part in parts))

    channels, features = kernel.shape[2:]
    if groups == 1 and channels > 1024 and channels % 512 == 0:
        # XLA on a CPU takes a quarter longer for all channels at once.
        return lax.platform_dependent(x, kernel, cpu=in_parts, default=whole)
    if groups == x.shape[3] == features > 1 and isinstance(padding, int):
        by_entry = partial(convolve_depthwise, stride=stride, padding=padding, dilation=dilation)
        return lax.platform_dependent(x, kernel, cpu=by_entry, default=whole)
    few = features <= 4 and channels <= 24 and stride == dilation == groups == 1
    keeps_size = padding == kernel.shape[1] // 2 and kernel.shape[1] % 2
    if few and keeps_size and x.shape[2] % 4 == 0:
        return lax.platform_dependent(x, kernel, cpu=convolve_four_columns, default=whole)
    return whole(x, kernel)


def convolve_four_columns(x: Array, kernel: Array) -> Array:
    """Convolve with an odd kernel, keeping the size: four columns become features of one.

    Column by column, XLA on a CPU takes two to four times as long for so few features.
    """
    B, H, W, _ = x.shape
    border, features = kernel.shape[1] // 2, kernel.shape[3]
    shifted = [jnp.pad(kernel, [(0, 0), (at, 3 - at), (0, 0), (0, 0)]) for at in range(4)]
    y = lax.conv_general_dilated(
        x,
        jnp.concatenate(shifted, axis=3),
        (1, 4),
        [(border, border)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return y.reshape(B, H, W, features)


def convolve_depthwise(x: Array, kernel: Array, stride: int, padding: int, dilation: int) -> Array:
    """Convolve each feature by itself: one multiplication and addition for each kernel entry.

    XLA's grouped convolution on a CPU takes about ten times as long.
    """
    size = kernel.shape[:2]
    rows, columns = (
        (side + 2 * padding - dilation * (length - 1) - 1) // stride + 1
        for side, length in zip(x.shape[1:3], size, strict=True)
    )
    x = jnp.pad(x, [(0, 0), (padding, padding), (padding, padding), (0, 0)])
    total = 0
    for i, j in np.ndindex(*size):
        y, z = i * dilation, j * dilation
        window = x[:, y : y + stride * rows : stride, z : z + stride * columns : stride]
        total = total + window * kernel[i, j, 0]
    return jnp.asarray(total)


def convolve_transposed(x: Array, kernel: Array) -> Array:
    """Apply the adjoint of a 4 × 4 convolution with stride 2 and padding 1.

    Output (2i + a, 2j + b) is a sum over the 2 × 2 inputs from (i + a - 1, j + b - 1) on, weighted
    by every second row and column of the kernel. So one 2 × 2 convolution computes all four phases
    (a, b), those of 1 before those of 0. To put zeros between the inputs would quadruple the work.
    Kernels are stored mirrored.
    """
    B, H, W, _ = x.shape
    features = kernel.shape[3]
    phases = [kernel[a::2, b::2] for a in (1, 0) for b in (1, 0)]
    y = convolve(x, jnp.concatenate(phases, axis=3), padding=1)
    y = y.reshape(B, H + 1, W + 1, 2, 2 * features).swapaxes(2, 3)
    return y.reshape(B, 2 * H + 2, 2 * W + 2, features)[:, 1:-1, 1:-1]
