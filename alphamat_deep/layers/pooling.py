"""Averages and largest values over parts of a picture."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float


def max_pool(x: Float[Array, "B H W C"]) -> tuple[Array, Array]:
    """Return the largest of each 2 × 2 pixels, and its place among the four, 0 to 3.

    Of equal ones the first counts. A last odd row or column is left out.
    """
    H, W = x.shape[1] // 2 * 2, x.shape[2] // 2 * 2
    top, place = x[:, 0:H:2, 0:W:2], 0
    for at, (a, b) in enumerate(((0, 1), (1, 0), (1, 1)), start=1):
        other = x[:, a:H:2, b:W:2]
        place = jnp.where(other > top, at, place)
        top = jnp.maximum(top, other)
    return top, jnp.asarray(place, jnp.uint8)


def max_unpool(x: Float[Array, "B H W C"], place: Array) -> Float[Array, "B 2*H 2*W C"]:
    """Put each value at the place where `max_pool` found the largest, and zeros elsewhere."""
    B, H, W, C = x.shape
    corner = jnp.arange(4, dtype=jnp.uint8).reshape(2, 1, 2, 1)
    spread = jnp.where(place[:, :, None, :, None] == corner, x[:, :, None, :, None], 0)
    return spread.reshape(B, 2 * H, 2 * W, C)


def max_pool_overlapping(x: Float[Array, "B H W C"]) -> tuple[Array, Array]:
    """Return the largest of 3 × 3 pixels around every second one, and its place, 0 to 8.

    The first window lies around the first pixel. Of equal ones the first counts. H and W are even.
    """
    B, H, W, C = x.shape
    x = jnp.pad(x, [(0, 0), (1, 0), (1, 0), (0, 0)], constant_values=-jnp.inf)
    top, place = x[:, :H:2, :W:2], jnp.zeros((B, H // 2, W // 2, C), jnp.uint8)
    for at in range(1, 9):
        other = x[:, at // 3 : at // 3 + H : 2, at % 3 : at % 3 + W : 2]
        place = jnp.where(other > top, jnp.uint8(at), place)
        top = jnp.where(other > top, other, top)
    return top, place


def max_unpool_overlapping(x: Float[Array, "B H W C"], place: Array) -> Float[Array, "B 2*H 2*W C"]:
    """Put each value at the place where `max_pool_overlapping` found it, and zeros elsewhere.

    Of several values for one place the last counts.
    """
    B, H, W, C = x.shape
    none = [(0, 0), (0, 1), (0, 1), (0, 0)]
    x, place = jnp.pad(x, none), jnp.pad(place, none, constant_values=9)

    def phase(a: int, b: int) -> Array:
        """Return the pixels `a` below and `b` right of the middles of windows."""
        found = jnp.zeros((B, H, W, C), x.dtype)
        for i, j in np.ndindex(1 + a, 1 + b):
            at = (slice(None), slice(i, i + H), slice(j, j + W))
            here = 3 * (1 + a - 2 * i) + (1 + b - 2 * j)
            found = jnp.where(place[at] == here, x[at], found)
        return found

    rows = [jnp.stack([phase(a, 0), phase(a, 1)], axis=3) for a in (0, 1)]
    return jnp.stack(rows, axis=2).reshape(B, 2 * H, 2 * W, C)


def average_pool(x: Float[Array, "B H W C"]) -> Float[Array, "B h w C"]:
    """Average each 2 × 2 pixels. A last odd row or column is averaged by itself."""
    x = _with_even_sides(x)
    B, H, W, C = x.shape
    return x.reshape(B, H // 2, 2, W // 2, 2, C).mean((2, 4))


@jax.jit  # `export` knows it by its name
def max_pool_all(x: Float[Array, "B H W C"]) -> Float[Array, "B h w C"]:
    """Return the largest of each 2 × 2 pixels. A last odd row or column counts by itself."""
    return max_pool(_with_even_sides(x))[0]


def _with_even_sides(x: Array) -> Array:
    """Repeat a last odd row or column."""
    return jnp.pad(x, [(0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0)], mode="edge")


def global_average_pool(x: Float[Array, "B H W C"]) -> Float[Array, "B 1 1 C"]:
    return x.mean((1, 2), keepdims=True)


class AdaptiveAveragePool(nnx.Module):
    """`adaptive_average_pool` to `size` × `size`."""

    def __init__(self, size: int):
        self.size = size

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B n n C"]:
        return adaptive_average_pool(x, self.size, self.size)


def adaptive_average_pool(
    x: Float[Array, "B H W C"], height: int, width: int
) -> Float[Array, "B h w C"]:
    """Average over `height` × `width` bins of the picture.

    Bin i of n spans i/n to (i + 1)/n of the side, rounded outwards to whole pixels.
    """
    sides = zip(x.shape[1:3], (height, width), strict=True)
    rows, columns = (jnp.asarray(_means(*side), x.dtype) for side in sides)
    return jnp.einsum("ph,bhwc,qw->bpqc", rows, x, columns)


def _means(side: int, count: int) -> np.ndarray:
    at, edges = np.arange(side), np.arange(count + 1) * side
    first, last = edges[:-1] // count, -(-edges[1:] // count)
    within = (at >= first[:, None]) & (at < last[:, None])
    return within / within.sum(axis=1, keepdims=True)
