"""A network with its weights, as a method: from pictures to mattes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from alphamat import memory
from alphamat.method import Matte, refuse_unless_taken, stacked
from alphamat.rules import NetworkMethod, Prepared, Preprocess, one_by_one
from alphamat_deep.catalogue import Preset
from alphamat_deep.compiling import pure, without_values

JAX = 500 * 2**20  # bytes of JAX itself, and of what it compiles
PRECISIONS = "highest", "high", "default"


@dataclass(frozen=True)
class Matting(NetworkMethod):
    """A published network with its weights: `(image, trimap=None, plate=None) -> alpha`."""

    name: str
    preset: Preset
    model: nnx.Module
    """In evaluation mode. Change nothing in it: what has been compiled would not notice."""
    dtype: np.dtype
    weights: str
    """A digest, by which a continued evaluation recognises them."""
    precision: str = "highest"
    """Of products of float32 on GPUs and TPUs; see `load`."""

    @property
    def rules(self) -> Preprocess:
        return self.preset.preprocess

    @property
    def remembers(self) -> bool:
        return self._initial_state is not None

    def bytes_of(self, height: int, width: int) -> float:
        weights = sum(x.nbytes for x in jax.tree.leaves(self._pure[1]))
        return self.preset.memory(height, width) * self.dtype.itemsize / 4 + weights + JAX

    def __reduce__(self):
        # The model is built again: it holds functions of JAX that pickle cannot find.
        state = nnx.state(self.model)
        rest = self.dtype, self.weights, self.precision
        return _with_state, (self.name, self.preset, state, *rest)

    def _next(self, seen, image, trimap, plate) -> tuple[Matte, tuple | None]:
        """Return a frame's matte, and the network's memory of the clip after it."""
        refuse_unless_taken(self, trimap=trimap is not None, plate=plate is not None)
        given = {"image": image, "trimap": trimap, "plate": plate}
        several, pictures = one_by_one(given)
        prepared = [self.rules.apply(**picture) for picture in pictures]
        self._refuse_beyond_memory(len(prepared), *prepared[0].inputs[0].shape[1:3])
        together = zip(*(one.inputs for one in prepared), strict=True)
        inputs: list[Any] = [jnp.asarray(np.concatenate(x), self.dtype) for x in together]
        if self._initial_state is not None:
            inputs.append(self._initial_state(inputs[0]) if seen is None else seen)
        f, state = self._pure
        with jax.default_matmul_precision(self.precision):
            alpha, foreground, seen = _layers(f, state, *inputs)
        alpha = np.asarray(alpha, np.float32)[..., 0]
        colours = None if foreground is None else np.asarray(foreground, np.float32)
        mattes = [
            self._undo(one, alpha[at], None if colours is None else colours[at])
            for at, one in enumerate(prepared)
        ]
        return (stacked(mattes) if several else mattes[0]), seen

    def _undo(self, prepared: Prepared, alpha: np.ndarray, foreground: np.ndarray | None) -> Matte:
        alpha = self.rules.undo(alpha, prepared)
        if foreground is not None:
            foreground = self.rules.undo_foreground(foreground, alpha, prepared)
        return Matte(alpha, foreground)

    @property
    def _initial_state(self) -> Callable | None:
        """What makes the memory of a clip, from its first frame; None of a network without one."""
        return getattr(self.model, "initial_state", None)

    @cached_property
    def _pure(self) -> tuple[Callable[..., Any], nnx.State[Any, Any]]:
        return pure(self.model)

    def _refuse_beyond_memory(self, count: int, height: int, width: int) -> None:
        if jax.default_backend() == "cpu":
            several = f"{count} pictures of " if count > 1 else ""
            memory.refuse_beyond(
                count * self.preset.memory(height, width) * self.dtype.itemsize / 4,
                f"{self.name} on {several}{height} × {width} (height × width)",
                "Make the image smaller, or matte it in parts.",
            )


@partial(jax.jit, static_argnums=0)
def _layers(f, state, *inputs):
    output = f(state, *inputs)
    return output.alpha, getattr(output, "foreground", None), getattr(output, "state", None)


def _with_state(name: str, row: Preset, state: nnx.State, *rest: Any) -> Matting:
    model = nnx.merge(nnx.graphdef(without_values(row)), state)
    return Matting(name, row, model, *rest)
