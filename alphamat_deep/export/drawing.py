"""A network as a graph of ONNX, for pictures of one size or of all."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd
from typing import Any, NamedTuple

import jax
import numpy as np

from alphamat.rules import Preprocess
from alphamat_deep.export.converting import convert
from alphamat_deep.export.dynamic import SIZES, Traced, merged
from alphamat_deep.export.graph import Array, Graph, Value, tensor
from alphamat_deep.export.ports import Port, inputs_of, outputs_of, spec
from alphamat_deep.matting import Matting


class Drawn(NamedTuple):
    """A graph, what it takes and gives, and its results' names."""

    inputs: list[Port]
    outputs: list[Port]
    graph: Graph
    results: list[Value]


def draw(
    matting: Matting,
    function: Callable[..., Any],
    state: Any,
    layout: str,
    size: tuple[int, int, int],
) -> Drawn:
    """Return the graph for batches of one size: (B, height, width)."""
    inputs = inputs_of(matting, *size)
    outputs = outputs_of(function, state, inputs)
    graph, order = Graph(), tuple(map("NHWC".index, layout))
    closed = jax.make_jaxpr(function)(state, *map(spec, inputs))
    values: list[Array] = [np.asarray(x) for x in jax.tree.leaves(state)]
    values += [Value(port.name, order, port.shape) for port in inputs]
    try:
        results = convert(graph, closed, values)
    except NotImplementedError as fault:
        raise ValueError(f"`matting` cannot be written as ONNX: it has {fault}.") from fault
    laid = [
        Value(tensor(graph, x, order, port.shape), order, port.shape)
        for x, port in zip(results, outputs, strict=True)
    ]
    return Drawn(inputs, outputs, graph, laid)


def draw_all_sizes(
    matting: Matting, function: Callable[..., Any], state: Any, layout: str, multiple: int
) -> Drawn:
    """Return one graph for batches of all sizes whose sides are multiples of a number."""
    if getattr(matting.model, "initial_state", None) is not None:
        raise ValueError("`size` must be given: the memory of a clip has a size, too.")
    traces = []
    for batch, (height, width) in SIZES:
        size = batch, multiple * height, multiple * width
        drawn = draw(matting, function, state, layout, size)
        traces.append(Traced(drawn.graph, drawn.results, (batch, height, width)))
    try:
        graph, results = merged(traces, "image", [layout.index(axis) for axis in "NHW"], multiple)
    except NotImplementedError as fault:
        raise ValueError(f"`size` must be given: {matting.name} has {fault}.") from fault
    return Drawn(_of_any_size(drawn.inputs), _of_any_size(drawn.outputs), graph, results)


def multiple_of(rules: Preprocess) -> int:
    """Return the number of which all heights and widths are multiples that rules lead to."""
    sizes = set()
    for height, width in (233, 377), (351, 610), (64, 57):
        image, trimap = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
        trimap = None if rules.encode is None else trimap + np.uint8(128)
        prepared = rules.apply(image, trimap, image if rules.plate else None)
        sizes.add(prepared.inputs[0].shape[1:3])
    if len(sizes) == 1:
        height, width = sizes.pop()
        raise ValueError(f"`size` must be given: the network's rules lead to {height}x{width}.")
    return gcd(*(side for size in sizes for side in size))


def _of_any_size(ports: list[Port]) -> list[Port]:
    return [port._replace(shape=("batch", "height", "width", port.shape[3])) for port in ports]
