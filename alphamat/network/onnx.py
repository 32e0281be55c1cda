"""An ONNX model written into memory, for OpenCV to run: as much of the format as that takes.

ONNX is a protocol buffer: fields of a number and a value, where a value may hold fields again. The
numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

OPSET, IR_VERSION = 13, 8
FLOAT = 1  # TensorProto.DataType


class Graph:
    """Nodes, inputs and constants; nodes in the order in which they are computed."""

    def __init__(self, inputs: Mapping[str, tuple[int, ...]]):
        self._nodes: list[bytes] = []
        self._inputs = [_field(11, _value(name, shape)) for name, shape in inputs.items()]
        self._constants: dict[str, bytes] = {}

    def constant(self, name: str, array: np.ndarray) -> str:
        """Add an array of float32, unless there is one of this name; return the name."""
        if name not in self._constants:
            self._constants[name] = _field(5, _tensor(name, array))
        return name

    def add(self, operator: str, *inputs: str, **attributes: str | Iterable[int]) -> str:
        """Add a node, and return the name of its output; an empty input is one left out."""
        name = f"{operator} {len(self._nodes)}"
        fields = [*(_field(1, each) for each in inputs), _field(2, name), _field(3, name)]
        fields += [_field(4, operator)]
        fields += [_field(5, _attribute(key, value)) for key, value in attributes.items()]
        self._nodes.append(_field(1, b"".join(fields)))
        return name

    def model(self, output: str, shape: tuple[int, ...]) -> bytes:
        """Return the whole model, whose result is the output of one node."""
        last = *self._constants.values(), *self._inputs, _field(12, _value(output, shape))
        graph = b"".join((*self._nodes, _field(2, "graph"), *last))
        opset = _field(1, "") + _field(2, OPSET)
        return _field(1, IR_VERSION) + _field(7, graph) + _field(8, opset)


def _attribute(name: str, value: str | Iterable[int]) -> bytes:
    if isinstance(value, str):
        return _field(1, name) + _field(4, value) + _field(20, 3)
    return b"".join([_field(1, name), *(_field(8, number) for number in value), _field(20, 7)])


def _tensor(name: str, array: np.ndarray) -> bytes:
    sides = b"".join(_field(1, side) for side in array.shape)
    return sides + _field(2, FLOAT) + _field(8, name) + _field(9, array.astype("<f4").tobytes())


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    sides = b"".join(_field(1, _field(1, side)) for side in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, FLOAT) + _field(2, sides)))


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    value = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    """Write seven bits in each byte, the lowest first; the eighth says that more follow."""
    groups = []
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])
