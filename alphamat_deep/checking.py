"""Whether the installed JAX computes what we compile, on the machine at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from alphamat_deep import differentiable, layers

# Versions of JAX whose CPU backend passed, and what is known of them.
TESTED = {
    "0.8.0": "",
    "0.8.3": "",
    "0.9.2": "",
    "0.10.0": "",
    "0.10.1": "",
    "0.10.2": "on CPUs (a[:, None] * b).sum(0) is wrong from 64 × 64 on; alphamat does without it",
}
H, W = 64, 67  # XLA tiles large arrays only


class Check(NamedTuple):
    """How far a compiled expression is from its definition."""

    name: str
    error: float
    """The largest, relative to the largest value."""
    right: bool
    """Whether that is float32's rounding."""
    ours: bool
    """Whether alphamat computes with it."""


def self_test() -> list[Check]:
    """Compile what alphamat has JAX compute, and compare it with its definition.

    Matting Laplacians are compared with NumPy, layers of networks with the same operations one by
    one in float64. It takes about ten seconds.

    Examples
    --------
    >>> from alphamat_deep import self_test
    >>> [check.name for check in self_test() if check.ours and not check.right]
    []
    """
    return list(_checks())


def _checks() -> Iterator[Check]:
    rng = np.random.default_rng(0)
    image, x, weights = rng.random((H, W, 3)), rng.random((H, W)), rng.standard_normal((H, W))
    direction = rng.standard_normal(image.shape)
    a, b = rng.standard_normal((4, H, W)), rng.standard_normal((4, 9, H, W))
    broadcast = _compiled(lambda a, b: (a[:, None] * b).sum(0), a, b)
    yield _check("sums of products", broadcast, (a[:, None] * b).sum(0), ours=False)

    def product(image, x):
        return differentiable.colour_line_laplacian(image) @ x.ravel()

    def total(image):
        return jnp.vdot(jnp.asarray(weights, image.dtype), product(image, jnp.asarray(x, "f")))

    yield _check("matting Laplacian", _compiled(product, image, x), _product(image, x))
    ahead, behind = (_product(image + h * direction, x) for h in (1e-5, -1e-5))
    slope = np.vdot(weights, ahead - behind) / 2e-5
    gradient = _compiled(jax.grad(total), image)
    yield _check("its gradient", np.vdot(gradient, direction), slope, most=1e-3)
    trimap = np.where(x < 0.2, 0, np.where(x > 0.8, 1, 0.5))
    alpha = _compiled(lambda *inputs: differentiable.closed_form(*inputs), image, trimap)
    left, given = (_product(image, v)[trimap.ravel() == 0.5] for v in (alpha, trimap == 1))
    error = float(np.linalg.norm(left) / np.linalg.norm(given))
    yield Check("closed form", error, error < 1e-4, True)
    for name, (layer, *shapes) in LAYERS.items():
        inputs = [rng.standard_normal(shape) for shape in shapes]
        with jax.enable_x64(True), jax.disable_jit():
            expected = layer(*map(jnp.asarray, inputs))  # operation by operation
        yield _check(name, _compiled(layer, *inputs), np.asarray(expected))


def _compiled(function: Callable, *arrays: np.ndarray) -> np.ndarray:
    single = [jnp.asarray(array, jnp.float32) for array in arrays]
    return np.asarray(jax.jit(function)(*single), np.float64)


def _check(name, found, expected, *, most: float = 1e-4, ours: bool = True) -> Check:
    error = float(np.abs(found - expected).max() / np.abs(expected).max())
    return Check(name, error, error < most, ours)


def _product(image: np.ndarray, x: np.ndarray, epsilon: float = 1e-5) -> np.ndarray:
    """Return L x by equation 12 (TPAMI): what no affine function of colour explains, by window."""
    cells = np.lib.stride_tricks.sliding_window_view(np.arange(x.size).reshape(x.shape), (3, 3))
    cells = cells.reshape(-1, 9)
    colours, inside = image.reshape(-1, 3)[cells], x.ravel()[cells][..., None]
    colours = colours - colours.mean(1, keepdims=True)
    covariance = colours.mT @ colours + epsilon * np.eye(3)
    slopes = np.linalg.solve(covariance, colours.mT @ inside)
    rest = inside - inside.mean(1, keepdims=True) - colours @ slopes
    return np.bincount(cells.ravel(), rest.ravel(), x.size)


# The layers of networks, and the shapes of their arrays.
IMAGE = (1, H, W + 1, 5)
LAYERS: dict[str, tuple] = {
    "convolution": (partial(layers.convolve, padding=1), IMAGE, (3, 3, 5, 8)),
    "its stride": (partial(layers.convolve, padding=1, stride=2), IMAGE, (3, 3, 5, 8)),
    "of one pixel": (layers.convolve, IMAGE, (1, 1, 5, 8)),
    "to few features": (partial(layers.convolve, padding=1), IMAGE, (3, 3, 5, 1)),
    "depthwise": (partial(layers.convolve, padding=1, groups=5), IMAGE, (3, 3, 1, 5)),
    "transposed": (layers.convolve_transposed, IMAGE, (4, 4, 5, 8)),
    "largest": (lambda x: layers.max_unpool(*layers.max_pool(x)), IMAGE),
    "averages": (layers.average_pool, IMAGE),
    "doubling": (layers.upsample_bilinear, IMAGE),
    "resizing": (lambda x: layers.resize(x, 90, 100), IMAGE),
    "shares": (lambda x: x * x.mean(-1, keepdims=True), IMAGE),
    "normalisation": (lambda x: (x - x.mean((1, 2))) / x.var((1, 2)), IMAGE),
}
