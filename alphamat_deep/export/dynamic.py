"""One graph for batches or pictures of all sizes, from graphs for some sizes.

A graph for one size has numbers in it that follow from the size: lengths, ends of slices, counts.
Graphs of one network for several sizes differ in these alone. Each such number is found again as a
sum of products of the batch, the height and the width; so the graph computes it from its input.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

from alphamat_deep.export.graph import CODES, Graph, Node, Value

# Batch, height and width of the graphs, in multiples: enough of them to find 8 numbers, and to
# check these. No two lengths are alike, and none is 1, so that all graphs have the same nodes.
SIZES = tuple(product((2, 3), ((5, 7), (7, 11), (11, 5), (13, 17), (6, 19))))
BATCHES = 2, 3, 5  # where only these differ, there are 2 numbers to find
FITTED = 1e-6  # relative error of a number that is not whole


class Traced(NamedTuple):
    """A graph for one size, and its results."""

    graph: Graph
    results: list[Value]
    size: tuple[int, ...]
    """Batch; also height and width in multiples, where these differ, too."""


def merged(
    traces: Sequence[Traced], image: str, axes: Sequence[int], multiple: int = 1
) -> tuple[Graph, list[Value]]:
    """Return one graph, and its results, that computes what each of some graphs does at its size.

    Parameters
    ----------
    traces : of the sizes in `SIZES`, or of the batches in `BATCHES`
    image : str
        Name of the input whose size decides.
    axes : where its batch, height and width lie; those that differ
    multiple : int
        Of which its height and width are multiples.

    Raises
    ------
    NotImplementedError
        If the graphs differ in more than in numbers, or a number follows in another way.
    """
    each = [trace.graph.used(x.name for x in trace.results) for trace in traces]
    rows = list(zip(*(nodes for nodes, _ in each), strict=False))
    if len({len(nodes) for nodes, _ in each}) > 1 or not all(map(_alike, rows)):
        raise NotImplementedError("other operations for some sizes")
    graph = Graph()
    basis = Basis(graph, [trace.size for trace in traces], image, axes, multiple)
    names: list[dict[str, str]] = [{} for _ in traces]
    for row in rows:
        inputs = [
            _input(graph, basis, same, names, [constants for _, constants in each])
            for same in zip(*(node.inputs for node in row), strict=True)
        ]
        outputs = graph.add_several(
            len(row[0].outputs), row[0].operator, *inputs, **row[0].attributes
        )
        for known, node in zip(names, row, strict=True):
            known.update(zip(node.outputs, outputs, strict=True))
    results = [x._replace(name=names[0].get(x.name, x.name)) for x in traces[0].results]
    return graph, results


def _alike(row: Sequence[Node]) -> bool:
    """Return whether nodes of several graphs are the same but for their inputs' names."""
    first = row[0]
    return all(
        (node.operator, node.attributes, len(node.inputs), len(node.outputs))
        == (first.operator, first.attributes, len(first.inputs), len(first.outputs))
        for node in row
    )


def _input(
    graph: Graph,
    basis: Basis,
    same: Sequence[str],
    names: Sequence[dict[str, str]],
    constants: Sequence[dict[str, np.ndarray]],
) -> str:
    """Return in the new graph what is one input of a node in all graphs."""
    arrays = [known.get(name) for name, known in zip(same, constants, strict=True)]
    if all(array is not None for array in arrays):
        return basis.follow([np.asarray(array) for array in arrays])
    found = {known.get(name, name) for name, known in zip(same, names, strict=True)}
    if len(found) > 1:
        raise NotImplementedError("operations in another order for some sizes")
    return found.pop()


def _products(batch: int, *sides: int) -> list[int]:
    plane = [1, *sides, *([prod(sides)] if sides else [])]
    return [*plane, *(batch * x for x in plane)]


class Basis:
    """The products of batch, height and width, of which all numbers are sums."""

    def __init__(
        self,
        graph: Graph,
        sizes: Sequence[tuple[int, ...]],
        image: str,
        axes: Sequence[int],
        multiple: int,
    ):
        self.graph = graph
        self.known = np.array([_products(*size) for size in sizes], np.float64)
        shape = graph.add("Shape", image)
        b, *sides = (graph.add("Gather", shape, graph.constant([at], np.int64)) for at in axes)
        plane = graph.constant([1], np.int64)
        if sides:
            whole = graph.constant([multiple], np.int64)
            h, w = (graph.add("Div", side, whole) for side in sides)
            plane = graph.add("Concat", plane, h, w, graph.add("Mul", h, w), axis=0)
        self.name = graph.add("Concat", plane, graph.add("Mul", plane, b), axis=0)

    def follow(self, arrays: Sequence[np.ndarray]) -> str:
        """Return the name of an array that is each of these at its size."""
        first = arrays[0]
        if all(x.shape == first.shape and np.array_equal(x, first) for x in arrays):
            return self.graph.constant(first)
        if any(x.shape != first.shape for x in arrays) or first.size > 8:
            raise NotImplementedError("arrays that follow from the size")
        values = np.stack([x.ravel() for x in arrays]).astype(np.float64)
        weights = np.linalg.lstsq(self.known, values, rcond=None)[0]
        exact = first.dtype.kind == "i"
        weights = np.rint(weights) if exact else weights
        if not np.allclose(self.known @ weights, values, rtol=0 if exact else FITTED, atol=0):
            raise NotImplementedError("numbers that follow from the size in no simple way")
        return self._computed(weights.T, first)

    def _computed(self, weights: np.ndarray, like: np.ndarray) -> str:
        graph, code = self.graph, CODES[like.dtype.name]
        if like.dtype.kind == "i":
            terms = graph.add("Mul", graph.constant(weights, np.int64), self.name)
        else:
            basis = graph.add("Cast", self.name, to=CODES["float32"])
            terms = graph.add("Mul", graph.constant(weights, np.float32), basis)
        total = graph.add("ReduceSum", terms, graph.constant([1], np.int64), keepdims=0)
        total = graph.add("Cast", total, to=code)
        return graph.add("Reshape", total, graph.constant(like.shape, np.int64))
