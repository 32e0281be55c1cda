"""Convolutions, matrix products, and windows."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from alphamat_deep.export.graph import Array, Graph, Value, tensor


def conv_general_dilated(graph: Graph, equation: Any, x: Array, kernel: Array) -> Value:
    params = equation.params
    lhs, rhs, out = params["dimension_numbers"]
    if any(n != 1 for n in params["lhs_dilation"]) or params["batch_group_count"] != 1:
        raise NotImplementedError(
            "a convolution with gaps in its input, or with groups of pictures"
        )
    shapes = [each.aval.shape for each in equation.invars]
    names = [
        tensor(graph, each, spec, shape)
        for each, spec, shape in zip((x, kernel), (lhs, rhs), shapes, strict=True)
    ]
    name = graph.add(
        "Conv",
        *names,
        kernel_shape=tuple(shapes[1][axis] for axis in rhs[2:]),
        group=params["feature_group_count"],
        strides=tuple(params["window_strides"]),
        dilations=tuple(params["rhs_dilation"]),
        pads=tuple(int(ends[at]) for at in (0, 1) for ends in params["padding"]),
    )
    return Value(name, tuple(out), equation.outvars[0].aval.shape)


def dot_general(graph: Graph, equation: Any, x: Array, y: Array) -> Value:
    (over_x, over_y), (with_x, with_y) = equation.params["dimension_numbers"]
    shapes = [each.aval.shape for each in equation.invars]
    free_x, free_y = (
        [axis for axis in range(len(shape)) if axis not in (*over, *batch)]
        for shape, over, batch in zip(shapes, (over_x, over_y), (with_x, with_y), strict=True)
    )
    if (
        isinstance(x, Value)
        and isinstance(y, np.ndarray)
        and not with_x
        and len(free_x) == 3
        and x.order == (free_x[0], *over_x, *free_x[1:])
    ):
        return _pointwise(graph, equation, x, y.transpose(*free_y, *over_y))
    left = tensor(graph, x, (*with_x, *free_x, *over_x), shapes[0])
    right = tensor(graph, y, (*with_y, *over_y, *free_y), shapes[1])
    batch, rows, inner, columns = (
        [shapes[at][axis] for axis in axes]
        for at, axes in ((0, with_x), (0, free_x), (0, over_x), (1, free_y))
    )
    plain = len(inner) == 1 and len(columns) == 1 and (not batch or len(rows) == 1)
    if not plain:
        left = _reshape(graph, left, (*batch, prod(rows), prod(inner)))
        right = _reshape(graph, right, (*batch, prod(inner), prod(columns)))
    name = graph.add("MatMul", left, right)
    if not plain:
        name = _reshape(graph, name, (*batch, *rows, *columns))
    shape = equation.outvars[0].aval.shape
    return Value(name, tuple(range(len(shape))), shape)


def _pointwise(graph: Graph, equation: Any, x: Value, matrix: np.ndarray) -> Value:
    """Write a product with the features of a picture, (B, C, H, W), as a convolution of 1 × 1."""
    name = tensor(graph, x, x.order, equation.invars[0].aval.shape)
    matrix = matrix.reshape(-1, matrix.shape[-1])
    kernel = graph.constant(matrix[..., None, None])
    name = graph.add("Conv", name, kernel, kernel_shape=(1, 1))
    return Value(name, (0, 3, 1, 2), equation.outvars[0].aval.shape)


def _reshape(graph: Graph, name: str, shape: Any) -> str:
    return graph.add("Reshape", name, graph.sizes(shape))


def reduce_window_max(graph: Graph, equation: Any, x: Value) -> Value:
    return _pool(graph, equation, x, "MaxPool")


def reduce_window_sum(graph: Graph, equation: Any, x: Value) -> Value:
    mean = _pool(graph, equation, x, "AveragePool", count_include_pad=1)
    count = graph.constant(prod(equation.params["window_dimensions"]), np.float32)
    return mean._replace(name=graph.add("Mul", mean.name, count))


def _pool(graph: Graph, equation: Any, x: Value, operator: str, **attributes: Any) -> Value:
    params = equation.params
    if {1} != {*params["base_dilation"], *params["window_dilation"]}:
        raise NotImplementedError("a window with gaps")
    sides = params["window_dimensions"]
    axes = [axis for axis, side in enumerate(sides) if side > 1]
    order = (*(axis for axis in range(x.ndim) if axis not in axes), *axes)
    if len(order) != len(axes) + 2:
        raise NotImplementedError("windows in other than the rows and columns of pictures")
    name = graph.add(
        operator,
        tensor(graph, x, order, equation.invars[0].aval.shape),
        kernel_shape=tuple(sides[axis] for axis in axes),
        strides=tuple(params["window_strides"][axis] for axis in axes),
        pads=tuple(params["padding"][axis][end] for end in (0, 1) for axis in axes),
        **attributes,
    )
    return Value(name, order, equation.outvars[0].aval.shape)


def resize(graph: Graph, equation: Any, x: Value) -> Value:
    """Convert `layers.resize`, which is one operator of ONNX."""
    old, new = equation.invars[0].aval.shape, equation.outvars[0].aval.shape
    if old == new:
        return x
    order = x.order if x.order in ((0, 3, 1, 2), (0, 1, 2, 3)) else (0, 3, 1, 2)
    sides = graph.sizes(new[axis] for axis in order)
    name = graph.add(
        "Resize",
        tensor(graph, x, order, old),
        "",
        "",
        sides,
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    return Value(name, order, new)


def max_pool_all(graph: Graph, equation: Any, x: Value) -> Value:
    """Convert `layers.max_pool_all`, which is one operator of ONNX."""
    order = (0, 3, 1, 2)
    name = tensor(graph, x, order, equation.invars[0].aval.shape)
    name = graph.add("MaxPool", name, kernel_shape=(2, 2), strides=(2, 2), ceil_mode=1)
    return Value(name, order, equation.outvars[0].aval.shape)
