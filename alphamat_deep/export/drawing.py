"""A network as a graph of ONNX, for batches and pictures of one size or of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import gcd
from typing import Any, NamedTuple

import jax
import numpy as np

from alphamat.rules import Preprocess
from alphamat_deep.export.converting import convert
from alphamat_deep.export.dynamic import BATCHES, SIZES, Traced, merged
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
    with jax.default_matmul_precision(matting.precision):  # as it is run: JAX traces it once
        outputs = outputs_of(function, state, inputs)
        closed = jax.make_jaxpr(function)(state, *map(spec, inputs))
    graph, order = Graph(), tuple(map("NHWC".index, layout))
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
    several = [(batch, *sides) for batch, sides in SIZES]
    each = [
        draw(matting, function, state, layout, (batch, multiple * height, multiple * width))
        for batch, height, width in several
    ]
    try:
        return _of_all(each, several, layout, multiple)
    except NotImplementedError as fault:
        raise ValueError(f"`size` must be given: {matting.name} has {fault}.") from fault


def draw_all_batches(
    matting: Matting,
    function: Callable[..., Any],
    state: Any,
    layout: str,
    size: tuple[int, int],
) -> Drawn:
    """Return one graph for all numbers of pictures of one height and width.

    A network whose operations depend on the number is mapped over the pictures.
    """

    def drawn(function: Callable[..., Any]) -> Drawn:
        each = [draw(matting, function, state, layout, (batch, *size)) for batch in BATCHES]
        return _of_all(each, [(batch,) for batch in BATCHES], layout)

    def mapped(state: Any, *inputs: Any) -> list[Any]:
        found = jax.vmap(lambda *x: function(state, *(each[None] for each in x)))(*inputs)
        return [x[:, 0] for x in found]

    try:
        return drawn(function)
    except NotImplementedError as fault:
        try:
            return drawn(mapped)
        except (NotImplementedError, ValueError):
            raise ValueError(f"`batch` must be given: {matting.name} has {fault}.") from fault


def _of_all(
    each: Sequence[Drawn], sizes: Sequence[tuple[int, ...]], layout: str, multiple: int = 1
) -> Drawn:
    """Merge graphs for some sizes: batches, or batches, heights and widths in multiples."""
    traces = [Traced(x.graph, x.results, size) for x, size in zip(each, sizes, strict=True)]
    axes = [layout.index(axis) for axis in "NHW"[: len(sizes[0])]]
    graph, results = merged(traces, "image", axes, multiple)
    free = ("batch", "height", "width")[: len(axes)]
    inputs, outputs = (
        [port._replace(shape=(*free, *port.shape[len(free) :])) for port in ports]
        for ports in (each[0].inputs, each[0].outputs)
    )
    return Drawn(inputs, outputs, graph, results)


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
