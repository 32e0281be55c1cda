"""From a function of JAX to the nodes of ONNX that compute it: one converter for each primitive.

A function is traced to a jaxpr, JAX's list of primitives. What depends on no input is computed at
once; the rest becomes nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr

from alphamat_deep.export import gathering, products, shaping
from alphamat_deep.export.arithmetic import ARITHMETIC
from alphamat_deep.export.graph import Array, Graph, Value

MOST_STEPS = 64  # of a loop that is written step by step

CONVERTERS = ARITHMETIC | {
    "broadcast_in_dim": shaping.broadcast_in_dim,
    "concatenate": shaping.concatenate,
    "conv_general_dilated": products.conv_general_dilated,
    "dot_general": products.dot_general,
    "dynamic_slice": shaping.dynamic_slice,
    "gather": gathering.gather,
    "pad": shaping.pad,
    "reduce_window_max": products.reduce_window_max,
    "reduce_window_sum": products.reduce_window_sum,
    "reshape": shaping.reshape,
    "rev": shaping.rev,
    "scatter": gathering.scatter,
    "slice": shaping.slice_,
    "split": shaping.split,
    "squeeze": shaping.reshape,
    "stack": shaping.stack,
    "transpose": shaping.transpose,
}
QUICK = {  # JAX would compile these for each shape
    "add": np.add,
    "mul": np.multiply,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sub": np.subtract,
}
SAME = "copy", "copy_p", "stop_gradient"
WHOLE: dict[str, Any] = {  # functions of ours
    "max_pool_all": products.max_pool_all,
    "resize": products.resize,
}
INLINED = {"jit": "jaxpr", "pjit": "jaxpr", "remat2": "jaxpr", "custom_jvp_call": "call_jaxpr"}


def convert(graph: Graph, closed: Any, inputs: Sequence[Array]) -> list[Any]:
    """Write what a closed jaxpr computes from inputs, and return its outputs."""
    jaxpr = closed.jaxpr
    found: dict[Any, Any] = dict(zip(jaxpr.constvars, map(np.asarray, closed.consts), strict=True))
    found |= dict(zip(jaxpr.invars, inputs, strict=True))

    def read(x: Any) -> Array:
        return np.asarray(x.val, x.aval.dtype) if hasattr(x, "val") else found[x]

    for equation in jaxpr.eqns:
        outputs = _converted(graph, equation, [read(x) for x in equation.invars])
        several = outputs if isinstance(outputs, list) else [outputs]
        found |= dict(zip(equation.outvars, several, strict=True))
    return [read(x) for x in jaxpr.outvars]


def _converted(graph: Graph, equation: Any, operands: list[Array]) -> Any:
    name, params = equation.primitive.name, equation.params
    if name in SAME:
        return operands
    if name == "platform_index":
        return np.asarray(params["platforms"].index(None))  # what is written for all others
    whole = WHOLE.get(params["name"]) if name == "jit" else None
    if whole and isinstance(operands[0], Value) and operands[0].ndim == 4:  # (B, H, W, C)
        return whole(graph, equation, *operands)
    if all(0 in x.aval.shape for x in equation.outvars):
        return [np.zeros(x.aval.shape, x.aval.dtype) for x in equation.outvars]
    if name in INLINED:
        inner = params[INLINED[name]]
        return convert(graph, ClosedJaxpr(inner, ()) if name == "remat2" else inner, operands)
    if name == "cond" and isinstance(operands[0], np.ndarray):
        return convert(graph, params["branches"][int(operands[0])], operands[1:])
    if name == "scan":
        return _unrolled(graph, equation, operands)
    if all(isinstance(x, np.ndarray) for x in operands):
        return _computed(equation, operands)
    if name not in CONVERTERS:
        raise NotImplementedError(f"the operation `{name}`")
    return CONVERTERS[name](graph, equation, *operands)


def _computed(equation: Any, operands: list[Any]) -> list[np.ndarray]:
    """Compute what depends on no input. Arrays that are only repeated stay small."""
    name, shape = equation.primitive.name, equation.outvars[0].aval.shape
    if name == "broadcast_in_dim":
        sides = [1] * len(shape)
        for axis, side in zip(
            equation.params["broadcast_dimensions"], operands[0].shape, strict=True
        ):
            sides[axis] = side
        return [np.broadcast_to(operands[0].reshape(sides), shape)]
    if name in QUICK:
        return [np.asarray(QUICK[name](*operands))]
    if name in ("reshape", "squeeze"):
        return [operands[0].reshape(shape)]
    if name == "pad" and operands[0].shape == shape:
        return [operands[0]]
    found = equation.primitive.bind(*map(jax.numpy.asarray, operands), **equation.params)
    several = found if equation.primitive.multiple_results else [found]
    return [np.asarray(x) for x in several]


def _unrolled(graph: Graph, equation: Any, operands: list[Array]) -> list[Any]:
    """Write a loop step by step."""
    params = equation.params
    length, constants, carried = (params[key] for key in ("length", "num_consts", "num_carry"))
    if length > MOST_STEPS:
        raise NotImplementedError(f"a loop of {length} steps")
    shapes = [x.aval.shape for x in equation.invars]
    fixed, carry = operands[:constants], operands[constants : constants + carried]
    rows, steps = operands[constants + carried :], []
    for at in range(length)[:: -1 if params["reverse"] else 1]:
        each = [
            _row(graph, x, shape, at)
            for x, shape in zip(rows, shapes[constants + carried :], strict=True)
        ]
        out = convert(graph, params["jaxpr"], [*fixed, *carry, *each])
        carry = out[:carried]
        steps.append(out[carried:])
    steps = steps[:: -1 if params["reverse"] else 1]
    stacked = [
        _stacked(graph, parts, x.aval.shape)
        for parts, x in zip(zip(*steps, strict=True), equation.outvars[carried:], strict=True)
    ]
    return [*carry, *stacked]


def _row(graph: Graph, x: Array, shape: Any, at: int) -> Any:
    if isinstance(x, np.ndarray):
        return np.asarray(x[at])
    stops = at + 1, *shape[1:]
    x = shaping.sliced(graph, x, (at, *[0] * (len(shape) - 1)), stops, shape)
    return shaping.reshaped(graph, x, (1, *shape[1:]), shape[1:])


def _stacked(graph: Graph, parts: Sequence[Array], shape: Any) -> Any:
    if all(isinstance(x, np.ndarray) for x in parts):
        return np.stack(parts)
    each = 1, *shape[1:]
    wide = [shaping.reshaped(graph, x, shape[1:], each) for x in parts]
    return shaping.concatenated(graph, wide, [each] * len(wide), 0)
