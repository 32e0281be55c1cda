"""Operators on each entry, and over whole axes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from alphamat_deep.export.graph import (
    CODES,
    Array,
    Graph,
    Value,
    kept,
    main_order,
    stored_type,
    tensor,
    without_repeats,
)
from alphamat_deep.export.shaping import max_side


def elementwise(write: Callable[..., str], graph: Graph, equation: Any, *operands: Array) -> Value:
    """Write nodes that take the operands with their axes in one order."""
    order = main_order(*operands)
    names = [_operand(graph, x, order) for x in operands]
    shapes = [kept(x) for x in operands if x.ndim]
    return Value(
        write(graph, equation, *names), order, tuple(map(max_side, zip(*shapes, strict=True)))
    )


def _operand(graph: Graph, x: Array, order: tuple[int, ...]) -> str:
    """Return an operand's name. Constants are without the first axes that are 1 long.

    OpenCV takes them so where it fuses a sum with a product of matrices.
    """
    if isinstance(x, Value) or not x.ndim:
        return tensor(graph, x, order if x.ndim else ())
    laid = without_repeats(x).transpose(order)
    first = next((at for at, side in enumerate(laid.shape) if side != 1), laid.ndim)
    return graph.constant(laid.reshape(laid.shape[first:]))


def named(operator: str, **attributes: Any) -> Callable[..., Value]:
    """Return the converter of a primitive that is one operator of ONNX."""
    return partial(elementwise, lambda graph, _, *x: graph.add(operator, *x, **attributes))


def composed(*operators: str) -> Callable[..., Value]:
    """Return the converter of a primitive that is several operators, one after the other."""

    def write(graph: Graph, _: Any, *names: str) -> str:
        name = graph.add(operators[0], *names)
        for operator in operators[1:]:
            name = graph.add(operator, name)
        return name

    return partial(elementwise, write)


def _write_cast(graph: Graph, equation: Any, x: str) -> str:
    old, new = (stored_type(v.aval.dtype) for v in (equation.invars[0], equation.outvars[0]))
    return x if old == new else graph.add("Cast", x, to=CODES[new])


def _write_power(graph: Graph, equation: Any, x: str) -> str:
    exponent = equation.params["y"]
    if exponent == 2:
        return graph.add("Mul", x, x)
    return graph.add("Pow", x, graph.constant(exponent, np.float32))


def _write_square(graph: Graph, _: Any, x: str) -> str:
    return graph.add("Mul", x, x)


def _write_erfc(graph: Graph, _: Any, x: str) -> str:
    return graph.add("Sub", graph.constant(1, np.float32), graph.add("Erf", x))


def _write_select(graph: Graph, equation: Any, which: str, no: str, *yes: str) -> str:
    if len(yes) != 1 or equation.invars[0].aval.dtype != bool:
        raise NotImplementedError("a choice among more than two arrays")
    return graph.add("Where", which, *yes, no)


def subtract(graph: Graph, equation: Any, x: Array, y: Array) -> Value:
    """Subtract; a constant is added, as runtimes fuse that with a convolution before it."""
    if isinstance(y, np.ndarray) and y.dtype == np.float32:
        return named("Add")(graph, equation, x, _negative(y))
    return named("Sub")(graph, equation, x, y)


def _negative(array: np.ndarray) -> np.ndarray:
    return np.broadcast_to(-without_repeats(array), array.shape)


def maximum(graph: Graph, equation: Any, x: Array, y: Array) -> Value:
    for one, other in ((x, y), (y, x)):
        if isinstance(one, np.ndarray) and not one.any() and one.dtype == np.float32:
            return named("Relu")(graph, equation, other)
    return named("Max")(graph, equation, x, y)


def reduced(operator: str, graph: Graph, equation: Any, x: Value) -> Value:
    """Convert a sum or an extreme over some axes."""
    axes = [int(axis) for axis in equation.params["axes"]]
    shape = equation.invars[0].aval.shape
    wide = tuple(shape[a] if a in axes else side for a, side in enumerate(x.shape))
    name = tensor(graph, x, x.order, wide)
    logical = equation.invars[0].aval.dtype == bool
    if logical:
        name = graph.add("Cast", name, to=CODES["int32"])
    at = graph.sizes(sorted(map(x.order.index, axes)))
    name = graph.add(operator, name, at, keepdims=0)
    if logical:
        name = graph.add("Cast", name, to=CODES["bool"])
    return without_axes(name, x.order, wide, axes)


def without_axes(name: str, order: tuple[int, ...], shape: Any, axes: list[int]) -> Value:
    """Return what is left of an array after its reduction over some axes."""
    left = [axis for axis in range(len(shape)) if axis not in axes]
    moved = tuple(left.index(axis) for axis in order if axis in left)
    return Value(name, moved, tuple(shape[axis] for axis in left))


def argmax(graph: Graph, equation: Any, x: Value) -> Value:
    (axis,) = map(int, equation.params["axes"])
    wide = equation.invars[0].aval.shape
    at = x.order.index(axis)
    name = graph.add("ArgMax", tensor(graph, x, x.order, wide), axis=at, keepdims=0)
    return without_axes(graph.add("Cast", name, to=CODES["int32"]), x.order, wide, [axis])


def top_k(graph: Graph, equation: Any, x: Value) -> list[Value]:
    axis, wide = equation.params["axis"], equation.invars[0].aval.shape
    count = graph.sizes([equation.params["k"]])
    name, at = tensor(graph, x, x.order, wide), x.order.index(axis)
    values, places = graph.add_several(2, "TopK", name, count, axis=at)
    places = graph.add("Cast", places, to=CODES["int32"])
    shape = equation.outvars[0].aval.shape
    return [Value(each, x.order, shape) for each in (values, places)]


ARITHMETIC = {
    "abs": named("Abs"),
    "add": named("Add"),
    "and": named("And"),
    "ceil": named("Ceil"),
    "convert_element_type": partial(elementwise, _write_cast),
    "cos": named("Cos"),
    "div": named("Div"),
    "eq": named("Equal"),
    "erf": named("Erf"),
    "erfc": partial(elementwise, _write_erfc),
    "exp": named("Exp"),
    "floor": named("Floor"),
    "ge": named("GreaterOrEqual"),
    "gt": named("Greater"),
    "integer_pow": partial(elementwise, _write_power),
    "le": named("LessOrEqual"),
    "log": named("Log"),
    "logistic": named("Sigmoid"),
    "lt": named("Less"),
    "max": maximum,
    "min": named("Min"),
    "mul": named("Mul"),
    "ne": composed("Equal", "Not"),
    "neg": named("Neg"),
    "not": named("Not"),
    "or": named("Or"),
    "pow": named("Pow"),
    "rem": named("Mod", fmod=1),
    "rsqrt": composed("Sqrt", "Reciprocal"),
    "select_n": partial(elementwise, _write_select),
    "sign": named("Sign"),
    "sin": named("Sin"),
    "sqrt": named("Sqrt"),
    "square": partial(elementwise, _write_square),
    "sub": subtract,
    "tanh": named("Tanh"),
    "argmax": argmax,
    "reduce_max": partial(reduced, "ReduceMax"),
    "reduce_min": partial(reduced, "ReduceMin"),
    "reduce_or": partial(reduced, "ReduceMax"),
    "reduce_and": partial(reduced, "ReduceMin"),
    "reduce_prod": partial(reduced, "ReduceProd"),
    "reduce_sum": partial(reduced, "ReduceSum"),
    "top_k": top_k,
}
