"""Operators that move an array's entries: reshape, slice, pad, concatenate, and their like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from alphamat_deep.export.graph import (
    Array,
    Graph,
    Shape,
    Value,
    kept,
    main_order,
    tensor,
)


def transpose(graph: Graph, equation: Any, x: Value) -> Value:
    moved = [int(axis) for axis in equation.params["permutation"]]
    order = tuple(moved.index(axis) for axis in x.order)
    return Value(x.name, order, tuple(x.shape[axis] for axis in moved))


def broadcast_in_dim(graph: Graph, equation: Any, x: Value, *_: Array) -> Value:
    to = equation.params["broadcast_dimensions"]
    shape = [1] * len(equation.params["shape"])
    for axis, side in zip(to, x.shape, strict=True):
        shape[axis] = side
    order = _with_ones([to[axis] for axis in x.order], len(shape))
    if len(shape) == x.ndim:
        return Value(x.name, order, tuple(shape))
    new = [at for at, axis in enumerate(order) if axis not in to]
    return Value(graph.add("Unsqueeze", x.name, graph.sizes(new)), order, tuple(shape))


def _with_ones(order: Sequence[int], count: int) -> tuple[int, ...]:
    """Return an order with the axes that are not in it, each after its predecessor."""
    order = list(order)
    for axis in range(count):
        if axis not in order:
            order.insert(order.index(axis - 1) + 1 if axis else 0, axis)
    return tuple(order)


def reshape(graph: Graph, equation: Any, x: Value, *_: Array) -> Value:
    return reshaped(graph, x, equation.invars[0].aval.shape, equation.outvars[0].aval.shape)


def reshaped(graph: Graph, x: Array, old: Shape, new: Shape) -> Any:
    """Return an array in another shape.

    Axes that are split or merged stay where they are in the graph, if they lie there side by side.
    """
    if isinstance(x, np.ndarray):
        return x.reshape(new)
    pairs = _matched(old, new)
    repeated = any(
        x.shape[axis] != old[axis] for axes, to in pairs if len(axes) + len(to) > 2 for axis in axes
    )
    order, places = x.order, []
    for axes, _ in pairs:
        at = [x.order.index(axis) for axis in axes]
        places.append(at[0])
        if at != list(range(at[0], at[0] + len(at))):
            order = tuple(range(x.ndim))
    if order != x.order:
        places = list(range(len(pairs)))
    name = tensor(graph, x, order, old if repeated else None)
    shape = [1] * len(new)
    for axes, to in pairs:
        for axis in to:
            shape[axis] = new[axis] if repeated or x.shape[axes[0]] == old[axes[0]] else 1
    to_order = [
        axis
        for _, at in sorted(zip(places, range(len(pairs)), strict=True))
        for axis in pairs[at][1]
    ]
    to_order = _with_ones(to_order, len(new))
    name = graph.add("Reshape", name, graph.sizes(shape[axis] for axis in to_order))
    return Value(name, to_order, tuple(shape))


def _matched(old: Shape, new: Shape) -> list[tuple[list[int], list[int]]]:
    """Return the smallest groups of axes that become groups of axes; none of them is 1 long."""
    left = [axis for axis, side in enumerate(old) if side != 1]
    right = [axis for axis, side in enumerate(new) if side != 1]
    pairs = []
    while left:
        some, others = [left.pop(0)], [right.pop(0)]
        while (a := prod(old[i] for i in some)) != (b := prod(new[i] for i in others)):
            if a < b:
                some.append(left.pop(0))
            else:
                others.append(right.pop(0))
        pairs.append((some, others))
    return pairs


def sliced(
    graph: Graph,
    x: Array,
    starts: Sequence[Any],
    stops: Sequence[Any],
    shape: Shape,
    steps: Sequence[int] | None = None,
) -> Any:
    """Return a part of an array that has a shape."""
    steps = [1] * x.ndim if steps is None else steps
    if isinstance(x, np.ndarray):
        return x[tuple(map(slice, starts, stops, steps))]
    bounds = [
        (x.order.index(axis), starts[axis], stops[axis], steps[axis])
        for axis, side in enumerate(shape)
        if x.shape[axis] == side
        and (starts[axis], stops[axis], steps[axis]) != (0, side, 1)
        and side != 1
    ]
    if not bounds:
        return x
    at, first, last, every = map(graph.sizes, zip(*sorted(bounds), strict=True))
    name = graph.add("Slice", x.name, first, last, at, every)
    found = [
        side if side == 1 else (stop - start + step - 1) // step
        for side, start, stop, step in zip(x.shape, starts, stops, steps, strict=True)
    ]
    return Value(name, x.order, tuple(found))


def slice_(graph: Graph, equation: Any, x: Value) -> Value:
    starts, stops, steps = (
        equation.params[key] for key in ("start_indices", "limit_indices", "strides")
    )
    return sliced(graph, x, starts, stops, equation.invars[0].aval.shape, steps)


def split(graph: Graph, equation: Any, x: Value) -> list[Value]:
    shape, axis = equation.invars[0].aval.shape, equation.params["axis"]
    parts, first = [], 0
    for size in equation.params["sizes"]:
        starts, stops = [0] * len(shape), list(shape)
        starts[axis], stops[axis] = first, first + size
        parts.append(sliced(graph, x, starts, stops, shape))
        first += size
    return parts


def dynamic_slice(graph: Graph, equation: Any, x: Value, *starts: Array) -> Value:
    if not all(isinstance(start, np.ndarray) for start in starts):
        raise NotImplementedError("a slice from a place that the network computes")
    shape, sizes = equation.invars[0].aval.shape, equation.params["slice_sizes"]
    first = [
        int(np.clip(start, 0, side - size))
        for start, side, size in zip(starts, shape, sizes, strict=True)
    ]
    stops = [start + size for start, size in zip(first, sizes, strict=True)]
    return sliced(graph, x, first, stops, shape)


def rev(graph: Graph, equation: Any, x: Value) -> Value:
    turned = [a for a in equation.params["dimensions"] if x.shape[a] != 1]
    at = sorted(map(x.order.index, turned))
    first, last, step = ([n] * len(at) for n in (-1, np.iinfo(np.int64).min, -1))
    bounds = map(graph.sizes, (first, last, at, step))
    return Value(graph.add("Slice", x.name, *bounds), x.order, x.shape)


def pad(graph: Graph, equation: Any, x: Array, value: Array) -> Any:
    config, shape = equation.params["padding_config"], equation.invars[0].aval.shape
    if not any(side for sides in config for side in sides):
        return x
    if any(low < 0 or high < 0 or between for low, high, between in config):
        raise NotImplementedError("a pad that cuts off, or that puts values between others")
    wide = tuple(
        side if low or high else small
        for side, small, (low, high, _) in zip(shape, kept(x), config, strict=True)
    )
    order = main_order(x) if isinstance(x, Value) else tuple(range(len(shape)))
    ends = [config[axis][end] for end in (0, 1) for axis in order]
    name = graph.add("Pad", tensor(graph, x, order, wide), graph.sizes(ends), tensor(graph, value))
    return Value(
        name,
        order,
        tuple(low + side + high for side, (low, high, _) in zip(wide, config, strict=True)),
    )


def concatenate(graph: Graph, equation: Any, *parts: Array) -> Value:
    shapes = [x.aval.shape for x in equation.invars]
    return concatenated(graph, parts, shapes, equation.params["dimension"])


def concatenated(graph: Graph, parts: Sequence[Array], shapes: Iterable[Shape], axis: int) -> Value:
    """Return arrays, of which one is in the graph, put together along an axis."""
    pairs = [(x, shape) for x, shape in zip(parts, shapes, strict=True) if shape[axis] != 0]
    parts, shapes = zip(*pairs, strict=True)
    if len(parts) == 1:
        return parts[0]
    order = main_order(*parts)
    widths = [kept(x) for x in parts]
    sides = tuple(map(max_side, zip(*widths, strict=True)))
    wide = [(*sides[:axis], shape[axis], *sides[axis + 1 :]) for shape in shapes]
    names = [tensor(graph, x, order, shape) for x, shape in zip(parts, wide, strict=True)]
    total = sum(shape[axis] for shape in wide)
    name = graph.add("Concat", *names, axis=order.index(axis))
    return Value(name, order, (*sides[:axis], total, *sides[axis + 1 :]))


def max_side(sides: Iterable[Any]) -> Any:
    """Return the length of an axis, of which some arrays may have only 1."""
    return next((side for side in sides if side != 1), 1)


def stack(graph: Graph, equation: Any, *parts: Array) -> Value:
    axis, shape = equation.params["axis"], equation.invars[0].aval.shape
    wide = (*shape[:axis], 1, *shape[axis:])
    parts = tuple(reshaped(graph, x, shape, wide) for x in parts)
    return concatenated(graph, parts, [wide] * len(parts), axis)
