"""Linear filters of pictures, as sums of shifted pictures.

No matrix unit takes part in it, which would round float32 to fewer digits. Pictures are
(…, H, W, C), with any axes in front.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from alphamat_deep.training.losses.arithmetic import add_up

SLOPE, SMOOTH = (-1.0, 0.0, 1.0), (1.0, 2.0, 1.0)


def filter_separably(
    x: Float[Array, "*B H W C"], rows: Sequence[float], columns: Sequence[float], *, border: str
) -> Float[Array, "*B H W C"]:
    """Weigh 2 r + 1 neighbouring rows by `rows`, then neighbouring columns by `columns`.

    `border` is the mode of `jnp.pad` by which the picture is continued.
    """
    return _filter_along(_filter_along(x, x.ndim - 3, rows, border), x.ndim - 2, columns, border)


def _filter_along(x: Array, axis: int, weights: Sequence[float], border: str) -> Array:
    count, reach = x.shape[axis], len(weights) // 2
    padding = [(reach, reach) if a == axis else (0, 0) for a in range(x.ndim)]
    # Without the barrier XLA computes the border anew in every shift: it compiles three times as
    # long, and runs twice as long.
    padded = lax.optimization_barrier(jnp.pad(x, padding, mode=border))
    shifted = [
        weight * lax.slice_in_dim(padded, at, at + count, axis=axis)
        for at, weight in enumerate(weights)
        if weight
    ]
    return add_up(shifted)


def sobel(
    x: Float[Array, "*B H W C"], *, scale: float = 1.0, border: str = "edge"
) -> tuple[Float[Array, "*B H W C"], Float[Array, "*B H W C"]]:
    """Return the slopes along rows and along columns, `scale` times Sobel's.

    A ramp of slope 1 has 8 at a scale of 1, and 1 at a scale of 1/8.
    """
    smooth = [scale * weight for weight in SMOOTH]
    across = filter_separably(x, smooth, SLOPE, border=border)
    return across, filter_separably(x, SLOPE, smooth, border=border)


def sobel_magnitude(
    x: Float[Array, "*B H W C"],
    *,
    scale: float = 1 / 8,
    epsilon: float = 1e-6,
    border: str = "edge",
) -> Float[Array, "*B H W C"]:
    """Return √(gx² + gy² + ε) of the slopes. Flat pictures have √ε, not 0."""
    across, down = sobel(x, scale=scale, border=border)
    return jnp.sqrt(across**2 + down**2 + epsilon)


def halve(x: Float[Array, "*B H W C"]) -> Float[Array, "*B H/2 W/2 C"]:
    """Average each 2 × 2 pixels. A last odd row or column is left out."""
    *_, height, width, _ = x.shape
    x = x[..., : height // 2 * 2, : width // 2 * 2, :]
    rows = x[..., ::2, :, :] + x[..., 1::2, :, :]
    return (rows[..., ::2, :] + rows[..., 1::2, :]) / 4


def average_area(x: Float[Array, "B H W C"], height: int, width: int) -> Float[Array, "B h w C"]:
    """Average all pixels that a new one touches, with equal weights ("adaptive" pooling)."""
    for axis, count in ((1, height), (2, width)):
        side, at = x.shape[axis], np.arange(count)
        first, last = at * side // count, -(-(at + 1) * side // count)
        wide = (last - first).reshape(-1, *[1] * (3 - axis))
        total = add_up(
            jnp.where(offset < wide, x.take(np.minimum(first + offset, side - 1), axis), 0)
            for offset in range(wide.max())
        )
        x = total / wide.astype(x.dtype)
    return x
