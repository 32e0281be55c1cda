"""Resizing as PyTorch and Paddle do it, and a check of sizes."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float


@partial(jax.jit, static_argnums=(1, 2))  # `export` knows it by its name
def resize(x: Float[Array, "B H W C"], height: int, width: int) -> Float[Array, "B h w C"]:
    """Resize bilinearly with half-pixel centres (align_corners=False), without antialiasing."""
    if (height, width) == x.shape[1:3]:
        return x
    if height == 2 * x.shape[1] and width == 2 * x.shape[2]:
        return _double_along(_double_along(x, 1), 2)
    if x.shape[1] % height == 0 and x.shape[2] % width == 0:
        return _shrink_along(_shrink_along(x, 1, height), 2, width)
    return resize_along(resize_along(x, 1, height), 2, width)


def upsample_bilinear(x: Float[Array, "B H W C"]) -> Float[Array, "B 2*H 2*W C"]:
    """Double H and W by `resize`."""
    return resize(x, 2 * x.shape[1], 2 * x.shape[2])


def upsample_nearest(x: Float[Array, "B H W C"]) -> Float[Array, "B 2*H 2*W C"]:
    """Double H and W by repeating pixels."""
    return x.repeat(2, 1).repeat(2, 2)


def resize_like_paddle(
    x: Float[Array, "B H W C"], height: int, width: int
) -> Float[Array, "B h w C"]:
    """Resize as Paddle does: a single row or column is the first old one, not the middle one."""
    x = x[:, : 1 if height == 1 else None, : 1 if width == 1 else None]
    return resize(x, height, width)


def resize_to_corners(x: Float[Array, "B H W C"], height: int, width: int) -> Array:
    """Resize bilinearly with the corners' pixels in the corners (align_corners=True)."""
    for axis, count in ((1, height), (2, width)):
        if count != x.shape[axis]:
            x = _mixed(x, axis, *_neighbours_to_corners(x.shape[axis], count))
    return x


def _neighbours_to_corners(length: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what `find_neighbours` does, where the first and the last pixel stay."""
    at = np.arange(count, dtype=np.float32) * np.float32((length - 1) / max(count - 1, 1))
    first = np.minimum(at.astype(int), length - 1)
    return first, np.minimum(first + 1, length - 1), at - first.astype(np.float32)


def resize_along(x: Array, axis: int, count: int, step: float | None = None) -> Array:
    """Resize bilinearly along an axis to `count` pixels, each `step` old pixels wide."""
    return _mixed(x, axis, *find_neighbours(x.shape[axis], count, step))


def _mixed(x: Array, axis: int, first: np.ndarray, second: np.ndarray, share: np.ndarray) -> Array:
    """Return for each new pixel along an axis a mean of two old ones, with the second's share."""
    weight = jnp.asarray(share, x.dtype).reshape(-1, *[1] * (x.ndim - axis - 1))
    pixels = partial(x.take, axis=axis, mode="clip")
    return (1 - weight) * pixels(first) + weight * pixels(second)


def find_neighbours(
    length: int, count: int, step: float | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the two old pixels around the middle of each new one, and the second's weight."""
    middles = np.arange(count, dtype=np.float32) + np.float32(0.5)
    # In single precision, as in PyTorch: networks amplify even that difference.
    at = np.maximum(middles * np.float32(step or length / count) - np.float32(0.5), 0)
    first = np.minimum(at.astype(int), length - 1)
    return first, np.minimum(first + 1, length - 1), (at - first).astype(np.float32)


def _double_along(x: Array, axis: int) -> Array:
    """Double an axis bilinearly: each new pixel is 3/4 of its old one and 1/4 of the next."""
    n = x.shape[axis]
    part = lambda first, last: lax.slice_in_dim(x, first, last, axis=axis)  # noqa: E731
    before = jnp.concatenate([part(0, 1), part(0, n - 1)], axis)
    after = jnp.concatenate([part(1, n), part(n - 1, n)], axis)
    halves = jnp.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
    return halves.reshape(*x.shape[:axis], 2 * n, *x.shape[axis + 1 :])


def _shrink_along(x: Array, axis: int, count: int) -> Array:
    """Shrink an axis bilinearly by a whole factor: to the mean of each part's two middle pixels."""
    part = x.shape[axis] // count
    pixel = lambda first: lax.slice_in_dim(x, first, None, part, axis)  # noqa: E731
    return 0.5 * (pixel((part - 1) // 2) + pixel(part // 2))


def resize_bicubic(x: Float[Array, "B H W C"], height: int, width: int) -> Float[Array, "B h w C"]:
    """Resize by cubics, as PyTorch and OpenCV have them, without antialiasing.

    Keys, "Cubic Convolution Interpolation for Digital Image Processing", IEEE Transactions on
    Acoustics, Speech, and Signal Processing 29(6), 1981. Its slope a is -0.75 there; JAX has -0.5.
    """
    sides = zip(x.shape[1:3], (height, width), strict=True)
    rows, columns = (jnp.asarray(_cubic_weights(*side), x.dtype) for side in sides)
    return jnp.einsum("ph,bhwc,qw->bpqc", rows, x, columns)


def _cubic_weights(length: int, count: int) -> np.ndarray:
    """Return each old pixel's weight in each new one; beyond the border its pixel is repeated."""
    middles = (np.arange(count) + 0.5) * length / count - 0.5
    first, weights = np.floor(middles).astype(int), np.zeros((count, length))
    for old in (first - 1, first, first + 1, first + 2):
        t, a = np.abs(middles - old), -0.75
        near, far = (a + 2) * t**3 - (a + 3) * t**2 + 1, a * (t**3 - 5 * t**2 + 8 * t - 4)
        weights[np.arange(count), np.clip(old, 0, length - 1)] += np.where(t <= 1, near, far)
    return weights


def refuse_unless_multiples(of: int, image: Array, *, least: int = 0) -> None:
    """Raise ValueError unless a batch's height and width are multiples, and at least so much."""
    height, width = image.shape[1:3]
    if height % of or width % of or min(height, width) < least:
        bound = f", at least {least}" if least else ""
        raise ValueError(
            f"`image` is {height} × {width} (height × width); expected multiples of {of}{bound}."
        )
