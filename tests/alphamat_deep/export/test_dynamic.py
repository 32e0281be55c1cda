"""One graph for pictures of all sizes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alphamat_deep.export.converting import convert
from alphamat_deep.export.dynamic import SIZES, Traced, merged
from alphamat_deep.export.graph import Graph, Value, tensor
from alphamat_deep.export.writing import written
from alphamat_deep.layers import convolve, resize, upsample_bilinear

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

MULTIPLE = 2
KERNEL = jnp.asarray(np.random.default_rng(13).normal(size=(3, 3, 3, 5)).astype(np.float32))


def traced(function, size):
    batch, (height, width) = size
    graph, shape = Graph(), (batch, MULTIPLE * height, MULTIPLE * width, 3)
    closed = jax.make_jaxpr(function)(jax.ShapeDtypeStruct(shape, jnp.float32))
    (result,) = convert(graph, closed, [Value("x", (0, 3, 1, 2), shape)])
    name = tensor(graph, result, (0, 3, 1, 2), closed.jaxpr.outvars[0].aval.shape)
    return Traced(graph, [Value(name, (0, 3, 1, 2), ())], (batch, height, width))


def of_all_sizes(function):
    return merged([traced(function, size) for size in SIZES], "x", (0, 2, 3), MULTIPLE)


def normalised(x):
    """Use the number of pixels, the ends of slices, and lengths that are split and merged."""
    x = convolve(x, KERNEL, padding=1)
    x = x - x.mean((1, 2), keepdims=True)
    x = upsample_bilinear(x[:, ::2, 1:])
    B, H, W, C = x.shape
    x = x.reshape(B, H // 2, 2, W // 2, 2, C).max((2, 4))
    return resize(jnp.concatenate([x, x[:, :1]], 1), 3, W)


@pytest.mark.parametrize("size", [(1, 4, 6), (3, 14, 10)])
def test_it_computes_at_a_new_size_what_jax_does(size):
    x = np.random.default_rng(17).normal(size=(*size, 3)).astype(np.float32)
    graph, (result,) = of_all_sizes(normalised)
    shapes = [("batch", count, "height", "width") for count in (3, 5)]
    model = written(graph, {"x": shapes[0]}, {"y": shapes[1]}, [result.name])
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": x.transpose(0, 3, 1, 2)})
    np.testing.assert_allclose(y.transpose(0, 2, 3, 1), normalised(jnp.asarray(x)), atol=1e-4)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda x: x * jnp.arange(x.shape[2])[:, None], "numbers for each pixel"),
        (lambda x: x if x.shape[1] > 20 else x + 1, "other operations"),
        (lambda x: x[:, : x.shape[1] // 3], "in no simple way"),
    ],
)
def test_what_follows_from_the_size_in_another_way_is_refused(function, told):
    with pytest.raises(NotImplementedError, match=told):
        of_all_sizes(function)
