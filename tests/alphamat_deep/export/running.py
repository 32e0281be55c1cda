"""Functions of JAX, computed by onnxruntime."""

import jax
import numpy as np

from alphamat_deep.export.converting import convert
from alphamat_deep.export.graph import Graph, Value, tensor
from alphamat_deep.export.writing import written


def as_floats(found):
    """Return arrays as float32, which files give, in a list."""
    return [x.astype("float32") for x in jax.tree.leaves(found)]


def through_onnx(function, x, *, turned=False):
    """Return what a function computes of an array, after its conversion.

    In the graph the array's axes lie as they are, or, `turned`, the other way round.
    """
    import onnxruntime

    graph, step = Graph(), -1 if turned else 1
    closed = jax.make_jaxpr(lambda x: as_floats(function(x)))(x)
    results = convert(graph, closed, [Value("x", tuple(range(x.ndim))[::step], x.shape)])
    shapes = {f"y{at}": y.aval.shape for at, y in enumerate(closed.jaxpr.outvars)}
    names = [
        tensor(graph, y, shape=shape) for y, shape in zip(results, shapes.values(), strict=True)
    ]
    model = written(graph, {"x": x.shape[::step]}, shapes, names)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.ascontiguousarray(x.T if turned else x)})
