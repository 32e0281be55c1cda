"""Each primitive of JAX that networks use, written as ONNX and run, beside JAX."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from alphamat_deep.layers import (
    convolve,
    max_pool,
    max_pool_all,
    max_unpool,
    resize,
    resize_bicubic,
)

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.alphamat_deep.export.running import as_floats, through_onnx
from tests.alphamat_deep.networks import jit

PICTURE = (2, 6, 8, 3)
KERNEL = np.random.default_rng(5).normal(size=(3, 3, 3, 4)).astype(np.float32)
MATRIX = KERNEL[0, 0]
PLACES = np.array([[3, 0, 1], [5, 5, 2]])


def conv(x, kernel=KERNEL, stride=(1, 1), padding=((1, 1), (1, 1)), **options):
    numbers = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(
        x, kernel, stride, padding, dimension_numbers=numbers, **options
    )


def in_windows(x, initial, combine, stride=2):
    return lax.reduce_window(
        x, initial, combine, (1, 3, 3, 1), (1, stride, stride, 1), [(0, 0), (1, 1), (1, 1), (0, 0)]
    )


def in_steps(x):
    def step(total, row):
        total = total + row
        return total, total * 2

    return lax.scan(step, jnp.zeros(x.shape[1:]), x)


def patches(x):
    """Cut out squares of 3 × 3 at places that are computed, some of them over the border."""
    places = (x[:, 0, :, 0] * 100).astype(jnp.int32)
    cut = lambda x, at: lax.dynamic_slice(x, (at, at // 2, 0), (3, 3, x.shape[-1]))  # noqa: E731
    return jax.vmap(jax.vmap(cut, (None, 0)))(x, places)


def put(x):
    """Write rows at places that are computed, some of them beyond the array."""
    rows = jnp.arange(6) + (x[0, :, 0, 0] > 0) * 3
    return x.at[1, rows, :, 2].set(x[0, :, :, 0], mode="drop")


def largest(x):
    return lax.top_k(x.reshape(2, -1), 5)


def on_platforms(x):
    """Return the same everywhere; ONNX has no operator for what CPUs do."""
    return lax.platform_dependent(x, cpu=lambda x: lax.cumsum(x[None])[0], default=lambda x: 1 * x)


CASES = {
    "abs": jnp.abs,
    "arithmetic": lambda x: (2 * x + 1 - x / 3) * (1 - x) - x,
    "argmax": lambda x: x.argmax(-1),
    "broadcast": lambda x: x + jnp.broadcast_to(x[:, :1, :1], x.shape) * x[..., :1],
    "cast": lambda x: (x * x * 10).astype(jnp.uint8) + (10 * x).astype(jnp.int32),
    "clip": lambda x: jnp.clip(x, -0.5, 0.5),
    "comparisons": lambda x: [x < 0.1, x > 0.1, x <= 0, x >= 0, x == x, x != jnp.abs(x)],
    "concatenate": lambda x: jnp.concatenate([x, x[..., :1] * 2, jnp.ones((2, 6, 8, 2))], -1),
    "concatenate nothing": lambda x: jnp.concatenate([x[:, :0].reshape(2, 0, 8, 3), x], 1),
    "convolution": conv,
    "convolution, strided": partial(conv, stride=(2, 1), padding=((0, 1), (2, 0))),
    "convolution, dilated": partial(conv, rhs_dilation=(2, 2)),
    "convolution by features": partial(
        conv, kernel=np.moveaxis(KERNEL[..., :1], 2, 3), feature_group_count=3
    ),
    "convolution by the input": lambda x: conv(x[:1], x[1, :3, :3, :, None] * x[0, 0, 0, :2]),
    "copies": lambda x: lax.stop_gradient(jnp.array(x, copy=True)) * 2,
    "depthwise": lambda x: convolve(x, jnp.asarray(KERNEL[:, :, :1, :3]), padding=1, groups=3),
    "error function": lambda x: [lax.erf(x), lax.erfc(x)],
    "exponentials": lambda x: [jnp.exp(x), jnp.log(jnp.abs(x) + 1), jnp.tanh(x), jnp.sqrt(x * x)],
    "gather along": lambda x: x.take(np.array([5, 0, 0, 3]), axis=1, mode="clip"),
    "gather at repeated places": lambda x: x[
        :, jnp.broadcast_to(jnp.abs(x[0, 0, :2, 0]).astype(int), (4, 2)), 0
    ],
    "gather grid": lambda x: x[:, PLACES, PLACES[::-1]],
    "gather patches": patches,
    "logic": lambda x: ~((x > 0) & (x < 0.5)) | (x < -1),
    "loop": in_steps,
    "matrix product": lambda x: x @ MATRIX,
    "matrix products": lambda x: jnp.einsum("bhwc,bhvc->bhwv", x, x + 1),
    "matrix product over two axes": lambda x: jnp.einsum(
        "bhwc,whcf->bfh", x, KERNEL.repeat(2, 1)[:, :6].repeat(3, 0)[:8]
    ),
    "maximum": lambda x: [jnp.maximum(x, 0), jnp.maximum(x, 0.3), jnp.minimum(x, x[:, :1])],
    "modulo": lambda x: [jnp.arange(-4, 4) % 3 + x[..., 0].astype(int), lax.rem(x, 0.3)],
    "pad": lambda x: jnp.pad(x, [(0, 0), (1, 2), (0, 3), (0, 1)], constant_values=7),
    "platforms": on_platforms,
    "pool and unpool": lambda x: max_unpool(*max_pool(x)),
    "pool with an odd side": lambda x: max_pool_all(x[:, :5, :7]),
    "powers": lambda x: [x**2, x**3, x**-1, jnp.square(x), lax.rsqrt(x * x + 1)],
    "product": lambda x: x.prod(-1),
    "recomputed": jax.checkpoint(lambda x: jnp.exp(x) + x),
    "reduce": lambda x: [x.sum((1, 2)), x.mean(-1, keepdims=True), x.max(1), x.min((0, 3))],
    "reduce logic": lambda x: [(x > 2).any((1, 2)), (x > -9).all()],
    "repeat": lambda x: x.repeat(2, 1).repeat(2, 2),
    "reshape": lambda x: [x.reshape(2, 48, 3), x.reshape(2, 3, 2, 8, 3), x.reshape(-1)],
    "reshape one axis away": lambda x: x[:1, :, :, :1].reshape(6, 8) + x[:1, 0, 0, 0],
    "resize": lambda x: resize(x, 9, 5),
    "resize to a part": lambda x: [resize(x, 3, 2), resize(x, 2, 8)],
    "resize to the double": lambda x: resize(x, 12, 16),
    "resize by cubics": lambda x: resize_bicubic(x, 9, 5),
    "reverse": lambda x: [x[:, ::-1], lax.rev(x, (1, 3))],
    "scatter": put,
    "select": lambda x: jnp.where(x > 0, x, 3),
    "sigmoid": jax.nn.sigmoid,
    "sign": jnp.sign,
    "slice": lambda x: x[:, 1:6:2, 3:, -1:],
    "slice at a fixed place": lambda x: lax.dynamic_slice(x, (0, 4, 0, 0), (2, 4, 8, 1)),
    "softmax": lambda x: jax.nn.softmax(x, -1),
    "split": lambda x: jnp.split(x, (1, 2), -1),
    "stack": lambda x: jnp.stack([x, 2 * x], 2),
    "squeeze": lambda x: x[:, :1, :, :1].squeeze((1, 3)),
    "top": largest,
    "transpose": lambda x: x.transpose(2, 0, 3, 1) + 1,
    "windows, largest": lambda x: in_windows(x, -np.inf, lax.max),
    "windows, sums": lambda x: in_windows(x, 0.0, lax.add),
}


def picture():
    return np.random.default_rng(7).normal(size=PICTURE).astype(np.float32)


@cache
def expected(name):
    return as_floats(jit(CASES[name])(picture()))


@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
@pytest.mark.parametrize("name", CASES)
def test_onnxruntime_computes_what_jax_does(name, turned):
    found = through_onnx(CASES[name], picture(), turned=turned)
    for x, y in zip(found, expected(name), strict=True):
        assert x.shape == y.shape
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-5)
