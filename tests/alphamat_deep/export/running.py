"""Functions of JAX, computed by onnxruntime."""

import jax
import numpy as np

from alphamat_deep.export.converting import convert
from alphamat_deep.export.graph import Graph, Value, tensor
from alphamat_deep.export.writing import model_of


def as_floats(found):
    """Return arrays as float32, which files give, in a list."""
    return [x.astype("float32") for x in jax.tree.leaves(found)]


def through_onnx(function, *inputs, turned=False):
    """Return what a function computes, after its conversion.

    In the graph the inputs' axes lie as in the arrays, or, `turned`, the other way round.
    """
    import onnxruntime

    graph, step = Graph(), -1 if turned else 1
    closed = jax.make_jaxpr(lambda *x: as_floats(function(*x)))(*inputs)
    orders = [tuple(range(x.ndim))[::step] for x in inputs]
    names = [f"x{at}" for at in range(len(inputs))]
    values = [
        Value(name, order, x.shape) for name, order, x in zip(names, orders, inputs, strict=True)
    ]
    results = convert(graph, closed, values)
    shapes = [x.aval.shape for x in closed.jaxpr.outvars]
    outputs = {
        f"y{at}": (tensor(graph, x, shape=shape), shape)
        for at, (x, shape) in enumerate(zip(results, shapes, strict=True))
    }
    model = model_of(
        graph, {n: x.shape[::step] for n, x in zip(names, inputs, strict=True)}, outputs
    )
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    laid = {
        n: np.ascontiguousarray(x.T if turned else x) for n, x in zip(names, inputs, strict=True)
    }
    return session.run(None, laid)
