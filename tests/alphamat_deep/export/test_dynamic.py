"""One graph for batches and pictures of all sizes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alphamat_deep.export.converting import convert
from alphamat_deep.export.dynamic import BATCHES, SIZES, Traced, merged
from alphamat_deep.export.graph import Graph, Value, tensor
from alphamat_deep.export.writing import written
from alphamat_deep.layers import convolve, resize, upsample_bilinear

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

MULTIPLE = 2
KERNEL = jnp.asarray(np.random.default_rng(13).normal(size=(3, 3, 3, 5)).astype(np.float32))


def traced(function, size):
    batch, height, width = size
    graph, shape = Graph(), (batch, MULTIPLE * height, MULTIPLE * width, 3)
    closed = jax.make_jaxpr(function)(jax.ShapeDtypeStruct(shape, jnp.float32))
    (result,) = convert(graph, closed, [Value("x", (0, 3, 1, 2), shape)])
    name = tensor(graph, result, (0, 3, 1, 2), closed.jaxpr.outvars[0].aval.shape)
    return Traced(graph, [Value(name, (0, 3, 1, 2), ())], size)


def of_all_sizes(function):
    traces = [traced(function, (batch, *sides)) for batch, sides in SIZES]
    return merged(traces, "x", (0, 2, 3), MULTIPLE)


def of_all_batches(function, *sides):
    traces = [traced(function, (batch, *sides)) for batch in BATCHES]
    return merged([trace._replace(size=trace.size[:1]) for trace in traces], "x", (0,))


def check(merged, shape, function, x):
    """Check what a graph, whose pictures have a shape, computes of pictures."""
    graph, (result,) = merged
    batch, *sides = shape
    model = written(graph, {"x": (batch, 3, *sides)}, {"y": (batch, 5, *sides)}, [result.name])
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": x.transpose(0, 3, 1, 2)})
    np.testing.assert_allclose(y.transpose(0, 2, 3, 1), function(jnp.asarray(x)), atol=1e-4)


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
    check(of_all_sizes(normalised), ("batch", "height", "width"), normalised, x)


@pytest.mark.parametrize("batch", [1, 7])
def test_it_computes_for_a_new_batch_what_jax_does(batch):
    x = np.random.default_rng(19).normal(size=(batch, 8, 12, 3)).astype(np.float32)
    check(of_all_batches(normalised, 4, 6), ("batch", "height", "width"), normalised, x)


def test_an_array_that_follows_from_the_batch_is_refused():
    with pytest.raises(NotImplementedError, match="arrays that follow"):
        of_all_batches(lambda x: x * jnp.arange(len(x))[:, None, None, None], 4, 6)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda x: x * jnp.arange(x.shape[2])[:, None], "arrays that follow"),
        (lambda x: x if x.shape[1] > 20 else x + 1, "other operations"),
        (lambda x: x[:, : x.shape[1] // 3], "in no simple way"),
    ],
)
def test_what_follows_from_the_size_in_another_way_is_refused(function, told):
    with pytest.raises(NotImplementedError, match=told):
        of_all_sizes(function)
