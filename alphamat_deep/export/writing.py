"""From a graph to the bytes of an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import alphamat
from alphamat_deep.export.drawing import Drawn
from alphamat_deep.export.graph import CODES, Graph

OPSET, IR_VERSION = 18, 8  # of 2023; reductions take their axes as inputs since then
MOST_BYTES = 2**31 - 2**20  # of a protocol buffer, without its nodes
LARGEST = 6e4  # of what is stored as float16


def model_of(drawn: Drawn, layout: str, *, half: bool = False) -> bytes:
    """Return a model, checked by the package `onnx`.

    `layout` is the order of the axes of its inputs and outputs. With `half`, constants are stored
    as float16.
    """
    inputs = {port.name: port.laid_out(layout) for port in drawn.inputs}
    outputs = {port.name: port.laid_out(layout) for port in drawn.outputs}
    results = [x.name for x in drawn.results]
    return written(drawn.graph, inputs, outputs, results, half=half)


def written(
    graph: Graph,
    inputs: Mapping[str, tuple[Any, ...]],
    outputs: Mapping[str, tuple[Any, ...]],
    results: Sequence[str],
    *,
    half: bool = False,
) -> bytes:
    """Do the same for a graph whose inputs and outputs have other shapes than pictures."""
    import onnx
    from onnx import helper

    nodes, constants = graph.used(results)
    stored, casts = _stored(constants, half)
    if (size := sum(x.nbytes for x in stored.values())) > MOST_BYTES:
        raise ValueError(
            f"`matting` has {size / 1e9:.1f} GB of weights; expected at most 2 GB, which one ONNX "
            "file holds. Store them as float16, or choose a smaller network."
        )
    ends = [
        helper.make_node("Identity", [result], [name], name)
        for name, result in zip(outputs, results, strict=True)
    ]
    made = [
        helper.make_node(
            node.operator, node.inputs, node.outputs, node.outputs[0], **node.attributes
        )
        for node in nodes
    ]
    model = helper.make_model(
        helper.make_graph(
            [*casts, *made, *ends],
            "alphamat",
            [helper.make_tensor_value_info(name, 1, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, 1, shape) for name, shape in outputs.items()],
            [onnx.numpy_helper.from_array(x, name) for name, x in stored.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="alphamat",
        producer_version=alphamat.__version__,
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _stored(
    constants: Mapping[str, np.ndarray], half: bool
) -> tuple[dict[str, np.ndarray], list[Any]]:
    """Return arrays to store, and the nodes that make the constants of those in float16."""
    from onnx import helper

    short = {
        name
        for name, x in constants.items()
        if half and x.dtype == np.float32 and x.ndim > 1 and np.abs(x).max() < LARGEST
    }
    stored = {
        f"{name}_half" if name in short else name: x.astype(np.float16) if name in short else x
        for name, x in constants.items()
    }
    casts = [
        helper.make_node("Cast", [f"{name}_half"], [name], name, to=CODES["float32"])
        for name in constants
        if name in short
    ]
    return stored, casts
