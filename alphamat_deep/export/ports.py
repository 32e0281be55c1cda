"""What a file takes and gives: its inputs and outputs, and the function between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from alphamat_deep.compiling import pure
from alphamat_deep.matting import Matting


class Port(NamedTuple):
    """An input or an output."""

    name: str
    role: str
    """image, plate, trimap, state, alpha or foreground."""
    shape: tuple[Any, ...]
    """(B, H, W, C)"""

    def laid_out(self, layout: str) -> tuple[Any, ...]:
        """Return the shape with its axes in the order of "NCHW" or "NHWC"."""
        return tuple(self.shape["NHWC".index(axis)] for axis in layout)


def spec(port: Port) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(port.shape, jnp.float32)


def inputs_of(matting: Matting, batch: Any, height: Any, width: Any) -> list[Port]:
    """Return what a network takes, in its order."""
    rules = matting.preset.preprocess
    pictures = [("image", 3)]
    if rules.plate:
        pictures.append(("plate", 3))
    if rules.encode is not None:
        pictures.append(("trimap", rules.encode(np.zeros((1, 1), np.uint8)).shape[-1]))
    ports = [Port(name, name, (batch, height, width, count)) for name, count in pictures]
    for at, state in enumerate(_states(matting, ports[0].shape), start=1):
        ports.append(Port(f"r{at}", "state", state))
    return ports


def _states(matting: Matting, shape: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Return the shape of each part of a clip's memory."""
    initial: Any = getattr(matting.model, "initial_state", None)
    if initial is None:
        return []
    return [x.shape for x in jax.eval_shape(initial, jax.ShapeDtypeStruct(shape, jnp.float32))]


def outputs_of(function: Callable[..., Any], state: Any, inputs: list[Port]) -> list[Port]:
    """Return what `function_of` gives, in its order."""
    try:
        found = jax.eval_shape(function, state, *map(spec, inputs))
    except ValueError as fault:
        raise ValueError(f"`size` does not suit the network: {fault}") from None
    states = [f"{port.name}_out" for port in inputs if port.role == "state"]
    pictures = ["alpha", "foreground"][: len(found) - len(states)]
    roles = [*pictures, *["state"] * len(states)]
    return [
        Port(name, role, x.shape)
        for name, role, x in zip([*pictures, *states], roles, found, strict=True)
    ]


def function_of(matting: Matting, *, raw: bool) -> tuple[Callable[..., list[jax.Array]], Any]:
    """Return a network as `function(state, *inputs)`, and its state.

    It returns alpha, foreground and the memory of a clip. Unless `raw`, it takes colours in [0, 1]
    and normalises them itself.
    """
    f, state = pure(matting.model)
    rules = matting.preset.preprocess
    colours = 2 if rules.plate else 1
    pictures = colours + (rules.encode is not None)
    mean, std = np.array([rules.mean, rules.std], np.float32)

    def function(state: Any, *inputs: Any) -> list[jax.Array]:
        taken = list(inputs[:pictures])
        if not raw and (mean.any() or (std != 1).any()):
            taken[:colours] = [(x - mean) / std for x in taken[:colours]]
        memory = inputs[pictures:]
        output = f(state, *taken, *([memory] if memory else []))
        foreground = getattr(output, "foreground", None)
        more = [] if foreground is None else [foreground]
        return [output.alpha, *more, *(getattr(output, "state", None) or ())]

    return function, state
