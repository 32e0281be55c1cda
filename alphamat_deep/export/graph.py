"""An ONNX graph that grows node by node, and arrays of JAX as they lie in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

# The types with which all operators compute that are used, by their numbers in the format.
CODES = {"float32": 1, "int32": 6, "int64": 7, "bool": 9}

Shape = tuple[Any, ...]  # of numbers, or of symbols of JAX


class Value(NamedTuple):
    """An array of JAX's in the graph. To transpose or to repeat it takes no node."""

    name: str
    order: tuple[int, ...]
    """JAX's axes in the order in which the graph has them: (0, 3, 1, 2) is NCHW for NHWC."""
    shape: Shape
    """Along JAX's axes; 1 where the array is only repeated."""

    @property
    def ndim(self) -> int:
        return len(self.order)


Array = Value | np.ndarray


class Node(NamedTuple):
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


class Graph:
    """Nodes in the order in which they are computed, and constants. Equal ones are there once."""

    def __init__(self):
        self.nodes: list[Node] = []
        self.constants: dict[str, np.ndarray] = {}
        self._known: dict[Any, Any] = {}

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node, and return the name of its output."""
        return self.add_several(1, operator, *inputs, **attributes)[0]

    def add_several(
        self, count: int, operator: str, *inputs: str, **attributes: Any
    ) -> tuple[str, ...]:
        """Add a node, and return the names of its outputs."""
        key = operator, inputs, tuple(sorted(attributes.items()))
        if key not in self._known:
            name = f"{operator}_{len(self.nodes)}"
            outputs = (name, *(f"{name}_{at}" for at in range(1, count)))
            self._known[key] = Node(operator, inputs, outputs, attributes)
            self.nodes.append(self._known[key])
        return self._known[key].outputs

    def constant(self, array: Any, dtype: Any = None) -> str:
        """Add a constant, and return its name."""
        array = np.asarray(array, dtype)
        array = np.asarray(array, stored_type(array.dtype), order="C")
        key = array.dtype.str, array.shape, sha256(array.tobytes()).digest()
        if key not in self._known:
            self._known[key] = f"constant_{len(self.constants)}"
            self.constants[self._known[key]] = array
        return self._known[key]

    def sizes(self, sides: Iterable[Any]) -> str:
        """Return the name of an array of sizes."""
        return self.constant([int(side) for side in sides], np.int64)

    def used(self, outputs: Iterable[str]) -> tuple[list[Node], dict[str, np.ndarray]]:
        """Return the nodes and constants that some outputs need."""
        needed, nodes = set(outputs), []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                nodes.append(node)
                needed.update(node.inputs)
        return nodes[::-1], {name: x for name, x in self.constants.items() if name in needed}


def stored_type(dtype: Any) -> str:
    """Return the graph's type for one of JAX's."""
    name = np.dtype(dtype).name
    return name if name in CODES else "int64" if name == "uint32" else "int32"


def kept(x: Array) -> Shape:
    """Return an array's shape, with 1 for axes along which it is only repeated."""
    return x.shape if isinstance(x, Value) else without_repeats(x).shape


def without_repeats(array: np.ndarray) -> np.ndarray:
    """Return one of all those that `numpy.broadcast_to` made of it, along each axis."""
    return array[tuple(slice(None if step else 1) for step in array.strides)]


def tensor(
    graph: Graph, x: Array, order: Sequence[int] | None = None, shape: Shape | None = None
) -> str:
    """Return the name of an array whose axes lie in this order, or as JAX has them.

    It has the `shape` (along JAX's axes), or is 1 long where it is only repeated.
    """
    order = tuple(range(x.ndim)) if order is None else tuple(order)
    if isinstance(x, np.ndarray):
        x = without_repeats(x) if shape is None else np.broadcast_to(x, shape)
        return graph.constant(x.transpose(order))
    name = x.name
    if x.order != order:
        name = graph.add("Transpose", name, perm=tuple(map(x.order.index, order)))
    if shape is not None and x.shape != tuple(shape):
        name = graph.add("Expand", name, graph.sizes(shape[axis] for axis in order))
    return name


def main_order(*arrays: Array) -> tuple[int, ...]:
    """Return the order of that array in the graph that has most axes."""
    values = [x for x in arrays if isinstance(x, Value)]
    return max(values, key=lambda x: sum(side != 1 for side in x.shape)).order
