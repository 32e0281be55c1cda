"""Operators that read or write at places: gather and scatter.

Both count the places in the indexed axes row by row. So one index is enough for each.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from jax.lax import GatherScatterMode

from alphamat_deep.export.graph import CODES, Array, Graph, Shape, Value, tensor


def gather(graph: Graph, equation: Any, x: Array, places: Array) -> Value:
    params, shape = equation.params, equation.invars[0].aval.shape
    numbers, sizes = params["dimension_numbers"], params["slice_sizes"]
    indexed, batch = numbers.start_index_map, numbers.operand_batching_dims
    if params["mode"] == GatherScatterMode.FILL_OR_DROP:
        _refuse_beyond(places, [shape[axis] - sizes[axis] for axis in indexed])
    chosen = [
        axis
        for axis, (side, part) in enumerate(zip(shape, sizes, strict=True))
        if axis in batch or axis in numbers.collapsed_slice_dims or part != side
    ]
    rest = [axis for axis in range(len(shape)) if axis not in chosen]
    kept = [a for a in range(len(shape)) if a not in (*numbers.collapsed_slice_dims, *batch)]
    to = dict(zip(kept, map(int, numbers.offset_dims), strict=True))
    out = equation.outvars[0].aval.shape
    several = [axis for axis in range(len(out)) if axis not in to.values()]
    if len(chosen) == 1 and isinstance(x, Value):
        table, at = tensor(graph, x, x.order, shape), x.order.index(chosen[0])
        before = [to[a] for a in x.order[:at]]
        after = [to[a] for a in x.order[at + 1 :]]
    else:
        table, at = tensor(graph, x, (*chosen, *rest), shape), 0
        if len(chosen) != 1:
            flat = (prod(shape[axis] for axis in chosen), *(shape[axis] for axis in rest))
            table = graph.add("Reshape", table, graph.sizes(flat))
        before, after = [], [to[axis] for axis in rest]
    within = [axis for axis in chosen if axis in to]
    at_places = _starts(graph, equation, places, chosen, within)
    name = graph.add("Gather", table, at_places, axis=at)
    order = (*before, *several, *(to[axis] for axis in within), *after)
    return Value(name, order, out)


def _starts(
    graph: Graph, equation: Any, places: Array, chosen: list[int], within: list[int]
) -> str:
    """Return the place of each entry that is read, counted in the chosen axes."""
    shape, params = equation.invars[0].aval.shape, equation.params
    numbers, sizes = params["dimension_numbers"], params["slice_sizes"]
    steps = _steps(shape, chosen)
    indexed = [int(axis) for axis in numbers.start_index_map]
    most = np.array([shape[axis] - sizes[axis] for axis in indexed], np.int64)
    weights = np.array([steps.get(axis, 0) for axis in indexed], np.int64)
    offsets = np.zeros((), np.int64)
    for axis in within:
        offsets = offsets[..., None] + np.arange(sizes[axis]) * steps[axis]
    count = equation.invars[1].aval.shape[:-1]
    for axis, at in zip(
        numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True
    ):
        own = np.arange(shape[axis]) * steps[axis]
        own = own.reshape([-1 if a == at else 1 for a in range(len(count))])
        offsets = offsets + own.reshape(*own.shape, *[1] * len(within))
    if isinstance(places, np.ndarray):
        first = (np.clip(places.astype(np.int64), 0, most) * weights).sum(-1)
        return graph.constant(first.reshape(*count, *[1] * len(within)) + offsets)
    whole = tensor(graph, places, shape=equation.invars[1].aval.shape)
    name = graph.add("Cast", whole, to=CODES["int64"])
    name = graph.add("Max", name, graph.constant(0, np.int64))
    name = graph.add("Min", name, graph.constant(most))
    name = graph.add("Mul", name, graph.constant(weights))
    name = graph.add("ReduceSum", name, graph.sizes([-1]), keepdims=0)
    if within:
        name = graph.add("Unsqueeze", name, graph.sizes(-1 - at for at in range(len(within))))
    return graph.add("Add", name, graph.constant(offsets))


def _steps(shape: Shape, axes: list[int]) -> dict[int, int]:
    """Return for each of some axes how far apart its neighbours are, counted row by row."""
    return {axis: prod(shape[a] for a in axes[at + 1 :]) for at, axis in enumerate(axes)}


def _refuse_beyond(places: Array, most: list[int]) -> None:
    inside = isinstance(places, np.ndarray) and (places >= 0).all() and (places <= most).all()
    if not inside:
        raise NotImplementedError("reading at places that may lie beyond the array")


def scatter(graph: Graph, equation: Any, x: Array, places: Array, updates: Array) -> Value:
    """Convert writing at places; what is to be written elsewhere goes to one row more, and away."""
    numbers, shape = equation.params["dimension_numbers"], equation.invars[0].aval.shape
    chosen = [int(axis) for axis in numbers.scatter_dims_to_operand_dims]
    if chosen != [*numbers.inserted_window_dims] or numbers.operand_batching_dims:
        raise NotImplementedError("writing of parts of rows")
    rest = [axis for axis in range(len(shape)) if axis not in chosen]
    count, row = prod(shape[a] for a in chosen), tuple(shape[a] for a in rest)
    order = (*chosen, *rest)
    table = graph.add("Reshape", tensor(graph, x, order, shape), graph.sizes((count, *row)))
    table = graph.add("Concat", table, graph.constant(np.zeros((1, *row), np.float32)), axis=0)
    windows = [int(axis) for axis in numbers.update_window_dims]
    new = equation.invars[2].aval.shape
    several = [axis for axis in range(len(new)) if axis not in windows]
    values = tensor(graph, updates, (*several, *windows), new)
    whole = tensor(graph, places, shape=equation.invars[1].aval.shape)
    at = _targets(graph, whole, [shape[axis] for axis in chosen], count)
    table = graph.add("ScatterND", table, at, values)
    table = graph.add("Slice", table, *map(graph.sizes, ([0], [count], [0])))
    name = graph.add("Reshape", table, graph.sizes(shape[axis] for axis in order))
    return Value(name, order, shape)


def _targets(graph: Graph, places: str, sides: list[int], beyond: int) -> str:
    """Return (…, 1) places, counted row by row; those outside are `beyond`."""
    name = graph.add("Cast", places, to=CODES["int64"])
    steps = [prod(sides[at + 1 :]) for at in range(len(sides))]
    clipped = graph.add("Max", name, graph.constant(0, np.int64))
    clipped = graph.add("Min", clipped, graph.constant(np.array(sides) - 1, np.int64))
    same = graph.add("Cast", graph.add("Equal", name, clipped), to=CODES["int64"])
    inside = graph.add("ReduceMin", same, graph.sizes([-1]), keepdims=1)
    inside = graph.add("Cast", inside, to=CODES["bool"])
    at = graph.add("Mul", name, graph.constant(steps, np.int64))
    at = graph.add("ReduceSum", at, graph.sizes([-1]), keepdims=1)
    return graph.add("Where", inside, at, graph.constant(beyond, np.int64))
