"""Convolution at places that the picture itself decides.

Zhu, Hu, Lin & Dai, "Deformable ConvNets v2: More Deformable, Better Results", CVPR 2019.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax
from jaxtyping import Array, Float

from alphamat_deep.layers.convolution import Conv

SAMPLES = 2**22  # that are held at a time, for memory


class DeformableConv(nnx.Module):
    """A convolution without bias, of odd size, whose entries look elsewhere at each pixel.

    Two more convolutions find out where, and how much each entry counts there, from 0 to 2.
    """

    def __init__(self, channels: int, features: int, size: int, *, rngs: nnx.Rngs):
        entries, border = size**2, size // 2
        self.offset_conv = Conv(channels, 2 * entries, size, padding=border, rngs=rngs)
        self.modulator_conv = Conv(channels, entries, size, padding=border, rngs=rngs)
        self.regular_conv = Conv(channels, features, size, bias=False, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W F"]:
        offsets = self.offset_conv(x)
        offsets = offsets.reshape(*offsets.shape[:3], -1, 2)
        counts = 2 * jax.nn.sigmoid(self.modulator_conv(x))
        return convolve_deformed(x, offsets, counts, self.regular_conv.kernel[...])


def convolve_deformed(
    x: Float[Array, "B H W C"],
    offsets: Float[Array, "B H W t 2"],
    counts: Float[Array, "B H W t"],
    kernel: Float[Array, "s s C F"],
) -> Float[Array, "B H W F"]:
    """Convolve; a kernel's entry looks (y, x) pixels beside its place and counts so much.

    Entries are numbered row by row. Between pixels it interpolates bilinearly; outside is 0. Some
    pixels are done at a time: so many that `SAMPLES` values are read for them.
    """
    (B, H, W, C), (size, *_, F) = x.shape, kernel.shape
    entries = np.indices((size, size)).reshape(2, -1).T - size // 2
    first = W * H * np.repeat(np.arange(B), H * W)
    places = np.tile(np.indices((H, W)).reshape(2, -1).T, (B, 1))
    pixels, weights = x.reshape(-1, C), kernel.reshape(-1, F)
    precise = jnp.promote_types(x.dtype, jnp.float32)

    @jax.checkpoint
    def convolve(entry):
        start, place, offset, count = entry
        at = (place + entries) + offset.astype(precise)
        seen = interpolate(pixels, start, H, W, at) * count[:, None]
        return seen.astype(x.dtype).reshape(-1) @ weights

    each = (
        jnp.asarray(first),
        jnp.asarray(places),
        offsets.reshape(-1, *offsets.shape[3:]),
        counts.reshape(-1, counts.shape[3]),
    )
    return lax.map(convolve, each, batch_size=SAMPLES // len(weights)).reshape(B, H, W, F)


def interpolate(
    pixels: Float[Array, "n C"], start: Array, H: int, W: int, at: Float[Array, "t 2"]
) -> Float[Array, "t C"]:
    """Return values at places (y, x) of the H × W pixels from `start` on."""
    low = jnp.floor(at)
    share, low = at - low, low.astype(jnp.int32)
    total = jnp.zeros(())
    for corner in np.ndindex(2, 2):
        y, x = (low + np.array(corner)).T
        weight = jnp.where(np.array(corner), share, 1 - share).prod(-1)
        weight = jnp.where((y >= 0) & (y < H) & (x >= 0) & (x < W), weight, 0)
        place = start + W * jnp.clip(y, 0, H - 1) + jnp.clip(x, 0, W - 1)
        total = total + weight[:, None] * pixels.at[place].get(mode="promise_in_bounds")
    return total
