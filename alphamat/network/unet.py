"""The network: a residual U-Net without normalisation, which OpenCV runs.

It goes down from level 0, the full size, to level 4, a sixteenth, and up again; what comes up is
added to what went down. A residual block is x + conv2(relu(conv1(relu(x)))).

Levels 0 and 1 take most of the memory and see only 21 pixels around, so that they can be run tile
by tile. Levels 2 to 4, the bottom, see a whole picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from alphamat.network.features import FULL, HALF
from alphamat.network.onnx import Graph

Weights: TypeAlias = Mapping[str, np.ndarray]
"""Parameters by name, of the shapes that `shapes` tells."""

CHANNELS = 16, 40, 80, 128, 192
BLOCKS = 1, 1, 2, 3  # residual blocks on levels 1 to 4 on the way down; on the way up there is one


def shapes() -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter: (out, in, height, width) of weights, (out,) of biases."""
    convolutions = {"stem": (CHANNELS[0], FULL, 3), "low": (CHANNELS[1], HALF, 1)}
    for level, count in enumerate(BLOCKS):
        here, below = CHANNELS[level : level + 2]
        convolutions[f"down.{level}"] = below, here, 3
        convolutions[f"up.{level}"] = here, below, 1
        blocks = [f"encoder.{level}.{block}" for block in range(count)]
        for name in blocks:
            convolutions |= {f"{name}.conv{k}": (below, below, 3) for k in (1, 2)}
        convolutions |= {f"decoder.{level}.conv{k}": (here, here, 3) for k in (1, 2)}
    convolutions["head"] = 1, CHANNELS[0], 3
    weights = {f"{name}.weight": (o, i, k, k) for name, (o, i, k) in convolutions.items()}
    return weights | {f"{name}.bias": (o,) for name, (o, _, _) in convolutions.items()}


def whole(weights: Weights, height: int, width: int) -> Runner:
    """Make alpha of the features at full and at half size."""
    layers = _Layers(weights, full=(FULL, height, width), half=(HALF, height // 2, width // 2))
    x0, x1, x2 = layers.encode()
    return layers.runner(layers.decode(x0, x1, layers.bottom(x2)), 1, height, width)


def encoder(weights: Weights, height: int, width: int) -> Runner:
    """Make what enters level 2 on the way down, of the same features."""
    layers = _Layers(weights, full=(FULL, height, width), half=(HALF, height // 2, width // 2))
    return layers.runner(layers.encode()[2], CHANNELS[2], height // 4, width // 4)


def bottom(weights: Weights, height: int, width: int) -> Runner:
    """Make what leaves level 2 on the way up, of what enters it on the way down."""
    size = CHANNELS[2], height // 4, width // 4
    layers = _Layers(weights, x2=size)
    return layers.runner(layers.bottom("x2"), *size)


def decoder(weights: Weights, height: int, width: int) -> Runner:
    """Make alpha of the features, and of what leaves level 2 on the way up."""
    x2 = CHANNELS[2], height // 4, width // 4
    sizes = {"full": (FULL, height, width), "half": (HALF, height // 2, width // 2), "x2": x2}
    layers = _Layers(weights, **sizes)
    x0, x1, _ = layers.encode()
    return layers.runner(layers.decode(x0, x1, "x2"), 1, height, width)


class Runner:
    """A part of the network, as OpenCV runs it: arrays (c, h, w) in and out."""

    def __init__(self, model: bytes, inputs: Iterable[str]):
        from cv2 import dnn

        self._network: Any = dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        self._network.setPreferableBackend(dnn.DNN_BACKEND_OPENCV)
        self._inputs = tuple(inputs)

    def __call__(self, arrays: Iterable[np.ndarray]) -> np.ndarray:
        for name, array in zip(self._inputs, arrays, strict=True):
            self._network.setInput(array[None], name)  # which copies it
            del array
        return self._network.forward()[0]


class _Layers:
    """Layers, as nodes of a graph: each takes the names of what it works on."""

    def __init__(self, weights: Weights, **inputs: tuple[int, ...]):
        self._weights, self._inputs = weights, inputs
        self._graph = Graph({name: (1, *size) for name, size in inputs.items()})

    def runner(self, output: str, *size: int) -> Runner:
        return Runner(self._graph.model(output, (1, *size)), self._inputs)

    def encode(self) -> tuple[str, str, str]:
        """Go down through levels 0 and 1; return what leaves them, and what enters level 2."""
        x0 = self._convolve("full", "stem")
        x1 = self._convolve(self._relu(x0), "down.0", stride=2)
        x1 = self._blocks(self._add(x1, self._convolve("half", "low")), 0)
        return x0, x1, self._convolve(self._relu(x1), "down.1", stride=2)

    def bottom(self, x: str) -> str:
        """Go down through levels 2 to 4, and up to level 2 again."""
        x2 = self._blocks(x, 1)
        x3 = self._blocks(self._convolve(self._relu(x2), "down.2", stride=2), 2)
        x4 = self._blocks(self._convolve(self._relu(x3), "down.3", stride=2), 3)
        return self._up(self._up(x4, x3, 3), x2, 2)

    def decode(self, x0: str, x1: str, x2: str) -> str:
        """Go up through levels 1 and 0, to alpha."""
        return self._convolve(self._relu(self._up(self._up(x2, x1, 1), x0, 0)), "head")

    def _up(self, x: str, kept: str, level: int) -> str:
        modes = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        x = self._convolve(self._relu(x), f"up.{level}")
        twice = self._graph.constant("twice", np.array([1, 1, 2, 2]))
        x = self._add(kept, self._graph.add("Resize", x, "", twice, **modes))
        return self._block(x, f"decoder.{level}")

    def _blocks(self, x: str, level: int) -> str:
        for k in range(BLOCKS[level]):
            x = self._block(x, f"encoder.{level}.{k}")
        return x

    def _block(self, x: str, name: str) -> str:
        inner = self._relu(self._convolve(self._relu(x), f"{name}.conv1"))
        return self._add(x, self._convolve(inner, f"{name}.conv2"))

    def _convolve(self, x: str, name: str, stride: int = 1) -> str:
        names = f"{name}.weight", f"{name}.bias"
        constants = [self._graph.constant(each, self._weights[each]) for each in names]
        size = self._weights[names[0]].shape[2]
        attributes = {"kernel_shape": 2 * [size], "strides": 2 * [stride], "pads": 4 * [size // 2]}
        return self._graph.add("Conv", x, *constants, **attributes)

    def _relu(self, x: str) -> str:
        return self._graph.add("Relu", x)

    def _add(self, x: str, y: str) -> str:
        return self._graph.add("Add", x, y)
